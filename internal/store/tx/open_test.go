package tx_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

func TestOpenRefusesSettings(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]tx.Options{
		"no folder":    {},
		"unknown kind": {URL: "mysql://localhost/x", Dir: t.TempDir()},
		"broken URL":   {URL: "postgres://user:geheim@[broken"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tx.Open(t.Context(), opts, tables())
			if err == nil || strings.Contains(err.Error(), "geheim") {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		_, err := tx.Open(t.Context(), tx.Options{URL: "postgres://u@127.0.0.1:1/x?sslmode=disable"}, tables())
		if !errors.Is(err, tx.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
}

func TestLibraryVersion(t *testing.T) {
	t.Parallel()
	for version, good := range map[string]bool{
		"3.51.2": false, "3.51.3": true, "3.52.0": false, "3.52.1": true, "3.53.4": true, "3.7.17": false, "4.0.0": true, "": false,
	} {
		if err := tx.CheckLibraryVersion(version); (err == nil) != good {
			t.Errorf("%q: %v", version, err)
		}
	}
}

func TestReopenFindsTheData(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := open(t, d, testSchema)
		create(t, db, "a")
		if db = reopen(t, d, db, testSchema); !exists(t, db, "a") {
			t.Error("the row is gone")
		}
	})
}

// TestHoldFolder is not a test: it is the other process of TestFolderInUse.
func TestHoldFolder(t *testing.T) {
	dir := os.Getenv("STORE_TEST_HOLD")
	if dir == "" {
		t.Skip("only runs as the other process of TestFolderInUse")
	}
	db, err := tx.Open(context.Background(), tx.Options{Dir: dir, Migrate: true}, tables())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fmt.Println("held")
	_, _ = io.ReadAll(os.Stdin) // until the parent closes it or dies
}

func TestFolderInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other := exec.Command(os.Args[0], "-test.run=^TestHoldFolder$")
	other.Env = append(os.Environ(), "STORE_TEST_HOLD="+dir)
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Wait() }() // it is killed below
	defer in.Close()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	_, err = tx.Open(t.Context(), tx.Options{Dir: dir, Migrate: true}, tables())
	if !errors.Is(err, tx.ErrFolderInUse) || !strings.Contains(err.Error(), dir) ||
		!strings.Contains(err.Error(), fmt.Sprint(other.Process.Pid)) {
		t.Errorf("want the folder and process %d named, got %v", other.Process.Pid, err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // it was killed
	db, err := tx.Open(t.Context(), tx.Options{Dir: dir, Migrate: true}, tables())
	if err != nil {
		t.Fatalf("after the holder was killed: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// TestLostConnection cuts a real connection around the commit: after the server got it and before the client got its
// answer, and before the server got it. Only the database knows which it was, and the body is told to ask.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cut    func(*proxy)
		stands bool
	}{
		"after the server got the commit":  {(*proxy).deaf, true},
		"before the server got the commit": {(*proxy).mute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := storetest.New(t, tx.Postgres)
			direct := open(t, d, testSchema)
			cut := newProxy(t, d.Options(testSchema).URL)
			db, err := tx.Open(t.Context(), tx.Options{URL: cut.url, Writers: 1, Migrations: testMigrations()}, tables())
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			create(t, db, "warm") // the connections stand and the statements are prepared
			var seen []bool
			stood := false
			err = db.Update(t.Context(), func(x *tx.Tx) error {
				seen = append(seen, x.MaybeCommitted())
				for range 100 { // the server may still be at it; only an answer from it decides
					if _, err := load(x, "a"); !x.MaybeCommitted() || err == nil {
						stood = err == nil
						break
					}
				}
				if stood {
					return nil
				}
				addAccount(x, "a", 1)
				if len(seen) == 1 {
					c.cut(cut)
				}
				return nil
			})
			if err != nil || len(seen) != 2 || !seen[1] || stood != c.stands || !exists(t, direct, "a") {
				t.Errorf("error %v, runs saw MaybeCommitted as %v, the first one stood: %t", err, seen, stood)
			}
		})
	}
}

// TestDeadPool closes all connections from the server's side: pools must get over it.
func TestDeadPool(t *testing.T) {
	t.Parallel()
	d := storetest.New(t, tx.Postgres)
	direct := open(t, d, testSchema)
	cut := newProxy(t, d.Options(testSchema).URL)
	db, err := tx.Open(t.Context(), tx.Options{URL: cut.url, Migrations: testMigrations()}, tables())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	create(t, direct, "a")
	if got := unitsOf(t, db, "a"); got != 0 {
		t.Fatal(got)
	}
	cut.drop()
	if got := unitsOf(t, db, "a"); got != 0 {
		t.Errorf("units %d", got)
	}
}

// proxy stands between a store and its server.
type proxy struct {
	url   string
	mu    sync.Mutex
	conns []net.Conn
	quiet bool
	stop  bool
	away  bool

	cancels atomic.Int64 // requests to break off what another connection does
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	host := target.Host
	target.Host = listener.Addr().String()
	p.url = target.String()
	t.Cleanup(func() { _ = listener.Close(); p.drop() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			p.pair(client, host)
		}
	}()
	return p
}

func (p *proxy) pair(client net.Conn, host string) {
	server, err := net.Dial("tcp", host)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	away := p.away
	p.conns = append(p.conns, client, server)
	p.mu.Unlock()
	if away {
		p.drop()
		return
	}
	go p.carry(server, client, &p.stop)
	go p.carry(client, server, &p.quiet)
}

// cancelRequest begins the only message of its connection: its length and a code, which the process and its secret follow.
var cancelRequest = []byte{0, 0, 0, 16, 4, 210, 22, 46}

// carry copies until one end closes or what comes is to disappear; then it closes both.
func (p *proxy) carry(to, from net.Conn, swallow *bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || p.takes(swallow) {
			return
		}
		if n == len(cancelRequest)+8 && bytes.HasPrefix(buffer, cancelRequest) {
			p.cancels.Add(1)
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// deaf makes the next answer of the server disappear together with its connection.
func (p *proxy) deaf() { p.mu.Lock(); p.quiet = true; p.mu.Unlock() }

// mute makes what the client sends next disappear together with its connection.
func (p *proxy) mute() { p.mu.Lock(); p.stop = true; p.mu.Unlock() }

func (p *proxy) takes(swallow *bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := *swallow
	*swallow = false
	return was
}

// refuse closes every connection, and each that comes.
func (p *proxy) refuse() {
	p.mu.Lock()
	p.away = true
	p.mu.Unlock()
	p.drop()
}

// drop closes every connection.
func (p *proxy) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

func BenchmarkOpenFresh(b *testing.B) {
	for b.Loop() {
		db, err := tx.Open(b.Context(), tx.Options{Dir: b.TempDir(), Migrate: true, Migrations: testMigrations()}, tables())
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
