// Package loopback gives tests addresses of this machine for servers that are stopped and started again under the same
// one. It owns nothing that listens. A server that is started once asks the system for port 0 instead.
package loopback

import (
	"context"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Ports from which Address chooses. Systems take those of outgoing connections from above: from 32768 on Linux, from
// 49152 elsewhere. A port from there may be taken by a client while the server is down, and then it cannot start again.
const (
	lowest  = 20000
	highest = 32000
)

var given sync.Map // ports that this process has given away

// Address returns host and port on which nobody listens now, and that this process returns once only.
func Address(t testing.TB) string {
	t.Helper()
	for range 1000 {
		port := lowest + rand.N(highest-lowest)
		if _, before := given.LoadOrStore(port, true); before {
			continue
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return address
	}
	t.Fatalf("no free port of 127.0.0.1 between %d and %d", lowest, highest)
	return ""
}
