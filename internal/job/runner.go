package job

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
)

// Options say what a runner runs. Kinds must be set, and DB and Node unless Exclusive.
type Options struct {
	// DB holds nodes and leases.
	DB *store.DB
	// Node names this process in the log and, with a random tail that tells its runs
	// apart, among the nodes.
	Node string
	// Exclusive says that nobody else can work on this database: all shards are held, and
	// neither nodes nor leases are read or written.
	Exclusive bool
	// Kinds is the work.
	Kinds []Kind
	// Next tells when the earliest work of each kind by name is due in the shards, past or
	// future, where there is any; with it an idle runner asks one question each PollEvery.
	// Without it every kind's Due is asked.
	Next func(ctx context.Context, shards []int64) (map[string]time.Time, error)
	// PollEvery is how often the store is asked for work that other processes put there;
	// 0 is 1 s. Work of this process is woken by Wake.
	PollEvery time.Duration
	// LeaseFor is within what time the shards of a node that died are held by others; 0 is
	// 10 s. Clocks of nodes may differ by up to a quarter of it.
	LeaseFor time.Duration
	// DrainFor is how long running handlers may go on when the runner stops, until their
	// contexts end; 0 is 30 s.
	DrainFor time.Duration
	// Now is the clock; nil is the system's.
	Now func() time.Time
	// Random spreads repetitions and names nodes; nil is the system's.
	Random io.Reader
	// Log gets failures and what becomes of leases; nil drops it.
	Log *slog.Logger
	// Alarm is told, once in a row of failures, that what is due of a kind cannot be read for a reason that will not pass
	// by itself; nil drops it.
	Alarm func(ctx context.Context, kind string, err error)
}

// Runner works on what comes due, from Run to its end. Its other methods may be called at
// any time from any goroutine.
type Runner struct {
	opts    Options
	shards  *shards
	keeper  *keeper // nil when exclusive
	lanes   []*lane
	started atomic.Bool
	polls   atomic.Uint64
	signal  chan struct{} // a poll is wanted before its time
	trouble trouble
	alive   alive
}

