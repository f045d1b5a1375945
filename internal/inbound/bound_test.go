package inbound_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/inbound"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
	"github.com/sluicepay/sluice/internal/web"
)

// lines counts what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) about(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// TestForgeriesDoNotFillTheLog: whoever posts nonsense to the address of a terminal causes one line a minute.
func TestForgeriesDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, database *storetest.Database) {
		log := &lines{}
		clock := testkit.SlowClock(1000)
		db := database.Open(func(o *store.Options) { o.Now = clock.Now })
		d := &desk{App: testkit.New(t, db, testkit.Options{Clock: clock, Log: slog.New(slog.NewTextHandler(log, nil))}), t: t}
		d.shop = d.NewShop(t, nil).Shop
		d.begin()
		for range 200 {
			if status := d.post(d.terminal(), http.Header{}, strings.NewReader("{}")); status != http.StatusUnauthorized {
				t.Fatalf("status %d", status)
			}
		}
		if n := log.about("notice refused"); n != 1 {
			t.Errorf("%d lines", n)
		}
		clock.Advance(2 * time.Minute)
		d.post(d.terminal(), http.Header{}, strings.NewReader("{}"))
		if log.about("notice refused") != 2 || log.about("left_out=199") != 1 {
			t.Error("what was left out is not counted")
		}
	})
}

// TestUnreadablePostsAreBounded: a provider that sends what nobody understands, again and again, fills no table.
func TestUnreadablePostsAreBounded(t *testing.T) {
	t.Parallel()
	const most = 1000
	onBoth(t, func(d *desk) {
		err := d.DB.Update(d.t.Context(), func(tx *store.Tx) error {
			for i := range most - 2 {
				tx.Notices().Insert(&store.Notice{Shop: d.shop.ID, Terminal: d.terminal(), Key: fmt.Sprintf("sha256-%d", i), Received: d.Clock.Now(),
					State: store.NoticeParked, Headers: "{}", Body: []byte("x")})
			}
			return nil
		})
		if err != nil {
			d.t.Fatal(err)
		}
		for i := range 10 {
			body := fmt.Appendf(nil, "nonsense %d", i)
			if status := d.post(d.terminal(), d.signed(body, d.Clock.Now()), bytes.NewReader(body)); status != http.StatusBadRequest {
				d.t.Errorf("status %d", status)
			}
		}
		var kept int
		err = d.DB.View(d.t.Context(), func(tx *store.Tx) (err error) {
			kept, err = tx.Notices().CountParked(d.shop.ID, d.terminal(), 10*most)
			return err
		})
		if err != nil || kept != most {
			d.t.Errorf("%d are kept, %v", kept, err)
		}
		why := map[string]int{}
		err = d.DB.View(d.t.Context(), func(tx *store.Tx) error {
			told, _, err := tx.Alarms().List(store.AlarmFilter{Limit: 100})
			for _, a := range told {
				why[a.About+": "+a.Why] += a.Times
			}
			return err
		})
		if err != nil || why["terminal: notices that cannot be read are not kept any more, because too many wait"] != 1 ||
			why["notice: the notice cannot be read"] != 2 {
			d.t.Errorf("a human is told %v, %v", why, err)
		}
		if status := d.post(d.terminal(), d.signed(d.body, d.Clock.Now()), bytes.NewReader(d.body)); status != http.StatusNoContent {
			d.t.Errorf("a true notice: %d", status)
		}
	})
}

// TestNoMemoryForANotice is told to the provider, which comes again, and is no error of ours: strangers can cause it.
func TestNoMemoryForANotice(t *testing.T) {
	t.Parallel()
	onBoth(t, func(d *desk) {
		log := &lines{}
		mux := http.NewServeMux()
		inbound.New(d.Engine, slog.New(slog.DiscardHandler), d.Clock.Now).Mount(mux)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			d.t.Fatal(err)
		}
		server := web.New(web.Options{Logger: slog.New(slog.DiscardHandler), BodyMemory: 1 << 10, Handler: web.Wrap(mux, web.Common{
			Logger: slog.New(slog.NewTextHandler(log, nil)), Now: d.Clock.Now, NewID: func() string { return "one" },
		})})
		ctx, stop := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- server.Serve(ctx, l) }()
		d.URL = "http://" + l.Addr().String()
		body := bytes.Repeat([]byte(" "), 5000)
		if status := d.post(d.terminal(), d.signed(body, d.Clock.Now()), bytes.NewReader(body)); status != http.StatusServiceUnavailable {
			d.t.Errorf("status %d", status)
		}
		stop()
		if err := <-served; err != nil {
			d.t.Error(err)
		}
		if log.about("level=INFO") != 1 || log.about("status=503") != 1 {
			d.t.Errorf("logged %s", log.text.String())
		}
	})
}
