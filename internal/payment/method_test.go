package payment_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

// TestMethodsAreWhatTheirTableSays writes down what follows for a merchant from the table of methods.
func TestMethodsAreWhatTheirTableSays(t *testing.T) {
	t.Parallel()
	want := []payment.Method{payment.ApplePay, payment.BasicCard, payment.Blik, payment.GooglePay, payment.OpenBanking, payment.PayByLink, payment.Pix}
	if got := payment.Methods(); !slices.Equal(got, want) {
		t.Errorf("methods %v, want %v", got, want)
	}
	for name, w := range map[string][]payment.Method{
		"hold":   {payment.ApplePay, payment.BasicCard, payment.GooglePay},
		"chain":  {payment.BasicCard},
		"verify": {payment.BasicCard},
		"end":    {payment.Blik, payment.Pix},
	} {
		has := map[string]func(payment.MethodSpec) bool{
			"hold": func(s payment.MethodSpec) bool { return s.Hold }, "chain": func(s payment.MethodSpec) bool { return s.Chain },
			"verify": func(s payment.MethodSpec) bool { return s.Verify }, "end": func(s payment.MethodSpec) bool { return s.Ends },
		}[name]
		if got := payment.MethodsWith(has); !slices.Equal(got, w) {
			t.Errorf("%s: %v, want %v", name, got, w)
		}
	}
	if payment.Method("CASH").Valid() || payment.Method("").Valid() || payment.Method("CASH").Spec().Name != "" {
		t.Error("a method that there is not")
	}
	if payment.MethodOf(instrument.KindCard) != payment.BasicCard || payment.MethodOf(instrument.KindWallet) != "" {
		t.Error("the method that means decide")
	}
}

// TestMeansTellNoSecret prints, logs and encodes each kind in every way.
func TestMeansTellNoSecret(t *testing.T) {
	t.Parallel()
	const secret = "4539148803436467"
	number, err := instrument.ParsePAN(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []instrument.Means{
		&instrument.Card{Number: number, Holder: "JANE DOE"}, &instrument.SavedCard{Token: secret}, &instrument.Credential{Handle: secret},
		&instrument.Code{Digits: secret}, &instrument.Wallet{Method: string(payment.GooglePay), Token: []byte(secret)}, &instrument.Bank{ID: "bank"},
	} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "means", m)
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(m.Kind(), err)
		}
		copied := instrument.Clone(m)
		for _, text := range []string{fmt.Sprint(m), fmt.Sprintf("%+v %#v %s %q %x %d", m, m, m, m, m, m), log.String(), string(raw)} {
			if strings.Contains(text, secret) || strings.Contains(text, "DOE") && !strings.HasPrefix(text, "{") {
				t.Errorf("%s: %s", m.Kind(), text)
			}
		}
		m.Wipe()
		if card := instrument.CardOf(copied); card != nil && card.Number.Reveal() != secret {
			t.Errorf("%s: wiping one wiped its copy", m.Kind())
		}
		if w, ok := copied.(*instrument.Wallet); ok && string(w.Token) != secret {
			t.Errorf("%s: wiping one wiped its copy", m.Kind())
		}
		if m.Masked() != (instrument.Masked{}) && instrument.CardOf(m) == nil {
			t.Errorf("%s: %+v after it was wiped", m.Kind(), m.Masked())
		}
	}
	instrument.Wipe(nil)
	if instrument.Clone(nil) != nil || instrument.CardOf(nil) != nil {
		t.Error("nothing became something")
	}
}
