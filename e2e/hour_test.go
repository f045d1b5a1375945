package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

const (
	hourShops   = 4                      // that pay all the time
	hourPause   = 20 * time.Millisecond  // of each of them between two payments
	hourRate    = 400                    // requests a second, hostile or harmless
	hourHolds   = 20                     // connections a second that do nothing, while it is hostile
	hourSpread  = 1.5                    // how much slower ordinary payments may be beside hostile requests than beside harmless ones
	hourJudged  = 120                    // seconds from which on that is judged
	mostGrowth  = 256 << 20              // of the process, in bytes
	mostHostile = 2 << 20                // that are logged because of the attack
	hourTick    = 100 * time.Millisecond // in which a tenth of the rate is sent
)

// TestAttackersHour: rounds of hostile requests to every public address, and of as many harmless ones, take turns while
// ordinary shops pay. They are paid, and no slower; the process and the disk grow by what is paid.
func TestAttackersHour(t *testing.T) {
	seconds := setting.Number(t, "SLUICE_TEST_ATTACK_SECONDS", 4)
	onEach(t, func(t *testing.T, url string) {
		sc := newScene(t, url)
		h := &hour{scene: sc, ctx: t.Context(), length: time.Duration(seconds) * time.Second / 8}
		for n := range hourShops {
			h.shops = append(h.shops, newPayer(sc.newShop(t, sc.sim), fmt.Sprint("shop ", n)))
		}
		h.round(t, "warm up", h.harmless)
		was := h.resident(t)
		for range 4 {
			h.hostile = append(h.hostile, h.round(t, "hostile", h.attacked))
			h.calm = append(h.calm, h.round(t, "harmless", h.harmless))
		}
		for _, p := range h.shops {
			p.check(t)
		}
		h.judge(t, was, seconds >= hourJudged)
		sc.stop(t)
	})
}

// hour is one run.
type hour struct {
	*scene
	shops         []*payer
	length        time.Duration // of a round
	hostile, calm []round
	ctx           context.Context // of the test
}

// round is what came of one.
type round struct {
	took          []time.Duration
	paid          int
	lines         int
	bytes, logged int64
}

func (r *round) p99() time.Duration {
	slices.Sort(r.took)
	if len(r.took) == 0 {
		return 0
	}
	return r.took[len(r.took)*99/100]
}

// round lets the shops pay beside others for so long.
func (h *hour) round(t *testing.T, name string, beside func(end time.Time)) round {
	t.Helper()
	lines, bytes, logged := h.lines(t), h.bytes(t), h.size(t)
	end := time.Now().Add(h.length)
	var wg sync.WaitGroup
	wg.Go(func() { beside(end) })
	for _, p := range h.shops {
		wg.Go(func() {
			for n := 0; time.Now().Before(end) || n == 0; n++ {
				p.pays(t, int(time.Now().UnixNano()))
				time.Sleep(hourPause)
			}
		})
	}
	wg.Wait()
	r := round{lines: h.lines(t) - lines, bytes: h.bytes(t) - bytes, logged: h.size(t) - logged}
	for _, p := range h.shops {
		r.took, r.paid = append(r.took, p.took...), r.paid+len(p.took)/2
		p.took = nil
	}
	t.Logf("%s: %d payments, p99 %s, %d bytes of data and %d lines more, %d MB resident", name, r.paid, r.p99().Round(100*time.Microsecond),
		r.bytes, r.lines, h.resident(t)>>20)
	return r
}

// send calls so often a second until the end.
func send(end time.Time, rate int, call func(n int)) {
	tick := time.NewTicker(hourTick)
	defer tick.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	places := make(chan struct{}, 64) // at a time
	for n := 0; time.Now().Before(end); <-tick.C {
		for range rate * int(hourTick/time.Millisecond) / 1000 {
			n++
			places <- struct{}{}
			wg.Go(func() {
				call(n)
				<-places
			})
		}
	}
}

// attacked is everything that needs no key.
func (h *hour) attacked(end time.Time) {
	var wg sync.WaitGroup
	wg.Go(func() { send(end, hourRate, func(int) { h.attack.call() }) })
	wg.Go(func() { send(end, hourHolds, h.attack.hold) })
	wg.Wait()
	h.attack.letGo()
}

// harmless is as many requests of a shop that looks how its payment is.
func (h *hour) harmless(end time.Time) {
	quiet := newClient(h.base, h.victim.key)
	path := pathOf(h.bank.ID)
	send(end, hourRate, func(n int) {
		if n%2 == 0 {
			_, _ = quiet.do(h.ctx, request{method: "GET", path: payments + "?limit=1"}) // nobody judges it
			return
		}
		_, _ = quiet.do(h.ctx, request{method: "GET", path: path}) // likewise
	})
}

// resident is how many bytes of memory the server has.
func (h *hour) resident(t testing.TB) int64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", h.cmd.Process.Pid))
	if err != nil {
		t.Logf("memory is not known here: %v", err)
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(raw))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// size is how many bytes the server has logged.
func (h *hour) size(t testing.TB) int64 {
	t.Helper()
	f, err := os.Stat(h.log)
	if err != nil {
		t.Fatal(err)
	}
	return f.Size()
}

// judge compares the rounds.
func (h *hour) judge(t *testing.T, was int64, strict bool) {
	t.Helper()
	sum := func(rounds []round) (all round) {
		for _, r := range rounds {
			all.took, all.paid = append(all.took, r.took...), all.paid+r.paid
			all.lines, all.bytes, all.logged = all.lines+r.lines, all.bytes+r.bytes, all.logged+r.logged
		}
		return all
	}
	hostile, calm, now := sum(h.hostile), sum(h.calm), h.resident(t)
	ratio := float64(hostile.p99()) / float64(max(calm.p99(), 1))
	t.Logf("beside %d hostile requests (%v) %d payments with a p99 of %s; beside as many harmless ones %d with %s: ratio %.2f; %d bytes a payment and %d; "+
		"%d lines and %d; from %d to %d MB resident", h.attack.calls.Load(), h.attack.statuses, hostile.paid, hostile.p99().Round(100*time.Microsecond),
		calm.paid, calm.p99().Round(100*time.Microsecond), ratio, hostile.bytes/int64(max(hostile.paid, 1)), calm.bytes/int64(max(calm.paid, 1)),
		hostile.lines, calm.lines, was>>20, now>>20)
	if strict && ratio > hourSpread {
		t.Errorf("ordinary payments take %.2f times as long beside the attack", ratio)
	}
	if grown := now - was; grown > mostGrowth {
		t.Errorf("the process has grown by %d bytes", grown)
	}
	if more := hostile.logged - calm.logged; more > mostHostile {
		t.Errorf("the attack has logged %d bytes", more)
	}
	if p := h.victim.get(t, h.bank.ID); p.State != "PENDING" {
		t.Errorf("the payment whose addresses were attacked: %+v", p)
	}
}
