package job

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/limit"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
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

// wanted says of which shards to read how many items now, or with the limit 0 how long
// there is nothing to read unless a signal comes.
func (l *lane) wanted() (shards []int64, limit int, wait time.Duration) {
	const long = time.Hour
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	come := !l.next.IsZero() && !l.next.After(now)
	held := l.wait.Sub(now)
	switch {
	case l.queue.count > 0 && l.count.running >= l.kind.Concurrency, !l.look && l.next.IsZero():
		return nil, 0, long
	case !l.look && !come:
		return nil, 0, l.next.Sub(now)
	case held > 0 && held <= l.pause: // more means that the clock was set back
		return nil, 0, held
	}
	shards = l.shards.list(false)
	if len(shards) == 0 {
		return nil, 0, long // whoever brings shards also says to look
	}
	l.look = false
	if come {
		l.next = time.Time{}
	}
	return shards, l.kind.Limit + len(l.tasks), 0
}

// fetch reads due items into the queue.
func (l *lane) fetch(ctx context.Context, shards []int64, limit int) {
	now := l.now()
	items, err := l.due(ctx, shards, now, limit)
	if l.trouble.note(ctx, l.log, "reading what is due", err) && !errors.Is(err, store.ErrUnavailable) {
		l.alarm(ctx, l.kind.Name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count.queries++
	if err != nil {
		l.look, l.wait = true, now.Add(l.pause)
		return
	}
	l.wait = now.Add(gap)
	if took := l.now().Sub(now); took > gap && took < l.pause { // a store that is slow is not asked all the time
		l.wait = now.Add(2 * took)
	}
	fresh := false
	for _, item := range items {
		if l.takes(item) && slices.Contains(shards, item.Shard) {
			if l.queue.of(item.Owner) >= l.kind.Limit {
				l.left = true
				continue
			}
			l.queue.push(item)
			l.tasks[item.Key] = &task{item: item}
			fresh = true
		}
	}
	if fresh && len(items) >= limit {
		l.look, l.wait = true, time.Time{} // a backlog: read on as soon as the queue is empty
	}
}

// takes reports whether an item that was read is to be run.
func (l *lane) takes(item Item) bool {
	if t := l.tasks[item.Key]; t != nil {
		t.again = t.again || t.running && !t.item.Due.Equal(item.Due)
		return false
	}
	r, resting := l.rest[item.Key]
	if resting && r.due.Equal(item.Due) && r.until.After(l.now()) {
		l.next = earlier(l.next, r.until)
		return false
	}
	return true
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

// due reads what is due. What cannot be read, by an error or a panic, is looked for again after a pause.
func (l *lane) due(ctx context.Context, shards []int64, before time.Time, limit int) (items []Item, err error) {
	err = rescue.Call(func() (err error) {
		items, err = l.kind.Due(ctx, shards, before, limit)
		return err
	})
	return items, err
}
