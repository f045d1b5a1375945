package payment_test

import (
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
)

// TestAnAskThatBringsNothingIsRepeatedLater: a query whose answer never comes back is made again at the instant that the
// caller names, but not while its lease lasts.
func TestAnAskThatBringsNothingIsRepeatedLater(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ next, want time.Duration }{
		{0, time.Minute}, {time.Second, time.Minute}, {time.Hour, time.Hour},
	} {
		w := newWorld(t, deposit("10", false), nil)
		w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
		w.now = w.now.Add(2 * time.Minute)
		ask := payment.BeginAsk{Op: payment.OpCheckState, Run: run("b"), NextCheck: w.now.Add(c.next)}
		w.do(t, ask)
		if got := w.p.Due.Sub(w.now); got != c.want {
			t.Errorf("asked again after %s, want %s", got, c.want)
		}
	}
}
