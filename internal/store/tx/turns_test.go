package tx_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// TestCrowdOnOneRow: whoever names what it depends on gets through, however many want the same at once.
func TestCrowdOnOneRow(t *testing.T) {
	t.Parallel()
	const crowd = 400
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		nodes := []*tx.DB{open(t, d, testSchema)}
		if d.Kind == tx.Postgres {
			nodes = append(nodes, open(t, d, testSchema), open(t, d, testSchema))
		}
		create(t, nodes[0], "hot")
		gate := make(chan struct{})
		var wg sync.WaitGroup
		for i := range crowd {
			wg.Go(func() {
				<-gate
				if err := increment(t.Context(), nodes[i%len(nodes)], "hot"); err != nil {
					t.Errorf("caller %d: %v", i, err)
				}
			})
		}
		close(gate)
		wg.Wait()
		if got := unitsOf(t, nodes[0], "hot"); got != crowd {
			t.Errorf("units %d, want %d", got, crowd)
		}
		for _, db := range nodes {
			stats := db.Stats()
			if stats.Lines != 0 {
				t.Errorf("%d lines are left", stats.Lines)
			}
			if alone := len(nodes) == 1; alone && stats.Reruns > 3*crowd {
				t.Errorf("%d reruns for %d callers", stats.Reruns, crowd)
			}
			t.Logf("%+v", stats)
		}
	})
}

// TestLine: who stands in line, in which order they go, and that nobody overtakes them.
func TestLine(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *tx.DB) {
		create(t, db, "hot")
		l := newLine(t, db)
		leaves, left := context.WithCancel(t.Context())
		given := l.join(leaves, "gives up")
		first, second := l.join(t.Context(), "first"), l.join(t.Context(), "second")
		left()
		if err := <-given; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up: %v", err)
		}
		// Somebody who has lost nothing must not be faster than those in line, on the same thing; on others it may.
		late := l.join(t.Context(), "late")
		create(t, db, "other")
		if err := increment(t.Context(), db, "other"); err != nil {
			t.Error(err)
		}
		close(l.release)
		for name, done := range map[string]<-chan error{"holder": l.holder, "first": first, "second": second, "late": late} {
			if err := <-done; err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := unitsOf(t, db, "hot"); got != 5 || db.Stats().Lines != 0 {
			t.Errorf("units %d, want 5; %d lines are left", got, db.Stats().Lines)
		}
		if diff := cmp.Diff([]string{"holder", "first", "second", "late"}, l.order); diff != "" {
			t.Errorf("they went in another order:\n%s", diff)
		}
	})
}

// queueing is a line on the account "hot", whose first holder keeps its turn until released.
type queueing struct {
	t       *testing.T
	db      *tx.DB
	holder  chan error
	release chan struct{}
	mu      sync.Mutex
	runs    map[string]int
	order   []string
}

func newLine(t *testing.T, db *tx.DB) *queueing {
	t.Helper()
	l := &queueing{t: t, db: db, holder: make(chan error, 1), release: make(chan struct{}), runs: map[string]int{}}
	var once atomic.Bool
	go func() {
		l.holder <- db.Update(t.Context(), func(x *tx.Tx) error {
			x.LockKey("hot")
			a, err := load(x, "hot")
			if err != nil {
				return err
			}
			if once.CompareAndSwap(false, true) { // another one is faster, who names no key and so meets no line
				if err := db.Update(t.Context(), bump(a)); err != nil {
					return err
				}
			} else {
				l.ran("holder")
				<-l.release
				x.After(func() { l.done("holder") })
			}
			return bump(a)(x)
		})
	}()
	l.await("holder", 1)
	return l
}

func bump(a account) func(*tx.Tx) error {
	return func(x *tx.Tx) error {
		x.Guard("account.increment", bumpAccount, "shop", a.ID, a.Version, a.Units+1)
		return nil
	}
}

func (l *queueing) ran(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs[name]++
}

// await waits until the body of that name has run so often.
func (l *queueing) await(name string, runs int) {
	l.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		n := l.runs[name]
		l.mu.Unlock()
		if n >= runs {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("%s ran %d times, want %d", name, n, runs)
		}
	}
}

// body increments the account once, and notes when that was done.
func (l *queueing) body(ctx context.Context, name string) error {
	return l.db.Update(ctx, func(x *tx.Tx) error {
		x.LockKey("hot")
		a, err := load(x, "hot")
		if err != nil {
			return err
		}
		l.ran(name)
		x.After(func() { l.done(name) })
		return bump(a)(x)
	})
}

func (l *queueing) done(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.order = append(l.order, name)
}

// join has somebody stand in line, and returns when they do.
func (l *queueing) join(ctx context.Context, name string) <-chan error {
	l.t.Helper()
	ended := make(chan error, 1)
	before := l.db.Stats().InLine
	go func() { ended <- l.body(ctx, name) }()
	for deadline := time.Now().Add(30 * time.Second); l.db.Stats().InLine == before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("%s never stood in line", name)
		}
	}
	return ended
}
