package payment_test

import (
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
)

// TestWhatNotFoundProves: two answers "not found" far enough apart prove that nothing was booked, unless the provider may
// have forgotten the key meanwhile: from then on they prove nothing, however many there are.
func TestWhatNotFoundProves(t *testing.T) {
	t.Parallel()
	const apart = time.Minute
	for _, c := range []struct {
		name    string
		keyLife time.Duration
		at      []time.Duration // after the start
		want    payment.State
	}{
		{"once", 0, []time.Duration{2 * apart}, payment.Pending},
		{"twice, too close", 0, []time.Duration{apart, 2*apart - 1}, payment.Pending},
		{"twice", 0, []time.Duration{apart, 2 * apart}, payment.Declined},
		{"the first while a request may be on its way", 0, []time.Duration{apart - 1, 2 * apart}, payment.Pending},
		{"while the key lives", time.Hour, []time.Duration{apart, time.Hour - 1}, payment.Declined},
		{"the second after the key's life", time.Hour, []time.Duration{apart, time.Hour}, payment.Pending},
		{"both after the key's life", time.Hour, []time.Duration{time.Hour, 2 * time.Hour, 30 * time.Hour}, payment.Pending},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, deposit("10", false), nil)
			w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
			start := w.p.LiveAttempt().Started
			for i, after := range c.at {
				if got := w.p.State(); got != payment.Pending {
					t.Fatalf("%s before answer %d", got, i+1)
				}
				w.now = start.Add(after)
				w.do(t, payment.Answer{
					Attempt: 1, Fact: payment.Fact{Class: payment.ClassUnknown, NotFound: true}, MaxInFlight: apart, KeyLife: c.keyLife,
				})
			}
			if got := w.p.State(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
