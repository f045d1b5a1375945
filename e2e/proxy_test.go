package e2e

import (
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// slowPath is the way between server and provider: whatever is sent arrives a moment later, some of it much later, and
// what was sent arrives even if the sender is dead by then, as on a real network.
type slowPath struct {
	url  string
	to   string
	open atomic.Int64 // connections of which something may still arrive
}

// Delays of slowPath: the usual at most, and that of one in latecomers of the requests.
const (
	usualDelay = 40 * time.Millisecond
	lateDelay  = 3 * time.Second
	latecomers = 60
)

// bySlowPath does what sets up a shop, so that it reaches the provider by a way that is slow at times.
func (s *simulator) bySlowPath(t testing.TB, setUp func()) *slowPath {
	t.Helper()
	direct := s.URL
	way := newSlowPath(t, direct)
	s.URL = way.url
	setUp()
	s.URL = direct
	return way
}

func newSlowPath(t testing.TB, to string) *slowPath {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &slowPath{url: "http://" + l.Addr().String(), to: strings.TrimPrefix(to, "http://")}
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			p.open.Add(1)
			go p.carry(from)
		}
	}()
	return p
}

// empty waits until all has arrived of whoever is gone.
func (p *slowPath) empty(t testing.TB) {
	t.Helper()
	await(t, "nothing is under way", patience, func() bool { return p.open.Load() == 0 })
}

func (p *slowPath) carry(from net.Conn) {
	defer p.open.Add(-1)
	to, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = from.Close()
		return
	}
	go func() {
		forward(to, from, func() time.Duration { return 0 })
		_ = from.Close()
	}()
	forward(from, to, func() time.Duration {
		if rand.N(latecomers) == 0 {
			return lateDelay
		}
		return rand.N(usualDelay)
	})
	_ = to.Close()
}

// forward copies until the sender is gone; what was read is always delivered.
func forward(from, to net.Conn, delay func() time.Duration) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			time.Sleep(delay())
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
