package job

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// sleep returns after the wait, a signal or the end of ctx.
func sleep(ctx context.Context, wait time.Duration, signal <-chan struct{}) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-signal:
	case <-ctx.Done():
	}
}

// notify wakes a sleeper on the signal, now or when it goes to sleep next.
func notify(signal chan<- struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}

// earlier is the earlier of two instants, where the zero one means none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// trouble logs the beginning and the end of a run of errors, not each of them.
type trouble struct {
	mu sync.Mutex
	on bool
}

// note takes the outcome of one try, and reports whether trouble began with it.
func (t *trouble) note(ctx context.Context, log *slog.Logger, what string, err error) (began bool) {
	if ctx.Err() != nil {
		return false
	}
	t.mu.Lock()
	was := t.on
	t.on = err != nil
	t.mu.Unlock()
	switch {
	case err != nil && !was:
		log.WarnContext(ctx, "due work disturbed", "what", what, "error", err)
	case err == nil && was:
		log.InfoContext(ctx, "due work undisturbed again", "what", what)
	}
	return err != nil && !was
}
