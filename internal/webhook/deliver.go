package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// ErrRunning says that the endpoint is being worked on in this process already.
var ErrRunning = errors.New("endpoint is being worked on")

// Config is what a Deliverer works with. All of it is required but the last four.
type Config struct {
	DB        *store.DB
	Client    *outbound.Client // from NewClient
	Shop      func(ctx context.Context, id shop.ID) (*shop.Shop, error)
	Protocols map[string]Protocol // by the name of the dialect
	Now       func() time.Time
	Random    io.Reader
	Log       *slog.Logger
	Bell      *alarm.Notifier // told what was given up

	// Parallel is how many posts to one endpoint run at a time at most; 0 is 32.
	Parallel int
	// Turn is how long one Run begins new posts, so that a large backlog shares its place
	// with other endpoints; 0 is two seconds.
	Turn time.Duration
	// Observe is told of each try: "delivered", "retried" or "gave up". It may be nil.
	Observe func(outcome string, took time.Duration)
	// Changed is told when tries have brought an endpoint into another state. It may be nil.
	Changed func(store.EndpointState)
}

// Deliverer makes the deliveries of endpoints. Its methods may be called from any
// goroutine; it keeps nothing of importance between runs, so any node may take over at any
// time.
type Deliverer struct {
	c         Config
	protocols map[string]*Protocol
	random    lockedReader
	running   sync.Map // of store.EndpointKey to *run
}

// New returns a Deliverer. It starts nothing by itself.
func New(c Config) *Deliverer {
	if c.Parallel <= 0 {
		c.Parallel = 32
	}
	if c.Turn <= 0 {
		c.Turn = 2 * time.Second
	}
	d := &Deliverer{c: c, protocols: make(map[string]*Protocol, len(c.Protocols)), random: lockedReader{r: c.Random}}
	for dialect, p := range c.Protocols {
		d.protocols[dialect] = &p
	}
	return d
}

// protocol returns how events of the dialect are posted.
func (d *Deliverer) protocol(dialect string) *Protocol {
	if p := d.protocols[dialect]; p != nil {
		return p
	}
	return unknown()
}

// Due returns endpoints of the shards that have work at or before the instant, longest due
// first, but the first of each shop before any second one. One that is being worked on may be among them.
func (d *Deliverer) Due(ctx context.Context, shards []int64, before time.Time, limit int) ([]store.DueEndpoint, error) {
	var due []store.DueEndpoint
	err := d.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.Endpoints().Due(shards, before, limit)
		return err
	})
	return due, err
}

// Run works on one endpoint until nothing is due there, the receiver fails, or the turn is
// over, and returns when there is work next: an instant that has passed if more is due, the
// zero time if no delivery is open. The caller makes sure that no other node runs the same
// endpoint.
//
// When ctx ends, posts are broken off and nothing more begins; what was found out until
// then is still recorded. Errors are those of the database, the context's and ErrRunning;
// an unwilling receiver is no error.
func (d *Deliverer) Run(ctx context.Context, k store.EndpointKey) (next time.Time, err error) {
	r := newRun(d, k)
	if _, taken := d.running.LoadOrStore(k, r); taken {
		return time.Time{}, fmt.Errorf("endpoint %s: %w", k, ErrRunning)
	}
	defer d.running.Delete(k)
	if err := r.begin(ctx); errors.Is(err, store.ErrNotFound) {
		return time.Time{}, nil
	} else if err != nil {
		return time.Time{}, fmt.Errorf("endpoint %s: %w", k, err)
	}
	err = r.drive(ctx)
	if err == nil && r.health.State == store.EndpointDisabled {
		err = r.abandon(ctx)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("endpoint %s: %w", k, err)
	}
	err = d.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		next, err = tx.Endpoints().NextDue(k)
		return err
	})
	return next, err
}

// Wake tells a Run of the endpoint that there is a new delivery, and reports whether there
// is such a Run. It spares the delivery a wait of up to a tenth of a second while others
// are under way; whoever calls it must still see to a Run afterwards, because this one may
// be at its end.
func (d *Deliverer) Wake(k store.EndpointKey) bool {
	v, _ := d.running.Load(k)
	r, ok := v.(*run)
	if !ok {
		return false
	}
	r.mu.Lock()
	r.poked = true
	r.mu.Unlock()
	r.notify()
	return true
}

// Drain runs everything that is due in the shards, endpoints side by side, until nothing
// is, and returns when something is due next; the zero time when nothing is open. It is
// the simplest way to work on deliveries, for tests and for programs that are alone.
func (d *Deliverer) Drain(ctx context.Context, shards []int64) (next time.Time, err error) {
	for {
		due, err := d.Due(ctx, shards, d.c.Now(), 256)
		if err != nil {
			return time.Time{}, err
		}
		if len(due) == 0 {
			break
		}
		errs := make([]error, len(due))
		var wg sync.WaitGroup
		for i := range due {
			wg.Go(func() {
				errs[i] = rescue.Call(func() error {
					_, err := d.Run(ctx, due[i].EndpointKey)
					return err
				})
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return time.Time{}, err
		}
	}
	soonest, err := d.Due(ctx, shards, time.UnixMicro(1<<62), 1)
	if err != nil || len(soonest) == 0 {
		return time.Time{}, err
	}
	return soonest[0].Due, nil
}

// lockedReader lets runs share a source of random bytes.
type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}