// New checks the options.
func New(o Options) (*Runner, error) {
	o = o.withDefaults()
	if !o.Exclusive && (o.DB == nil || o.Node == "") {
		return nil, errors.New("runner that shares work: needs a database and a name")
	}
	r := &Runner{opts: o, shards: newShards(o.Now), signal: make(chan struct{}, 1)}
	for _, k := range o.Kinds {
		if !k.complete() || r.lane(k.Name) != nil {
			return nil, fmt.Errorf("kind of work %q: incomplete or there twice", k.Name)
		}
		l := newLane(k, o, r.shards)
		l.ask = func() { notify(r.signal) }
		r.lanes = append(r.lanes, l)
	}
	if o.Exclusive {
		return r, nil
	}
	tail := make([]byte, 6)
	if _, err := io.ReadFull(o.Random, tail); err != nil {
		return nil, fmt.Errorf("name of the node: %w", err)
	}
	o.Node += "-" + hex.EncodeToString(tail)
	r.keeper = newKeeper(o, r.shards)
	r.keeper.gained = r.expectAll
	return r, nil
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		value     *time.Duration
		otherwise time.Duration
	}{{&o.PollEvery, time.Second}, {&o.LeaseFor, 10 * time.Second}, {&o.DrainFor, 30 * time.Second}} {
		if *d.value <= 0 {
			*d.value = d.otherwise
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	o.Random = &oneAtATime{from: o.Random}
	if o.Alarm == nil {
		o.Alarm = func(context.Context, string, error) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// oneAtATime lets several goroutines read.
type oneAtATime struct {
	mu   sync.Mutex
	from io.Reader
}

func (r *oneAtATime) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.from.Read(p)
}

// Run works until ctx ends. Then it begins nothing more, gives up the shards in which
// nothing runs, waits for the running handlers and lets the rest go. It returns only when
// every handler has returned; an error means that it could not begin, or that other nodes
// have to wait for this one's leases to run out. It runs once.
func (r *Runner) Run(ctx context.Context) error {
	if r.started.Swap(true) {
		return errors.New("runner of due work: was started before")
	}
	lasting := context.WithoutCancel(ctx)
	base, interrupt := context.WithCancelCause(lasting)
	defer interrupt(nil)
	keeping, release := context.WithCancel(lasting)
	defer release()
	r.alive.begun.Store(true)
	defer r.alive.over.Store(true)
	var keepers, loops sync.WaitGroup
	if r.keeper != nil {
		keepers.Go(func() { r.keeper.loop(keeping) })
		keepers.Go(func() { r.keeper.watch(keeping) })
	} else {
		r.shards.openAll()
		r.expectAll()
	}
	for _, l := range r.lanes {
		loops.Go(func() { l.loop(ctx, base) })
	}
	r.poll(ctx)
	loops.Wait()
	r.drain(interrupt)
	release()
	keepers.Wait()
	r.shards.close()
	if r.keeper == nil {
		return nil
	}
	if err := r.keeper.leave(lasting); err != nil {
		return fmt.Errorf("leaving the other nodes: %w", err)
	}
	return nil
}

// poll asks for work of other processes until ctx ends; and, with Next, what is due after
// work that was done, but not more than ten times in PollEvery.
func (r *Runner) poll(ctx context.Context) {
	least := r.opts.PollEvery / 10
	early := r.signal
	if r.opts.Next == nil {
		early = nil
	}
	for ctx.Err() == nil {
		r.ask(ctx)
		sleep(ctx, least, nil)
		sleep(ctx, r.opts.PollEvery-least, early)
	}
}

func (r *Runner) ask(ctx context.Context) {
	if r.opts.Next == nil {
		r.expectAll()
		return
	}
	shards := r.shards.list(false)
	if len(shards) == 0 {
		return
	}
	r.polls.Add(1)
	var next map[string]time.Time
	err := rescue.Call(func() (err error) {
		next, err = r.opts.Next(ctx, shards)
		return err
	})
	r.trouble.note(ctx, r.opts.Log, "asking what is due next", err)
	if err != nil {
		return
	}
	for _, l := range r.lanes {
		if at := next[l.kind.Name]; !at.IsZero() {
			l.expect(at)
		}
	}
}

// drain waits for the running handlers and ends their contexts when that takes too long.
func (r *Runner) drain(interrupt context.CancelCauseFunc) {
	if r.keeper != nil && r.running() > 0 {
		r.keeper.stop()
	}
	timer := time.AfterFunc(r.opts.DrainFor, func() { interrupt(ErrStopping) })
	defer timer.Stop()
	for _, l := range r.lanes {
		l.flight.Wait()
	}
}

func (r *Runner) expectAll() {
	for _, l := range r.lanes {
		l.expect(time.Time{})
	}
}

func (r *Runner) lane(kind string) *lane {
	at := slices.IndexFunc(r.lanes, func(l *lane) bool { return l.kind.Name == kind })
	if at < 0 {
		return nil
	}
	return r.lanes[at]
}

// Wake says that work of that kind and key may have come due, after the transaction that
// made it so. It never waits, and any number of calls may come to one look at the store.
// If another node holds the shard nothing happens: that node polls. A key that is being
// worked on is looked at again afterwards.
func (r *Runner) Wake(kind, key string, shard int64) {
	if _, ok := r.shards.holds(shard); !ok {
		return
	}
	if l := r.lane(kind); l != nil {
		l.wake(key)
	}
}

// Held returns the shards that this node holds now, ascending.
func (r *Runner) Held() []int64 { return r.shards.list(true) }

// Holds reports whether this node holds the shard, and the fence of its lease: a number
// that is higher than that of any holder before it, 0 when exclusive. The answer is true
// for this instant; the lease may end at any later one.
func (r *Runner) Holds(shard int64) (fence int64, ok bool) { return r.shards.holds(shard) }
