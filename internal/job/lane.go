package job

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/limit"
	"github.com/sluicepay/sluice/internal/rescue"
)

// gap is the least time between two reads of one kind while wakes pour in, unless there is
// a backlog: it bounds what reading costs under load. A first wake does not wait for it.
const gap = 5 * time.Millisecond

// lane runs one kind of work. Its own goroutine reads what is due and begins it; each
// handler has a goroutine.
type lane struct {
	kind   Kind
	shards *shards
	now    func() time.Time
	log    *slog.Logger
	random io.Reader // used by one handler at a time
	pause  time.Duration
	alarm  func(ctx context.Context, kind string, err error)
	signal chan struct{}
	ask    func() // asks to be told when new work is due
	flight sync.WaitGroup
	places *limit.Places[string] // of handlers, by owner

	mu      sync.Mutex
	look    bool             // the store may have work that is not here yet
	next    time.Time        // when it will have; zero is unknown
	wait    time.Time        // the store is not asked before
	queue   waiting          // read, waiting for a handler
	left    bool             // more of an owner was read than is kept waiting
	tasks   map[string]*task // by key: in the queue or running
	rest    map[string]rest  // by key: finished a moment ago
	sweep   time.Time        // when rests are cleared away
	count   counts
	trouble trouble
}

type task struct {
	item    Item
	running bool
	again   bool // there may be more for the key
}

// rest keeps an item from running again although the store still gives it, be it because
// the answer was on its way when the item finished, or because its handler got no further.
type rest struct{ due, until time.Time }

type counts struct {
	running              int
	queries              uint64
	done, failed, parked uint64
}

func newLane(k Kind, o Options, s *shards) *lane {
	k = k.withDefaults()
	return &lane{
		kind: k, places: limit.NewPlaces[string](k.Concurrency), shards: s, now: o.Now, log: o.Log.With("kind", k.Name), random: o.Random,
		pause: o.PollEvery, alarm: o.Alarm, signal: make(chan struct{}, 1),
		tasks: map[string]*task{}, rest: map[string]rest{},
	}
}

// expect says that the store has something new at that instant, or right now.
func (l *lane) expect(at time.Time) {
	l.mu.Lock()
	if at.After(l.now()) {
		l.next = earlier(l.next, at)
	} else {
		l.look = true
	}
	l.mu.Unlock()
	notify(l.signal)
}

// wake says that there may be something new for a key now.
func (l *lane) wake(key string) {
	l.mu.Lock()
	switch t := l.tasks[key]; {
	case t == nil:
		l.look = true
	case t.running:
		t.again = true
	} // one in the queue looks at the work afresh anyway
	delete(l.rest, key)
	l.mu.Unlock()
	notify(l.signal)
}

// loop runs until ctx ends. Handlers get the context base and may outlive the loop; flight
// counts them.
func (l *lane) loop(ctx, base context.Context) {
	for ctx.Err() == nil {
		l.begin(base)
		shards, limit, wait := l.wanted()
		if limit > 0 {
			l.fetch(ctx, shards, limit)
		} else {
			sleep(ctx, wait, l.signal)
		}
	}
}

// begin starts what waits, as far as there are handlers.
func (l *lane) begin(base context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.count.running < l.kind.Concurrency {
		item, last, found := l.queue.next(l.may)
		if !found {
			return
		}
		if last && l.left {
			l.look, l.left = true, false
		}
		ctx, end, ok := l.shards.begin(base, item.Shard)
		if !ok {
			delete(l.tasks, item.Key)
			l.give(item.Owner)
			continue
		}
		l.tasks[item.Key].running = true
		l.count.running++
		l.flight.Go(func() {
			defer end()
			if err := rescue.Run(func() { l.work(ctx, item) }); err != nil {
				l.log.ErrorContext(ctx, "due work panicked", "key", item.Key, "error", err, "stack", rescue.Stack(err))
			}
		})
	}
}

// may takes a handler's place for the owner, if there is one for it. What is nobody's takes what there is.
func (l *lane) may(owner string) bool { return owner == "" || l.places.Take(owner, 1) }

func (l *lane) give(owner string) {
	if owner != "" {
		l.places.Give(owner, 1)
	}
}

// work runs one item and sees to what came of it.
func (l *lane) work(ctx context.Context, item Item) {
	err := l.call(ctx, item)
	more := errors.Is(err, ErrMore)
	failed := err != nil && !more && ctx.Err() == nil
	var next time.Time
	if failed {
		next = l.fail(ctx, item, err)
	}
	now := l.now()
	l.mu.Lock()
	again := l.tasks[item.Key].again
	delete(l.tasks, item.Key)
	l.count.running--
	l.give(item.Owner)
	switch {
	case failed:
		l.count.failed++
		l.next = earlier(l.next, next)
		if next.IsZero() {
			l.count.parked++
		}
	case err == nil:
		l.count.done++
	}
	if again || more {
		l.look = true
		delete(l.rest, item.Key)
	} else {
		l.rest[item.Key] = rest{due: item.Due, until: now.Add(l.pause)}
	}
	if now.After(l.sweep) {
		maps.DeleteFunc(l.rest, func(_ string, r rest) bool { return now.After(r.until) })
		l.sweep = now.Add(l.pause)
	}
	unknown := l.next.IsZero() && l.queue.count == 0
	l.mu.Unlock()
	notify(l.signal)
	if unknown {
		l.ask()
	}
}

// fail records a failure and returns when the item is due again; zero is never.
func (l *lane) fail(ctx context.Context, item Item, err error) time.Time {
	var next time.Time
	wait, ok := FailWait(item.Fails+1, l.random)
	if ok {
		next = l.now().Add(wait)
		l.log.WarnContext(ctx, "due work failed", "key", item.Key, "fails", item.Fails+1, "next", next, "error", err)
	} else {
		l.log.ErrorContext(ctx, "due work parked", "key", item.Key, "fails", item.Fails+1, "error", err)
	}
	if err := rescue.Call(func() error { return l.kind.Failed(ctx, item, err, next) }); err != nil {
		l.log.ErrorContext(ctx, "failure of due work not recorded", "key", item.Key, "error", err)
		return l.now().Add(l.pause) // the store still has it as due
	}
	return next
}

// call runs the handler and makes an error of a panic.
func (l *lane) call(ctx context.Context, item Item) error {
	err := rescue.Call(func() error { return l.kind.Run(ctx, item) })
	if p := rescue.From(err); p != nil {
		l.log.ErrorContext(ctx, "handler of due work panicked", "key", item.Key, "error", err, "stack", p.Stack())
	}
	return err
}
