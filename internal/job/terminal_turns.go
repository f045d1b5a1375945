package job

import (
	"context"
	"sync"
	"time"
)

// Due work takes turns at a terminal, so that a provider that hangs keeps the work of its own payments waiting and
// nobody else's.
const (
	// TurnsAtOnce is how many pieces of due work call one terminal at a time.
	TurnsAtOnce = 16

	turnWait   = 250 * time.Millisecond // how long a piece waits for its turn; then it is put off
	mostPutOff = time.Minute
)

// Turns is who calls which terminal. The zero value is ready.
type Turns struct {
	mu sync.Mutex
	at map[string]*turn // by id of the terminal; those at which somebody is
}

type turn struct {
	slots chan struct{}
	users int
	took  time.Duration // how long calls take, smoothed
	line  time.Time     // when the last that was put off comes again
}

// Take waits a moment for a turn at the terminal. Without one, ok is false and after says when to come again. leave must
// be called in the end.
func (t *Turns) Take(ctx context.Context, terminal string, now func() time.Time) (leave func(), after time.Duration, ok bool) {
	t.mu.Lock()
	if t.at == nil {
		t.at = make(map[string]*turn)
	}
	u := t.at[terminal]
	if u == nil {
		u = &turn{slots: make(chan struct{}, TurnsAtOnce)}
		t.at[terminal] = u
	}
	u.users++
	t.mu.Unlock()
	if u.enter(ctx) {
		began := now()
		return func() { t.leave(terminal, u, now().Sub(began)) }, 0, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(terminal, u)
	came := now()
	if u.line.Before(came.Add(turnWait)) {
		u.line = came.Add(turnWait)
	}
	if u.line.Before(came.Add(mostPutOff)) {
		u.line = u.line.Add(max(u.took, turnWait) / TurnsAtOnce)
	}
	return nil, u.line.Sub(came), false
}

// enter waits a moment for a slot. One that is free is taken, however late this goroutine comes to look.
func (u *turn) enter(ctx context.Context) bool {
	select {
	case u.slots <- struct{}{}:
		return true
	default:
	}
	patience := time.NewTimer(turnWait)
	defer patience.Stop()
	select {
	case u.slots <- struct{}{}:
		return true
	case <-patience.C:
		return false
	case <-ctx.Done():
		return false
	}
}

func (t *Turns) leave(terminal string, u *turn, took time.Duration) {
	<-u.slots
	t.mu.Lock()
	defer t.mu.Unlock()
	u.took += (took - u.took) / 8
	t.forget(terminal, u)
}

// forget drops a terminal that nobody uses. The caller holds the lock.
func (t *Turns) forget(terminal string, u *turn) {
	if u.users--; u.users == 0 {
		delete(t.at, terminal)
	}
}
