package webhook

import (
	"context"
	"time"
)

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
	return r.queue.burst[0].Next.Sub(r.d.c.Now()), true
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
	switch wanted := min(max(int(r.took/eachSlow), firstWidth), r.d.c.Parallel); {
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
	if burst := r.queue.burst; len(burst) > 0 && !burst[0].Next.After(r.d.c.Now()) && r.mayBegin() {
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
