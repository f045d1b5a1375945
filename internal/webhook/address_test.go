package webhook_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/webhook"
)

// names is the name server of this test process. A name that begins with "rebind" has a public address the first time it
// is asked for and a loopback one ever after; every other name is on loopback.
type names struct {
	conn  net.PacketConn
	asked atomic.Int32
}

var nameServer names

// TestMain puts the name server in the place of the system's.
func TestMain(m *testing.M) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "name server:", err)
		os.Exit(1)
	}
	nameServer.conn = conn
	go nameServer.serve()
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	os.Exit(m.Run())
}

func (n *names) serve() {
	query := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(query)
		if err != nil {
			return
		}
		if answer := n.answer(query[:size]); answer != nil {
			_, _ = n.conn.WriteTo(answer, from)
		}
	}
}

// answer builds a reply with one address of four bytes, or none to questions of another type.
func (n *names) answer(query []byte) []byte {
	end := 12
	for end < len(query) && query[end] != 0 {
		end += int(query[end]) + 1
	}
	if end += 5; end > len(query) {
		return nil
	}
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[12:end]...)
	if query[end-3] != 1 { // not a question for an A record
		return reply
	}
	address := []byte{127, 0, 0, 1}
	if strings.Contains(string(query[12:end]), "rebind") && n.asked.Add(1) == 1 {
		address = []byte{93, 184, 215, 14}
	}
	reply[7] = 1
	return append(append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), address...)
}

// forbidden spells addresses inside networks that are not public, with %d for a port on which this machine listens.
var forbidden = []string{
	"http://127.0.0.1:%d/", "http://127.0.0.2:%d/", "http://127.255.255.254:%d/", "http://127.1:%d/", "http://127.0.1:%d/",
	"http://2130706433:%d/", "http://017700000001:%d/", "http://0x7f000001:%d/", "http://0x7f.0x0.0x0.0x1:%d/",
	"http://0177.0.0.1:%d/", "http://0177.0.0.01:%d/", "http://127.0.0.1.:%d/", "http://127.000.000.001:%d/",
	"http://0:%d/", "http://0.0.0.0:%d/", "http://0.0.0.1:%d/", "http://00000000:%d/", "http://localhost:%d/",
	"http://LOCALHOST:%d/", "http://localhost.:%d/", "http://foo.localhost:%d/", "http://localhost.localdomain:%d/",
	"http://ip6-localhost:%d/", "http://name.example:%d/", "http://NAME.EXAMPLE.:%d/", "http://127.0.0.1.nip.example:%d/",
	"http://xn--lcalhost-54a.example:%d/", "http://[::1]:%d/", "http://[0:0:0:0:0:0:0:1]:%d/", "http://[::]:%d/",
	"http://[0::0]:%d/", "http://[::ffff:127.0.0.1]:%d/", "http://[::ffff:7f00:1]:%d/", "http://[0:0:0:0:0:ffff:7f00:0001]:%d/",
	"http://[::127.0.0.1]:%d/", "http://[::7f00:1]:%d/", "http://[64:ff9b::127.0.0.1]:%d/", "http://[64:ff9b::7f00:1]:%d/",
	"http://[64:ff9b:1::7f00:1]:%d/", "http://[64:ff9b::a9fe:a9fe]:%d/", "http://[2002:7f00:1::]:%d/",
	"http://[2002:7f00:0001::1]:%d/", "http://[2002:a9fe:a9fe::1]:%d/", "http://[2001:0:7f00:1::]:%d/",
	"http://[fe80::1]:%d/", "http://[fe80::1%%25lo]:%d/", "http://[fec0::1]:%d/", "http://[fc00::1]:%d/",
	"http://[fd00:ec2::254]:%d/", "http://[ff02::1]:%d/", "http://[2001:db8::1]:%d/", "http://[100::1]:%d/",
	"http://10.0.0.1:%d/", "http://10.255.255.255:%d/", "http://0xa000001:%d/", "http://172.16.0.1:%d/",
	"http://172.31.255.255:%d/", "http://192.168.0.1:%d/", "http://192.168.255.255:%d/", "http://169.254.169.254:%d/latest/",
	"http://169.254.170.2:%d/", "http://0xa9fea9fe:%d/", "http://2852039166:%d/", "http://0251.0376.0251.0376:%d/",
	"http://[::ffff:169.254.169.254]:%d/", "http://[::ffff:a9fe:a9fe]:%d/", "http://100.64.0.1:%d/", "http://100.127.255.255:%d/",
	"http://192.0.0.1:%d/", "http://192.0.2.1:%d/", "http://198.18.0.1:%d/", "http://198.51.100.1:%d/",
	"http://203.0.113.1:%d/", "http://224.0.0.1:%d/", "http://240.0.0.1:%d/", "http://255.255.255.255:%d/",
	"https://127.0.0.1:%d/", "https://localhost:%d/", "HTTP://127.0.0.1:%d/", "http://127.0.0.1:0%d/",
	"http://user@127.0.0.1:%d/", "http://example.com@127.0.0.1:%d/", "http://127.0.0.1:%d/#@example.com/",
	"http://example.com:80@127.0.0.1:%d/", `http://example.com\@127.0.0.1:%d/`, "http://①②⑦.⓪.⓪.①:%d/",
	"http://127。0。0。1:%d/", "http://loc%%61lhost:%d/", "http:127.0.0.1:%d", "//127.0.0.1:%d/", "gopher://127.0.0.1:%d/",
	"file:///etc/passwd?%d", "http:///127.0.0.1:%d/", "http:// 127.0.0.1:%d/", "http://127.0.0.1\t:%d/",
	"http://rebind.example:%d/", "http://REBIND.example:%d/",
}

