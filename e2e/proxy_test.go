package e2e

import (
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"
)

// slowPath is the way between server and provider: whatever is sent arrives a moment later, some of it much later, and
// what was sent arrives even if the sender is dead by then, as on a real network.
type slowPath struct {
	url string
	to  string
}

// Delays of slowPath: the usual at most, and that of one in latecomers of the requests.
const (
	usualDelay = 40 * time.Millisecond
	lateDelay  = 3 * time.Second
	latecomers = 60
)

// bySlowPath does what sets up a shop, so that it reaches the provider by a way that is slow at times.
func (s *simulator) bySlowPath(t testing.TB, setUp func()) {
	t.Helper()
	direct := s.URL
	s.URL = newSlowPath(t, direct).url
	setUp()
	s.URL = direct
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
			go p.carry(from)
		}
	}()
	return p
}

func (p *slowPath) carry(from net.Conn) {
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
