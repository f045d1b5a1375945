package webhook

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
)

const (
	firstWidth   = 8                      // posts at a time at the beginning of a run
	flushBatch   = 512                    // results that are committed without waiting for more
	linger       = 10 * time.Millisecond  // how long a result waits for others while posts are under way
	reread       = 100 * time.Millisecond // how often a run that waits for slow posts and has no other delivery looks for one
	longestNap   = 20 * time.Millisecond  // a retry that comes sooner is waited for, not left to the next run
	writeTimeout = 10 * time.Second       // for recording what is known when the run is told to end
)

// run is one turn of work on one endpoint. One goroutine drives it: it alone reads and
// writes the database, one after the other. Posts run in goroutines of their own, which
// take the next delivery from the queue without waiting for the driver.
type run struct {
	d    *Deliverer
	key  store.EndpointKey
	url  string
	keys []string      // signing keys
	news chan struct{} // holds one when something changed since the driver looked

	// Of the driver alone.
	state  store.EndpointState // as the database has it
	cursor *store.Delivery     // where the next page begins
	more   bool                // the last page was full
	fresh  bool                // something may have changed since the last look from the start

	mu      sync.Mutex // guards what follows
	health  health
	queue   queue
	results []result      // not committed
	active  int           // posts under way
	width   int           // how many may be
	took    time.Duration // how long accepted posts take, smoothed
	left    int           // posts that may still begin; -1 for any number
	stopped bool          // no post may begin
	failure error         // what ended the run before its time
	poked   bool          // there is a new delivery
}

func newRun(d *Deliverer, k store.EndpointKey) *run {
	return &run{
		d: d, key: k, news: make(chan struct{}, 1), fresh: true, left: -1, width: min(firstWidth, d.c.Parallel),
		queue: queue{chains: make(map[payment.ID][]*item)},
	}
}

// begin reads the endpoint and its shop. An endpoint that is down gets one probe.
func (r *run) begin(ctx context.Context) error {
	err := r.d.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		r.health.Endpoint, err = tx.Endpoints().Get(r.key)
		return err
	})
	if err != nil {
		return err
	}
	s, err := r.d.c.Shop(ctx, r.key.Shop)
	if err != nil {
		return fmt.Errorf("shop %s: %w", r.key.Shop, err)
	}
	r.url, r.state, r.keys = r.health.URL, r.health.State, s.SigningKeys(r.d.c.Now())
	if r.state == store.EndpointDown {
		r.left = 1
	}
	return nil
}

// drive works until nothing is left that may be done.
func (r *run) drive(ctx context.Context) error {
	turn := time.NewTimer(r.d.c.Turn)
	defer turn.Stop()
	defer r.halt() // an error leaves no post behind
	for {
		if err := r.refill(ctx); err != nil {
			return err
		}
		r.launch(ctx)
		if r.idle() {
			if r.nap(ctx, turn.C) {
				continue
			}
			return r.ended(ctx)
		}
		r.await(ctx, turn.C)
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
}

// ended is what ended the run before its time, if something did.
func (r *run) ended(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failure != nil {
		return r.failure
	}
	return ctx.Err()
}

// mayBegin reports whether posts may begin at all. The caller holds the lock.
func (r *run) mayBegin() bool { return !r.stopped && r.left != 0 && r.health.open(r.d.c.Now()) }

// take1 takes the next delivery if a post may begin, or nil. The caller holds the lock.
func (r *run) take1() *item {
	if r.active >= r.width || !r.mayBegin() {
		return nil
	}
	it := r.queue.popBurst(r.d.c.Now())
	if it == nil && len(r.queue.ready) > 0 && !r.health.crowded() {
		it = r.queue.pop()
	}
	if it == nil {
		return nil
	}
	if r.left > 0 {
		r.left--
	}
	r.active++
	return it
}

// launch begins posts as far as the width allows.
func (r *run) launch(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for it := r.take1(); it != nil; it = r.take1() {
		go r.work(ctx, it)
	}
}

// work posts one delivery after the other.
func (r *run) work(ctx context.Context, it *item) {
	err := rescue.Run(func() {
		for it != nil {
			res := r.try(ctx, it)
			it = r.finish(ctx, &res)
		}
	})
	if err != nil {
		r.broke(err)
	}
}

// try posts once. A panic is a failed try of this delivery that says nothing about its endpoint.
func (r *run) try(ctx context.Context, it *item) (res result) {
	at := r.d.c.Now()
	err := rescue.Run(func() { res = r.post(ctx, it) })
	if err == nil {
		return res
	}
	return result{item: it, protocol: r.d.protocol(it.Dialect), at: at, err: err.Error(), stack: rescue.Stack(err), ours: true}
}

// broke ends a run whose own work panicked, in finish: nothing more begins, the driver gets the error, and the endpoint is
// taken up again later.
func (r *run) broke(err error) {
	r.mu.Lock()
	r.stopped, r.failure = true, err
	r.mu.Unlock()
	r.notify()
}

// finish takes in a result and returns the next delivery to post, if any. The width grows
// with successes and halves with each failure, a burst counting as one, so that an endpoint that answers
// slowly and badly holds few connections.
func (r *run) finish(ctx context.Context, res *result) *item {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.notify()
	r.active--
	if res.aborted {
		r.stopped = true
		return nil
	}
	r.results = append(r.results, *res)
	r.health.note(res, r.d.c.Now(), &r.d.random)
	if res.delivered() {
		r.left = -1
		r.widen(res.took)
	} else if !res.ours && !res.inBurst() {
		r.width = max(r.width/2, 1)
	}
	next := r.take1()
	if more := r.take1(); more != nil {
		go r.work(ctx, more)
	}
	return next
}
