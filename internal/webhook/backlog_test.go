package webhook_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/setting"
	"github.com/sluicepay/sluice/internal/webhook"
)

// TestDownForADay: one receiver is down for 24 hours while events for it gather, five of each payment; another one stays
// up. SLUICE_TEST_WEBHOOK_BACKLOG changes the number of events.
func TestDownForADay(t *testing.T) {
	n := setting.Number(t, "SLUICE_TEST_WEBHOOK_BACKLOG", 5000)
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		var down atomic.Bool
		down.Store(true)
		sick := newReceiver(t, func(message) int { return map[bool]int{true: 503, false: 200}[down.Load()] })
		well := newReceiver(t, nil)
		started := f.clock.Now()
		f.fill(sick.URL, 0, n/5, 1)

		before := f.pace(well, 1_000_000)
		for hour := range 24 {
			if hour < 4 {
				f.clock.to(started.Add(time.Duration(hour) * time.Hour))
				f.fill(sick.URL, 0, n/5, hour+2)
			}
			f.until(started.Add(time.Duration(hour+1) * time.Hour))
		}
		posts, _ := sick.count()
		if posts < 250 || posts > 450 {
			t.Errorf("%d posts to a receiver that was down for a day, not one in about every five minutes", posts)
		}
		during := f.pace(well, 2_000_000)
		t.Logf("%d posts while down; delivery to the other receiver takes %s before, %s during: ratio %.2f",
			posts, before, during, float64(during)/float64(before))

		quiet, _ := f.arrivals(well, sick, 3_000_000, func() bool { return true })
		down.Store(false)
		back := f.clock.Now()
		var flushed atomic.Bool
		var fault error
		var group sync.WaitGroup
		group.Go(func() {
			defer flushed.Store(true)
			fault = f.finish(sick.URL)
		})
		flushing, behind := f.arrivals(well, sick, 4_000_000, flushed.Load)
		group.Wait()
		if fault != nil {
			t.Fatal(fault)
		}
		t.Logf("an event takes %s to the other receiver before and %s (95 in 100: %s) while the backlog is flushed: ratio %.2f, %d measured",
			median(quiet), median(flushing), flushing[len(flushing)*95/100], float64(median(flushing))/float64(median(quiet)), len(flushing))
		// How long that is on the wall says more about the machine than about who goes first. How much of the backlog goes
		// first does not: something that waits for its turn behind the backlog waits for most of it.
		t.Logf("meanwhile %d posts of the backlog, at most %d", median(behind), behind[len(behind)-1])
		if before := median(behind); before > n/10 {
			t.Errorf("an event to the other receiver waits for %d of %d posts of the backlog", before, n)
		}
		took := f.clock.Now().Sub(back)
		_, accepted := sick.count()
		t.Logf("all %d accepted %s after the receiver came back, with %d posts", accepted, took, sick.posts-posts)
		if accepted != n/5*5 || took > 5*time.Minute {
			t.Errorf("%d of %d accepted within %s", accepted, n/5*5, took)
		}
		for p, seqs := range sick.accepted {
			if !slices.Equal(seqs, []int{1, 2, 3, 4, 5}) {
				t.Fatalf("payment %s got %v", p, seqs)
			}
		}
		sick.check(t)
		if e := f.endpoint(sick.URL); e.State != store.EndpointUp || e.Fails != 0 || !e.DownSince.IsZero() {
			t.Errorf("endpoint %+v", e)
		}
	})
}

// pace returns the median time from writing an event to its arrival, by the clock on the wall, with everything that is
// due being worked on.
func (f *fixture) pace(r *receiver, from int) time.Duration {
	f.Helper()
	var took []time.Duration
	for p := range 21 {
		f.clock.forward(time.Microsecond)
		started := time.Now()
		f.tell(r.URL, from+p, 1)
		f.drain()
		took = append(took, time.Since(started))
	}
	return median(took)
}

func median[T cmp.Ordered](d []T) T {
	slices.Sort(d)
	return d[len(d)/2]
}

// arrivals tells events to a receiver one after the other: at least 21, and more until done says so. It returns how long
// each took from its commit to its arrival, by the clock on the wall, and how many posts another receiver got meanwhile;
// the latter only of those that began before done said so, or of the first.
func (f *fixture) arrivals(r, other *receiver, from int, done func() bool) (took []time.Duration, behind []int) {
	f.Helper()
	for p := from; p < from+21 || !done(); p++ {
		f.clock.forward(time.Microsecond)
		type arrival struct {
			at    time.Time
			posts int
		}
		arrived := make(chan arrival, 1)
		r.mu.Lock()
		r.answer = func(message) int {
			posts, _ := other.count()
			arrived <- arrival{time.Now(), posts}
			return 200
		}
		r.mu.Unlock()
		counts := len(behind) == 0 || !done()
		f.tell(r.URL, p, 1)
		committed := time.Now()
		before, _ := other.count()
		f.run(r.URL)
		select {
		case a := <-arrived:
			took = append(took, a.at.Sub(committed))
			if counts {
				behind = append(behind, a.posts-before)
			}
		default:
			f.Fatalf("event %d did not arrive", p)
		}
	}
	return took, behind
}

// finish runs an endpoint until nothing is open there.
func (f *fixture) finish(url string) error {
	for {
		next, err := f.d.Run(context.Background(), keyOf(url))
		if err != nil || next.IsZero() {
			return err
		}
		f.clock.to(next)
	}
}

