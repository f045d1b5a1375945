package job_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// bubble runs fn on both databases in a bubble of fake time. What it starts must have
// ended when it returns.
func bubble(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	bubbleWith(t, func() (func(*store.Options), func(*testing.T, *store.DB)) {
		return func(*store.Options) {}, fn
	})
}

// bubbleWith is bubble with other options of the store. It calls setup once for each
// database: the two tests run side by side and must have no variable in common.
func bubbleWith(t *testing.T, setup func() (edit func(*store.Options), fn func(t *testing.T, db *store.DB))) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		edit, fn := setup()
		opts := d.Options(edit)
		synctest.Test(t, func(t *testing.T) {
			db, err := store.Open(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			fn(t, db)
		})
	})
}

// alone runs fn in a bubble of fake time.
func alone(t *testing.T, fn func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, fn)
}

// book is where the work of a test is kept: what a table of due rows is elsewhere.
type book struct {
	mu      sync.Mutex
	rows    map[string]row
	asked   []time.Time // calls of due and next
	starts  []start
	running map[string]string // key to node
	doubles []string          // keys that ran twice at the same time
}

type row struct {
	due   time.Time // zero when parked
	fails int
}

type start struct {
	Node, Key string
	At        time.Time
}

func newBook() *book { return &book{rows: map[string]row{}, running: map[string]string{}} }

// add puts work into the book, due at the instant.
func (b *book) add(key string, due time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows[key] = row{due: due}
}

func (b *book) done(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.rows, key)
}

func (b *book) left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.rows)
}

func (b *book) row(key string) row {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rows[key]
}

// started lists the starts so far.
func (b *book) started() []start {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.starts)
}

func (b *book) questions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.asked)
}

func (b *book) due(_ context.Context, shards []int64, before time.Time, limit int) ([]job.Item, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, time.Now())
	var items []job.Item
	for key, r := range b.rows {
		if shard := store.ShardOf(key); !r.due.IsZero() && !r.due.After(before) && slices.Contains(shards, shard) {
			items = append(items, job.Item{Key: key, Shard: shard, Due: r.due, Fails: r.fails})
		}
	}
	slices.SortFunc(items, func(x, y job.Item) int { return x.Due.Compare(y.Due) })
	return items[:min(limit, len(items))], nil
}

// next is Options.Next for a runner with this book as its one kind.
func (b *book) next(_ context.Context, shards []int64) (map[string]time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, time.Now())
	next := map[string]time.Time{}
	for key, r := range b.rows {
		at, there := next["work"]
		if !r.due.IsZero() && slices.Contains(shards, store.ShardOf(key)) && (!there || r.due.Before(at)) {
			next["work"] = r.due
		}
	}
	return next, nil
}

func (b *book) failed(_ context.Context, item job.Item, _ error, next time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows[item.Key] = row{due: next, fails: item.Fails + 1}
	return nil
}

// kind is the book's work as one node does it. The handler is counted in and out.
func (b *book) kind(node string, run func(ctx context.Context, item job.Item) error) job.Kind {
	return job.Kind{
		Name: "work", Concurrency: 4, Due: b.due, Failed: b.failed,
		Run: func(ctx context.Context, item job.Item) error {
			b.enter(node, item.Key)
			defer b.exit(item.Key)
			return run(ctx, item)
		},
	}
}

func (b *book) enter(node, key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.starts = append(b.starts, start{node, key, time.Now()})
	if other, there := b.running[key]; there {
		b.doubles = append(b.doubles, fmt.Sprintf("%s in %s and %s", key, other, node))
	}
	b.running[key] = node
}

func (b *book) exit(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.running, key)
}

// finish is a handler that takes so long and does the work.
func (b *book) finish(took time.Duration) func(context.Context, job.Item) error {
	return func(ctx context.Context, item job.Item) error {
		if took > 0 {
			time.Sleep(took)
		}
		b.done(item.Key)
		return nil
	}
}

// running is a runner that was started.
type running struct {
	*job.Runner
	name  string
	stop  func() // begins the end
	ended chan error
}

// run starts a runner that shares work through db, or has all of it when db is nil.
func run(t *testing.T, db *store.DB, name string, kinds []job.Kind, edit ...func(*job.Options)) *running {
	t.Helper()
	opts := job.Options{DB: db, Node: name, Exclusive: db == nil, Kinds: kinds}
	for _, e := range edit {
		e(&opts)
	}
	r, err := job.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	n := &running{Runner: r, name: name, stop: stop, ended: make(chan error, 1)}
	go func() { n.ended <- r.Run(ctx) }()
	return n
}

// end stops the runner and waits for it.
func (n *running) end(t *testing.T) {
	t.Helper()
	n.stop()
	if err := <-n.ended; err != nil {
		t.Errorf("%s: %v", n.name, err)
	}
	if held := n.Held(); len(held) > 0 {
		t.Errorf("%s ended and holds %v", n.name, held)
	}
}

// counts lists how many shards each node holds.
func counts(nodes ...*running) []int {
	var list []int
	for _, n := range nodes {
		list = append(list, len(n.Held()))
	}
	return list
}

// within waits, looking every 50 ms, until the condition holds, and returns how long it took. It looks
// when nothing else is left to do at that instant.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) time.Duration {
	t.Helper()
	begin := time.Now()
	for synctest.Wait(); !holds(); synctest.Wait() {
		if time.Since(begin) > limit {
			t.Fatalf("not within %s: %s", limit, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(begin)
}

// keyIn makes a key of a shard.
func keyIn(shard int64, n int) string {
	for i := 0; ; i++ {
		if key := strconv.Itoa(n) + "-" + strconv.Itoa(i); store.ShardOf(key) == shard {
			return key
		}
	}
}

// holders collects who was ever seen holding what, to find shards and fences with two.
type holders struct {
	byFence map[[2]int64]string
}

// check looks at all nodes at one instant of the bubble's clock, when all of them have done what they do
// then. A look takes a while, and no time passes in the bubble for a shard to change hands meanwhile.
func (h *holders) check(t interface{ Errorf(string, ...any) }, nodes ...*running) {
	synctest.Wait()
	if h.byFence == nil {
		h.byFence = map[[2]int64]string{}
	}
	for shard := range int64(store.Shards) {
		now := map[string]int64{}
		for _, n := range nodes {
			if fence, ok := n.Holds(shard); ok {
				now[n.name] = fence
				at := [2]int64{shard, fence}
				if first, there := h.byFence[at]; there && first != n.name {
					t.Errorf("shard %d, fence %d: held by %s and later by %s", shard, fence, first, n.name)
				}
				h.byFence[at] = n.name
			}
		}
		if len(now) > 1 {
			t.Errorf("shard %d is held by %v at once", shard, slices.Sorted(maps.Keys(now)))
		}
	}
}
