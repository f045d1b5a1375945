package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/sluicepay/sluice/internal/testkit/loopback"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// mostDescriptors is what the server of this test may have open.
const mostDescriptors = 90

// TestWithoutDescriptorsNothingIsDecided: the server has no descriptor left. A payment that
// cannot be sent then is not declined; it ends once there are descriptors again.
func TestWithoutDescriptorsNothingIsDecided(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, url string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, url, "--allow-debug")
		s.startWith(t, mostDescriptors)
		shop := s.newUntriedShop(t, sim)
		shop.all(t) // this connection stays
		made := map[string]bool{}
		for i := range 4 {
			made[shop.must(t, request{method: "POST", path: payments, body: deposit(fmt.Sprintf("d%d", i), "10.00")}).payment.ID] = true
		}

		release := s.exhaust(t)
		pending := 0
		watch := func(name string, q request) {
			r, err := shop.do(t.Context(), q)
			switch {
			case err != nil:
				t.Fatalf("%s: %v", name, err)
			case r.status == 503: // nothing was stored
			case r.status != 200 || r.payment.State == "DECLINED" || r.payment.State == "CANCELLED":
				t.Errorf("%s without descriptors: %s", name, r)
			case r.payment.State == "PENDING":
				pending++
			}
		}
		for range 2 {
			for id := range made {
				watch("deposit", request{method: "PATCH", path: pathOf(id), body: browser})
			}
		}
		for i := range 4 {
			watch("withdrawal", request{method: "POST", path: payments, body: withdrawal(fmt.Sprintf("w%d", i), "1.00")})
		}
		if pending == 0 {
			t.Error("every call left: there were descriptors")
		}

		release()
		for id := range made {
			if p := shop.get(t, id); p.State != "COMPLETED" {
				p = shop.must(t, request{method: "PATCH", path: pathOf(id), body: browser}).payment
				if p.State != "COMPLETED" {
					t.Errorf("the next try with descriptors: %+v", p)
				}
			}
		}
		shown := shop.settle(t, leaseIsOver)
		for _, p := range shown {
			if p.State != "COMPLETED" {
				t.Errorf("%+v", p)
			}
		}
		for _, why := range disagreements(shown, sim.readLedger(t)) {
			t.Error(why)
		}
		t.Logf("%d answers PENDING, %d payments in the end", pending, len(shown))
		s.stop(t)
	})
}

// exhaust takes every descriptor from the server but those that it has open. Callers alone cannot do that: their
// connections are capped. release gives them back.
func (s *server) exhaust(t *testing.T) (release func()) {
	t.Helper()
	was := s.limitDescriptors(t, 3)
	return func() { s.limitDescriptors(t, was) }
}

// limitDescriptors sets how many descriptors the server may have, and returns how many these were.
func (s *server) limitDescriptors(t *testing.T, most uint64) uint64 {
	t.Helper()
	var was syscall.Rlimit
	pid := uintptr(s.cmd.Process.Pid)
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, pid, syscall.RLIMIT_NOFILE, 0, uintptr(unsafe.Pointer(&was)), 0, 0); errno != 0 {
		t.Fatalf("prlimit: %v", errno)
	}
	now := syscall.Rlimit{Cur: most, Max: was.Max}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, pid, syscall.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&now)), 0, 0, 0); errno != 0 {
		t.Fatalf("prlimit: %v", errno)
	}
	return was.Cur
}

// descriptors is how many the server has open.
func (s *server) descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// startWith runs the server with so many descriptors.
func (s *server) startWith(t *testing.T, descriptors int) {
	t.Helper()
	limited := append([]string{"-c", `ulimit -n "$0" && exec "$@"`, strconv.Itoa(descriptors), sluice(t)}, s.args...)
	s.process = launchBy(t, s.log, "/bin/sh", limited...)
	s.awaitReady(t, s.ready, s.log, &s.facts)
}

// TestIdleConnectionsLeaveDescriptors: connections that send nothing, or drops, and many more of them than the server may
// have descriptors, refuse nobody who pays, and none of what the server needs itself.
func TestIdleConnectionsLeaveDescriptors(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, url string) {
		const may = 256
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, url, "--metrics-listen", loopback.Address(t), "--max-connections-per-address", "1000").quiet()
		s.startWith(t, may)
		shop := s.newShop(t, sim)
		bank := atTheBank(t, shop, "at-the-bank")
		a := newAttacker(s.base, bank.RedirectURL, strings.Repeat("0", 32), "")
		payer, lines := newPayer(shop, "the shop"), s.lines(t)
		most := 0
		for n := range 20 {
			for i := range 50 {
				a.hold(i)
			}
			most = max(most, s.descriptors(t))
			payer.pays(t, n)
			payer.http.CloseIdleConnections() // each on a connection of its own
		}
		other := newPayer(s.newShop(t, sim), "a new shop") // the operator is served, too
		other.pays(t, 0)
		refused, room := s.metric(t, "sluice_connections_refused_total", `reason="full"`), s.metric(t, "sluice_connections_refused_total", `reason="quiet"`)+
			s.metric(t, "sluice_connections_refused_total", `reason="slow"`)
		payer.check(t)
		other.check(t)
		t.Logf("%d connections that do nothing, %d payments on new ones beside them: at most %d of %d descriptors were open, %d connections made room, %d were refused, %d lines were logged",
			a.letGo(), payer.paid+other.paid, most, may, room, refused, s.lines(t)-lines)
		if most > may*3/4 {
			t.Errorf("%d descriptors of %d were open", most, may)
		}
		if logged := s.lines(t) - lines; logged > 100 {
			t.Errorf("%d lines more", logged)
		}
		s.stop(t)
	})
}

// TestDeadEndpointsOfOneShopHoldNobodyUp: a shop has more webhook addresses that never answer than there are places for
// deliveries; what another shop is to be told arrives.
func TestDeadEndpointsOfOneShopHoldNobodyUp(t *testing.T) {
	t.Parallel()
	dead := setting.Number(t, "SLUICE_TEST_DEAD_ENDPOINTS", 200)
	onEach(t, func(t *testing.T, url string) {
		sc := newSceneBy(t, url, func(s *server) {
			if dead < 1000 { // so that they are more than there are places
				s.startWith(t, 640)
				return
			}
			s.start(t)
		})
		hole := newHole(t, dead/200+1)
		r := newReceiver(t, nil, nil)
		told := sc.newHookShop(t, sc.sim, object{"webhookUrl": r.URL + "/told"})
		r.trust("", told.signingKey)
		var next atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for n := next.Add(1); n <= int64(dead); n = next.Add(1) {
					sc.victim.must(t, request{method: "POST", path: payments, body: with(withdrawal(fmt.Sprint("dead-", n), "1.00"),
						"webhookUrl", fmt.Sprint(hole.urls[n%int64(len(hole.urls))], "/dead/", n))})
				}
			})
		}
		wg.Wait()
		var waits []time.Duration
		for n := range 10 {
			began := time.Now()
			told.pay(t, deposit(fmt.Sprint("told-", n), "1.00"))
			for limit := began.Add(patience); len(r.all()) <= n; time.Sleep(time.Millisecond) {
				if time.Now().After(limit) {
					t.Fatalf("event %d has not arrived; %d posts hang", n, hole.open.Load())
				}
			}
			waits = append(waits, time.Since(began))
		}
		r.check(t)
		t.Logf("beside %d dead addresses of one shop, at which %d posts hung at most, %d events of another arrived, the latest %s after its payment began",
			dead, hole.most.Load(), len(r.all()), longest(waits))
		sc.kill()
	})
}