// TestForbiddenAddresses: whatever the spelling, the guard refuses it when it dials and no connection arrives; the
// delivery is not given up, since names change.
func TestForbiddenAddresses(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int32
	ports := [2]int{}
	for i, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Logf("%s: %v", address, err) // a machine without IPv6
			continue
		}
		ports[i] = l.Addr().(*net.TCPAddr).Port
		defer l.Close()
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				arrived.Add(1)
				_ = conn.Close()
			}
		}()
	}
	f := newFixture(t, storetest.New(t, store.SQLite), func(c *webhook.Config) {
		c.Client = webhook.NewClient(outbound.GuardPublicOnly, c.Now)
	})
	// What a check before the dial would have seen of the name that changes.
	nameServer.asked.Store(0) // the test may run several times in one process
	if first, err := net.DefaultResolver.LookupHost(t.Context(), "rebind.example"); err != nil || first[0] != "93.184.215.14" {
		t.Fatalf("the name server answers %v, %v", first, err)
	}
	urls := map[string]string{}
	for i, form := range forbidden {
		port := ports[0]
		if strings.Contains(form, "[") && ports[1] != 0 {
			port = ports[1]
		}
		url := fmt.Sprintf(form, port)
		urls[form] = url
		f.tell(url, i, 1)
	}
	started := time.Now()
	f.drain()
	blocked := 0
	for i, form := range forbidden {
		tries := f.tries(urls[form], i, 1)
		if len(tries) != 1 || tries[0].Status != 0 || !strings.HasPrefix(tries[0].Error, "request not sent") {
			t.Errorf("%s: log %+v", urls[form], tries)
			continue
		}
		if strings.Contains(tries[0].Error, "not public") {
			blocked++
		}
	}
	t.Logf("%d spellings, %d refused by the guard at the dial, the others before; %s", len(forbidden), blocked, time.Since(started))
	if arrived.Load() != 0 {
		t.Errorf("%d connections arrived", arrived.Load())
	}
	if blocked < 60 {
		t.Errorf("only %d came as far as the guard", blocked)
	}
	// The operator allows it: the same name arrives.
	f.d = f.deliverer(func(c *webhook.Config) { c.Client = webhook.NewClient(outbound.GuardNone, c.Now) })
	srv := newReceiver(t, nil)
	url := strings.Replace(srv.URL, "127.0.0.1", "rebind.example", 1)
	f.tell(url, 1000, 1)
	f.run(url)
	if _, accepted := srv.count(); accepted != 1 {
		t.Errorf("with every address allowed: %d accepted", accepted)
	}
}
