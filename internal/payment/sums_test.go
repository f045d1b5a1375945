package payment_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// TestAConvertedPaymentMovesWhatItWasConvertedInto: providers are sent that money, it is captured and goes back, and what was
// asked for stays what it is.
func TestAConvertedPaymentMovesWhatItWasConvertedInto(t *testing.T) {
	t.Parallel()
	asked := deposit("10", true)
	asked.Roles = payment.Roles{Sent: money.Sum{Amount: money.MustParse("1500"), Currency: "JPY"}, Rate: "r1"}
	w := newWorld(t, asked, nil)
	w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
	if got := w.call.Attempt.Sent; got != asked.Sent {
		t.Fatalf("sent %s, want %s", got, asked.Sent)
	}
	w.answer(t, payment.Fact{Class: payment.ClassAuthorized, Echoed: asked.Sent})
	refused := func(c payment.Command, want payment.ErrorCode) {
		t.Helper()
		_, err := payment.Decide(w.p, c, w.now)
		if r := new(payment.Refusal); !errors.As(err, &r) || r.Code != want {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
	refused(payment.Capture{Amount: money.MustParse("100.5"), Run: run("b")}, payment.CodeInvalidAmount) // the yen has no decimals
	w.do(t, payment.Capture{Amount: money.MustParse("1000"), Run: run("b")})
	settled := money.Sum{Amount: money.MustParse("6.5"), Currency: "USD"}
	w.answer(t, payment.Fact{Class: payment.ClassApproved, Settled: settled})
	if got, want := w.p.Shown(), (money.Sum{Amount: money.MustParse("1000"), Currency: "JPY"}); got != want {
		t.Errorf("shown %s, want %s", got, want)
	}
	if w.p.Asked != asked.Asked || w.p.Settled != settled {
		t.Errorf("asked %s, settled %s", w.p.Asked, w.p.Settled)
	}
	if got, want := w.p.Beside(), []payment.NamedSum{{Name: "settled", Sum: settled}, {Name: "asked", Sum: asked.Asked}}; !slices.Equal(got, want) {
		t.Errorf("people are told of %v, want %v", got, want)
	}
	refused(payment.Reserve{Amount: money.MustParse("1"), Currency: "EUR"}, payment.CodeInvalidCurrency)
	w.do(t, payment.Reserve{Amount: money.MustParse("400"), Currency: "JPY"})
	if got := w.p.Refundable(); got != money.MustParse("600") {
		t.Errorf("%s can be refunded, want 600", got)
	}
}
