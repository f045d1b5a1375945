package payment_test

import (
	"errors"
	"testing"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// TestNothingIsDecidedBeforeTheSearchHasEnded: whoever asks, a deposit that may have been tried after the backup is not tried,
// captured, voided or closed until its providers have been asked; then it is.
func TestNothingIsDecidedBeforeTheSearchHasEnded(t *testing.T) {
	t.Parallel()
	open := newWorld(t, deposit("10.00", false), nil)
	held := newWorld(t, deposit("10.00", true), nil)
	submit := payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("c1")}}
	held.do(t, submit)
	held.answer(t, payment.Fact{Class: payment.ClassAuthorized, Echoed: money.Sum{Amount: held.p.Asked.Amount, Currency: "EUR"}, ProviderRef: "r"})
	if held.p.State() != payment.Authorized {
		t.Fatalf("it is %s", held.p.State())
	}
	for name, c := range map[string]struct {
		w       *world
		command payment.Command
	}{
		"submit": {open, submit}, "cancel": {open, payment.Cancel{}}, "time": {open, payment.Cancel{ByClock: true}},
		"capture": {held, payment.Capture{Run: run("c2")}}, "void": {held, payment.Void{Run: run("c3")}},
	} {
		p := c.w.p
		p.Lost = payment.LostMark("e0", p.Tries)
		if _, err := payment.Decide(p, c.command, c.w.now); !errors.Is(err, payment.ErrLost) {
			t.Errorf("%s: %v", name, err)
		}
		d, err := payment.Decide(p, payment.NothingLost{}, c.w.now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := payment.Decide(d.Payment, c.command, c.w.now); err != nil {
			t.Errorf("%s after the search: %v", name, err)
		}
	}
}