// TestPoisonEndpoints: receivers that never answer do not delay one that does.
func TestPoisonEndpoints(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, func(c *webhook.Config) {
			c.Client = outbound.New(outbound.Options{Timeout: time.Hour, Guard: outbound.GuardNone, Now: c.Now})
			c.Turn = time.Hour // Drain gives an endpoint its next turn when all others have had theirs, and some never end here
		})
		release := make(chan struct{})
		var held atomic.Int32
		hole := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
			_, _ = io.Copy(io.Discard, q.Body)
			held.Add(1)
			<-release
		}))
		defer hole.Close()
		well := newReceiver(t, nil)
		for i := range 20 {
			f.fill(fmt.Sprintf("%s/%d", hole.URL, i), 1000*i, 100, 1)
		}
		f.fill(well.URL, 100_000, 300, 1)
		arrived := make(chan time.Duration, 1)
		started := time.Now()
		go func() {
			for {
				if _, n := well.count(); n == 300 {
					arrived <- time.Since(started)
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() {
			_, err := f.d.Drain(ctx, allShards())
			done <- err
		}()
		// However slow the machine is: if they had to wait for a post that hangs, they would not arrive for an hour.
		t.Logf("300 deliveries in %s beside %d posts that hang", <-arrived, held.Load())
		if held.Load() > 20*8 {
			t.Errorf("%d posts hang at 20 endpoints: nothing holds back at the beginning", held.Load())
		}
		cancel()
		<-done
		close(release)
	})
}

// TestOrderUnderRandomFailures: whatever fails, nothing of a payment arrives after something newer, one at a time,
// and everything arrives. Operators and crashes interfere.
func TestOrderUnderRandomFailures(t *testing.T) {
	for seed := range uint64(setting.Number(t, "SLUICE_TEST_WEBHOOK_SEEDS", 6)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			each(t, func(t *testing.T, d *storetest.Database) { randomFailures(t, d, seed) })
		})
	}
}

func randomFailures(t *testing.T, d *storetest.Database, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	troubles := []store.FaultPoint{"none", store.FaultBusy, store.FaultBeforeGroup, store.FaultBeforeCommit, store.FaultAfterCommit}
	var crash atomic.Uint32 // one of them
	f := newFixture(t, d, nil, func(o *store.Options) {
		o.Fault = func(p store.FaultPoint, writes []string) error {
			ours := slices.Contains(writes, "delivery.finish") || slices.Contains(writes, "delivery.retry")
			if ours && p == troubles[crash.Load()] {
				crash.Store(0)
				return io.ErrUnexpectedEOF
			}
			return nil
		}
	})
	var rate atomic.Uint32 // of failures, in percent
	var draws atomic.Uint64
	r := newReceiver(t, func(message) int {
		if uint32(rand.New(rand.NewPCG(seed, draws.Add(1))).UintN(100)) < rate.Load() {
			return []int{500, 503, 302, 404}[draws.Load()%4]
		}
		return 200
	})
	const payments, rounds = 40, 30
	told := map[int]int{}
	for range rounds {
		for range random.IntN(30) {
			p := random.IntN(payments)
			if told[p] < 8 {
				told[p]++
				f.tell(r.URL, p, told[p])
			}
			f.clock.forward(time.Millisecond)
		}
		rate.Store(uint32(random.UintN(4) * 33))
		crash.Store(uint32(random.UintN(uint(len(troubles)))))
		next, err := f.d.Drain(context.Background(), allShards())
		crash.Store(0)
		if err == nil && !next.IsZero() && random.IntN(2) == 0 {
			f.clock.to(next)
		}
		f.clock.forward(time.Duration(random.IntN(600)) * time.Second)
	}
	rate.Store(0)
	f.until(f.clock.Now().Add(48 * time.Hour))
	r.check(t)
	for p, n := range told {
		got := slices.Compact(slices.Clone(r.accepted[fmt.Sprint(p)]))
		for seq := 1; seq <= n; seq++ {
			if len(got) != n || got[seq-1] != seq {
				t.Fatalf("payment %d: told 1 to %d, accepted %v", p, n, r.accepted[fmt.Sprint(p)])
			}
		}
	}
	if open := f.deliveries(store.DeliveryFilter{State: store.DeliveryWaiting}); len(open) > 0 {
		t.Errorf("%d are open in the end", len(open))
	}
	posts, accepted := r.count()
	t.Logf("%d posts, %d accepted, %d ids", posts, accepted, len(r.ids))
}

// TestManyQuietEndpoints: looking for work stays cheap when many endpoints have a delivery that is not due.
func TestManyQuietEndpoints(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		const n = 2000
		for at := 0; at < n; at += 500 {
			f.update(func(tx *store.Tx) {
				for p := at; p < at+500; p++ {
					f.queue(tx, fmt.Sprintf("http://127.0.0.1:1/%d", p), p, 1)
				}
			})
		}
		due, err := f.d.Due(context.Background(), allShards(), f.clock.Now().Add(-time.Hour), 100)
		started := time.Now()
		const looks = 5
		for range looks {
			due, err = f.d.Due(context.Background(), allShards(), f.clock.Now().Add(-time.Hour), 100)
		}
		t.Logf("one look over %d endpoints takes %s", n, time.Since(started)/looks)
		if err != nil || len(due) != 0 {
			t.Errorf("%d due, error %v", len(due), err)
		}
		for _, shards := range [][]int64{{0}, {63}, allShards()[:32], nil} {
			due, err := f.d.Due(context.Background(), shards, f.clock.Now(), n)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range due {
				if !slices.Contains(shards, e.Shard()) {
					t.Fatalf("endpoint of shard %d for %v", e.Shard(), shards)
				}
			}
			if (len(due) > 0) != (len(shards) > 0) {
				t.Errorf("%d due in %d shards", len(due), len(shards))
			}
		}
	})
}
