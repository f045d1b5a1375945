package shop_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

func TestSettingsNameEveryFault(t *testing.T) {
	s := shop.Settings{Required: "some", ReferenceMode: "x", CheckoutTimeout: 1441, ReturnURL: "ftp://x", WebhookURL: "https://u:p@x/",
		YandexPay: shop.YandexPay{CallbackURL: "https://shop.example/?event=pay"}}
	err := s.Check()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{"requiredParameters", "referenceIdMode", "checkoutTimeout", "returnUrl", "webhookUrl", "yandexPay.callbackUrl"} {
		if !strings.Contains(err.Error(), name+":") {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
	for _, live := range []bool{false, true} {
		if err := shop.Defaults(live).Check(); err != nil {
			t.Errorf("defaults: %v", err)
		}
		if got := shop.Defaults(live).HostToHost; got == live {
			t.Errorf("live %v: host to host %v", live, got)
		}
	}
}

// TestSettingsAreFixedInAPayment: how long its checkout lasts, where its terms say nothing else.
func TestSettingsAreFixedInAPayment(t *testing.T) {
	made := time.Date(2030, 12, 25, 10, 0, 0, 0, time.UTC)
	s := shop.Shop{Settings: shop.Settings{CheckoutTimeout: 90}}
	for lasts, want := range map[time.Duration]time.Duration{0: 90 * time.Minute, time.Hour: time.Hour} {
		p := payment.Payment{Created: made, Terms: payment.Terms{Lasts: lasts}}
		if s.Fix(&p); p.CheckoutUntil.Sub(made) != want {
			t.Errorf("terms of %s: until %s", lasts, p.CheckoutUntil)
		}
	}
}

func TestAbsoluteURL(t *testing.T) {
	for text, want := range map[string]bool{
		"https://shop.example/a?b=c": true, "http://127.0.0.1:8080": true, "HTTPS://SHOP.EXAMPLE": true,
		"": false, "/path": false, "shop.example": false, "javascript:alert(1)": false, "ftp://x": false,
		"https://user@shop.example": false, "https://": false, "https://a b": false, "://": false,
	} {
		if got := shop.AbsoluteURL(text); got != want {
			t.Errorf("AbsoluteURL(%q) = %v", text, got)
		}
	}
}

func TestCardTestingIsSlowedInLiveShops(t *testing.T) {
	for _, live := range []bool{false, true} {
		if got := shop.Defaults(live).CardTesting.On; got != live {
			t.Errorf("live %v: on %v", live, got)
		}
	}
	for name, set := range map[string]func(*shop.CardTesting, int){
		"cardDeclines":        func(c *shop.CardTesting, n int) { c.CardDeclines = n },
		"cardAddressDeclines": func(c *shop.CardTesting, n int) { c.CardAddressDeclines = n },
		"addressDeclines":     func(c *shop.CardTesting, n int) { c.AddressDeclines = n },
		"addressCards":        func(c *shop.CardTesting, n int) { c.AddressCards = n },
		"binCards":            func(c *shop.CardTesting, n int) { c.BINCards = n },
		"alarmRate":           func(c *shop.CardTesting, n int) { c.AlarmRate = n },
		"alarmFrom":           func(c *shop.CardTesting, n int) { c.AlarmFrom = n },
	} {
		for n, fits := range map[int]bool{-1: false, 1: true, 50: true, 2_000_000: false} {
			s := shop.Defaults(true)
			set(&s.CardTesting, n)
			if err := s.Check(); (err == nil) != fits || err != nil && !strings.Contains(err.Error(), "cardTesting."+name+":") {
				t.Errorf("%s of %d: %v", name, n, err)
			}
		}
	}
}
