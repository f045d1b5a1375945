package engine

import (
	"context"
	"errors"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// What a provider has answered is known to this process alone. While the database is away storing it is
// tried again for some twenty seconds; after that it has to be asked for again.
const (
	persistTries = 15
	persistFirst = 25 * time.Millisecond
	persistMost  = 2 * time.Second
)

// persist is decideOn for what must not be lost.
func (e *Engine) persist(ctx context.Context, known payment.Payment, c payment.Command, also ...payment.Alarm) (payment.Decision, error) {
	var u unconfirmed
	wait := persistFirst
	for try := 1; ; try++ {
		d, err := e.decideOn(ctx, &u, known, c, also...)
		if err == nil || try == persistTries || !errors.Is(err, ErrUnavailable) ||
			errors.Is(err, store.ErrBroken) || errors.Is(err, store.ErrClosed) {
			return d, err
		}
		e.c.Log.WarnContext(ctx, "answer of a provider not stored yet", "payment_id", known.ID, "error", err)
		e.pause(ctx, wait)
		wait = min(2*wait, persistMost)
		known.Version = 0 // to be read again
	}
}

// pause waits, or has the test's clock do so.
func (e *Engine) pause(ctx context.Context, d time.Duration) {
	if e.c.Pause != nil {
		e.c.Pause(ctx, d)
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
