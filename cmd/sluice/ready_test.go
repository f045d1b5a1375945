package main

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/testkit/loopback"
)

func TestReadyzWhileServing(t *testing.T) {
	t.Parallel()
	address := loopback.Address(t)
	server := start(t, "serve", "--listen", "127.0.0.1:0", "--metrics-listen", address, "--data", t.TempDir())
	for _, page := range []string{server.text("baseUrl") + "/healthz", server.text("baseUrl") + "/readyz", "http://" + address + "/readyz", "http://" + address + "/metrics"} {
		res, err := http.Get(page)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close() // only the head matters
		if h := res.Header; h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" ||
			h.Get("Referrer-Policy") != "no-referrer" || h.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" {
			t.Errorf("%s: %v", page, h)
		}
	}
	for _, base := range []string{server.text("baseUrl"), "http://" + address} {
		if got := status(t, base+"/healthz", ""); got != http.StatusOK {
			t.Errorf("%s/healthz: %d", base, got)
		}
		for until := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) { // the runner begins a moment after the ready file
			got := status(t, base+"/readyz", "")
			if got == http.StatusOK {
				break
			}
			if time.Now().After(until) {
				t.Fatalf("%s/readyz: %d", base, got)
			}
		}
	}
	if got := server.stop(); got.code != 0 {
		t.Errorf("it ended with %+v", got)
	}
}

// halted is an application whose servers a test stops by hand.
func halted(t *testing.T, edit func(*config.Config)) (*node, *group) {
	t.Helper()
	data := t.TempDir()
	b, err := load(&surroundings{ctx: t.Context(), out: io.Discard, err: io.Discard}, config.Flags{Common: config.Common{Data: data}}, app.Make)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	edit(&b.config)
	a, err := newNode(b, "http://127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	g := &group{}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.public, g.served = context.WithCancel(context.Background())
	return a, g
}

// TestAServerThatIsToldToStopSaysSoFirst: a load balancer is answered 503 while requests are still taken.
func TestAServerThatIsToldToStopSaysSoFirst(t *testing.T) {
	t.Parallel()
	address := loopback.Address(t)
	a, g := halted(t, func(c *config.Config) {
		c.DrainDelay, c.MetricsListen, c.DrainTimeout = time.Hour, address, time.Minute
	})
	told, tell := context.WithCancel(context.Background())
	a.stopInOrder(told, g)
	if _, err := a.NewRunner(app.Work{}); err != nil {
		t.Fatal(err)
	}
	if err := a.serveMetrics(g); err != nil {
		t.Fatal(err)
	}
	page := "http://" + address + "/readyz"
	if got := status(t, page, ""); got != http.StatusServiceUnavailable {
		t.Errorf("ready before due work has begun: %d", got)
	}
	tell()
	for until := time.Now().Add(time.Minute); !a.Ready.Stopping(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("it does not say that it is stopping")
		}
	}
	if g.ctx.Err() != nil {
		t.Error("the servers were stopped before load balancers could notice")
	}
	g.cancel() // the delay is over: what is public drains
	if got := status(t, page, ""); got != http.StatusServiceUnavailable {
		t.Errorf("while it drains: %d", got)
	}
	g.served()
	if err := g.wait(); err != nil {
		t.Error(err)
	}
}

func TestAServerStopsAtOnceWithoutADelay(t *testing.T) {
	t.Parallel()
	a, g := halted(t, func(*config.Config) {})
	told, tell := context.WithCancel(context.Background())
	a.stopInOrder(told, g)
	tell()
	<-g.ctx.Done()
	g.served()
	if err := g.wait(); err != nil {
		t.Error(err)
	}
}
