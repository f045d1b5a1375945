package e2e

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mostDescriptors is what the server of this test may have open.
const mostDescriptors = 90

// TestWithoutDescriptorsNothingIsDecided: connections that do nothing use up every descriptor of the server. A payment that
// cannot be sent then is not declined; it ends once there are descriptors again.
func TestWithoutDescriptorsNothingIsDecided(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, url string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, url)
		limited := append([]string{"-c", `ulimit -n "$0" && exec "$@"`, strconv.Itoa(mostDescriptors), sluice(t)}, s.args...)
		s.process = launchBy(t, s.log, "/bin/sh", limited...)
		s.awaitReady(t, s.ready, s.log, &s.facts)
		shop := s.newShop(t, sim)
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

// exhaust opens connections that do nothing until the server has no descriptor left, more than it can take. release closes
// them and returns once the server has descriptors again.
func (s *server) exhaust(t *testing.T) (release func()) {
	t.Helper()
	before, idle := s.descriptors(t), make([]net.Conn, 2*mostDescriptors)
	for i := range idle {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() }) // nothing is under way on it
		idle[i] = c
	}
	s.awaitDescriptors(t, func(open int) bool { return open >= mostDescriptors })
	return func() {
		for _, c := range idle {
			_ = c.Close() // likewise
		}
		s.awaitDescriptors(t, func(open int) bool { return open <= before+(mostDescriptors-before)/2 })
	}
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

func (s *server) awaitDescriptors(t *testing.T, enough func(open int) bool) {
	t.Helper()
	for limit := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		open := s.descriptors(t)
		if enough(open) {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%d descriptors are open", open)
		}
	}
}
