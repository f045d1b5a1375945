package admin_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// page is what a browser is shown at an address.
func (o *office) page(address string) string {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		o.t.Fatal(err)
	}
	resp, err := o.Client.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return string(body)
}

func TestALinkIsThePageOfAPayment(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o *office) {
		s := o.NewShop(t, nil)
		of := admin.OfShop{Shop: string(s.ID)}
		made := done(o, admin.OpCreateLink, admin.CreateLink{
			OfShop: of, Amount: "12.50", Currency: "PLN", Description: "Two tickets", Reference: "ORDER 7", Expires: "14d",
			Methods: []string{"blik", "PAY_BY_LINK", "BLIK"}, Locale: "pl", ReturnURL: "shop.example/{id}", Key: "seven",
		})
		lasts := made.Expires.Sub(o.Clock.Now())
		if made.State != payment.Checkout || !made.Open || made.Amount != "12.5" || lasts < 13*24*time.Hour || lasts > 14*24*time.Hour {
			t.Errorf("%+v", made)
		}
		page := o.page(made.URL)
		for _, want := range []string{`lang="pl"`, "Two tickets", "BLIK", "12,50"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %s", want)
			}
		}
		if strings.Contains(page, "cc-number") || strings.Contains(page, "GOOGLEPAY") {
			t.Error("other methods are offered")
		}
		p, err := o.Engine.Look(t.Context(), s.ID, made.Payment)
		if err != nil || p.Reference != "ORDER 7" || p.ReturnURL != "https://shop.example/{id}" {
			t.Errorf("%+v, %v", p, err)
		}
		if log := o.log.String(); !strings.Contains(log, string(made.Payment)) || strings.Contains(log, made.URL[strings.LastIndex(made.URL, "/"):]) {
			t.Errorf("the log names the payment and not the way to it: %s", log)
		}

		again := admin.CreateLink{OfShop: of, Currency: "EUR", Key: "eight"}
		first, second := done(o, admin.OpCreateLink, again), done(o, admin.OpCreateLink, again)
		if first.Payment != second.Payment || first.Repeated || !second.Repeated || first.Amount != "" {
			t.Errorf("%+v\n%+v", first, second)
		}
		again.Amount = "1"
		refused(o, admin.OpCreateLink, again, "named another link")

		link := admin.OfLink{Shop: string(s.ID), Payment: string(made.Payment)}
		if got := done(o, admin.OpCancelLink, link); got.State != payment.Cancelled || got.Open {
			t.Errorf("%+v", got)
		}
		if got := done(o, admin.OpShowLink, link); got.State != payment.Cancelled || got.URL != made.URL || got.ErrorCode != "2.00" {
			t.Errorf("%+v", got)
		}
		refused(o, admin.OpCancelLink, link, "over")
		for _, id := range []string{"nonsense", strings.Repeat("0", 32)} {
			refused(o, admin.OpShowLink, admin.OfLink{Shop: string(s.ID), Payment: id}, "has no payment")
		}
		other := o.NewShop(t, nil)
		refused(o, admin.OpShowLink, admin.OfLink{Shop: string(other.ID), Payment: string(made.Payment)}, "has no payment")
	})
}

func TestLinksThatNobodyCouldPayAreNotMade(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o *office) {
		s := o.NewShop(t, func(s *shop.Shop) {
			s.Terminals[0].Methods = []payment.Method{payment.BasicCard, payment.Blik}
			s.Terminals[0].Currencies = append(s.Terminals[0].Currencies, "EUR", "PLN")
			s.Settings.ReferenceMode = shop.ReferenceStrict
		})
		for words, edit := range map[string]func(*admin.CreateLink){
			"--amount: \"nought\"":                       func(c *admin.CreateLink) { c.Amount = "nought" },
			"--amount: \"0\"":                            func(c *admin.CreateLink) { c.Amount = "0" },
			"at most 2 decimals":                         func(c *admin.CreateLink) { c.Amount = "1.001" },
			"be 1000000000 at most":                      func(c *admin.CreateLink) { c.Amount = "1000000001" },
			"--currency":                                 func(c *admin.CreateLink) { c.Currency = "euro" },
			"no terminal of the shop takes a payment":    func(c *admin.CreateLink) { c.Currency = "USD" },
			"--method: \"CASH\"":                         func(c *admin.CreateLink) { c.Methods = []string{"CASH"} },
			"no terminal of the shop takes BLIK in EUR":  func(c *admin.CreateLink) { c.Methods = []string{"BASIC_CARD", "BLIK"} },
			"no terminal of the shop takes GOOGLEPAY in": func(c *admin.CreateLink) { c.Methods = []string{"GOOGLEPAY"} },
			"--expires: \"59s\"":                         func(c *admin.CreateLink) { c.Expires = "59s" },
			"--expires: \"91d\"":                         func(c *admin.CreateLink) { c.Expires = "91d" },
			"--expires: \"-1d\"":                         func(c *admin.CreateLink) { c.Expires = "-1d" },
			"--expires: \"tomorrow\"":                    func(c *admin.CreateLink) { c.Expires = "tomorrow" },
			"--customer-locale":                          func(c *admin.CreateLink) { c.Locale = "pl-PL" },
			"--return-url":                               func(c *admin.CreateLink) { c.ReturnURL = "javascript:alert(1)" },
			"--reference":                                func(c *admin.CreateLink) { c.Reference = strings.Repeat("x", 257) },
			"--description":                              func(c *admin.CreateLink) { c.Description = "\x00" },
			"--key":                                      func(c *admin.CreateLink) { c.Key = "\n" },
			"no shop":                                    func(c *admin.CreateLink) { c.Shop = "nobody" },
		} {
			c := admin.CreateLink{OfShop: admin.OfShop{Shop: string(s.ID)}, Amount: "1", Currency: "EUR"}
			edit(&c)
			refused(o, admin.OpCreateLink, c, words)
		}
		once := admin.CreateLink{OfShop: admin.OfShop{Shop: string(s.ID)}, Amount: "1", Currency: "EUR", Reference: "R"}
		first := done(o, admin.OpCreateLink, once)
		if same := done(o, admin.OpCreateLink, once); same.Payment != first.Payment || !same.Repeated {
			t.Errorf("%+v", same)
		}
		once.Amount = "2"
		refused(o, admin.OpCreateLink, once, "another payment of this reference")
	})
}
