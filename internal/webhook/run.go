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
		d: d, key: k, news: make(chan struct{}, 1), fresh: true, left: -1, width: min(firstWidth, d.Parallel),
		queue: queue{chains: make(map[payment.ID][]*item)},
	}
}

// begin reads the endpoint and its shop. An endpoint that is down gets one probe.
func (r *run) begin(ctx context.Context) error {
	err := r.d.DB.View(ctx, func(tx *store.Tx) (err error) {
		r.health.Endpoint, err = tx.Endpoints().Get(r.key)
		return err
	})
	if err != nil {
		return err
	}
	s, err := r.d.Shop(ctx, r.key.Shop)
	if err != nil {
		return fmt.Errorf("shop %s: %w", r.key.Shop, err)
	}
	r.url, r.state, r.keys = r.health.URL, r.health.State, s.SigningKeys(r.d.Now())
	if r.state == store.EndpointDown {
		r.left = 1
	}
	return nil
}

// drive works until nothing is left that may be done.
func (r *run) drive(ctx context.Context) error {
	turn := time.NewTimer(r.d.Turn)
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

// nap waits for the next try of a burst, and reports whether there is something to do. On
// a clock that stands still there is not.
func (r *run) nap(ctx context.Context, turn <-chan time.Time) bool {
	wait, more := r.untilBurst()
	if !more {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		wait, more = r.untilBurst()
		return more && wait <= 0
	case <-r.news: // perhaps a new delivery
		return true
	case <-turn:
		r.stop()
	case <-ctx.Done():
	}
	return false
}

// untilBurst returns how long it is until the next try of a burst; some is false when there
// is none to come.
func (r *run) untilBurst() (wait time.Duration, some bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue.burst) == 0 || !r.mayBegin() {
		return 0, false
	}
	return r.queue.burst[0].Next.Sub(r.d.Now()), true
}

// mayBegin reports whether posts may begin at all. The caller holds the lock.
func (r *run) mayBegin() bool { return !r.stopped && r.left != 0 && r.health.open(r.d.Now()) }

// take1 takes the next delivery if a post may begin, or nil. The caller holds the lock.
func (r *run) take1() *item {
	if r.active >= r.width || !r.mayBegin() {
		return nil
	}
	it := r.queue.popBurst(r.d.Now())
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
	at := r.d.Now()
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
	r.health.note(res, r.d.Now(), &r.d.random)
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

// eachSlow is how long posts have to take for each of them that is under way, before more are.
const eachSlow = 300 * time.Microsecond

// widen moves the width by one towards what serves a receiver that takes so long. A fast one is kept busy by few posts;
// more of them would only make deliveries to others wait for a processor. The caller holds the lock.
func (r *run) widen(took time.Duration) {
	if r.took == 0 {
		r.took = took
	}
	r.took += (took - r.took) / 8
	switch wanted := min(max(int(r.took/eachSlow), firstWidth), r.d.Parallel); {
	case r.width < wanted:
		r.width++
	case r.width > wanted:
		r.width--
	}
}

// notify tells the driver to look.
func (r *run) notify() {
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// idle reports that nothing is under way, recorded late, or to be begun.
func (r *run) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active > 0 || len(r.results) > 0 {
		return false
	}
	if burst := r.queue.burst; len(burst) > 0 && !burst[0].Next.After(r.d.Now()) && r.mayBegin() {
		return false
	}
	return !r.mayBegin() || r.health.crowded() || len(r.queue.ready) == 0 && !r.more && !r.fresh && !r.poked
}

// counts returns the posts under way and the results not committed.
func (r *run) counts() (active, results int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.active, len(r.results)
}

// stop lets no more posts begin.
func (r *run) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
}

// await returns when there are results worth committing, or something else to do.
func (r *run) await(ctx context.Context, turn <-chan time.Time) {
	active, results := r.counts()
	if active == 0 {
		return
	}
	if results == 0 {
		wait := reread
		if burst, some := r.untilBurst(); some && burst > 0 {
			wait = min(wait, burst)
		}
		look := time.NewTimer(wait)
		defer look.Stop()
		select {
		case <-r.news:
		case <-turn:
			r.stop()
		case <-look.C:
			r.fresh = r.fresh || r.starved()
		case <-ctx.Done():
			r.stop()
			<-r.news // posts end with ctx
		}
	}
	rest := time.NewTimer(linger)
	defer rest.Stop()
	for {
		active, results = r.counts()
		if active == 0 || results == 0 || results >= flushBatch {
			return
		}
		select {
		case <-r.news:
		case <-rest.C:
			return
		}
	}
}

// starved reports that every delivery in memory is under way. While others wait there for a post to end, reading the same
// ones again would bring nothing, and an endpoint that hangs with a backlog would keep the database busy for all.
func (r *run) starved() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue.ready) == 0
}

// halt waits for the posts that are under way, without recording them.
func (r *run) halt() {
	r.stop()
	for {
		if active, _ := r.counts(); active == 0 {
			return
		}
		<-r.news
	}
}
