package walletcalls_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/wallet/googlepay"
	"github.com/sluicepay/sluice/internal/wallet/mint"
	"github.com/sluicepay/sluice/internal/walletcalls"
)

var start = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// publisher is where root keys are published, and a list that is kept of them.
type publisher struct {
	keys   *walletcalls.RootKeys
	now    time.Time
	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int32
}

func newPublisher(t *testing.T) *publisher {
	t.Helper()
	p := &publisher{now: start}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		(*p.answer.Load())(w, r)
	}))
	t.Cleanup(server.Close)
	now := func() time.Time { return p.now }
	p.keys = walletcalls.NewRootKeys(server.URL, outbound.New(outbound.Options{Now: now, Guard: outbound.GuardNone}), now)
	return p
}

// answers says what the next request is answered; a handler that was broken off may still run.
func (p *publisher) answers(h http.HandlerFunc) { p.answer.Store(&h) }

// list is what a Google of its own publishes; each seed has other keys.
func list(t *testing.T, seed byte) string {
	t.Helper()
	g, err := mint.NewGoogle(rand.NewChaCha8([32]byte{seed}), start)
	if err != nil {
		t.Fatal(err)
	}
	return string(g.Roots())
}

func publish(text string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		_, _ = io.WriteString(w, text)
	}
}

func (p *publisher) refresh(t *testing.T) (time.Duration, error) {
	t.Helper()
	next, err := p.keys.Refresh(t.Context())
	return next.Sub(p.now), err
}

func TestKeysAreFetchedAtHalfOfTheirLife(t *testing.T) {
	t.Parallel()
	good := list(t, 1)
	for _, c := range []struct {
		header []string
		want   time.Duration
	}{
		{nil, time.Hour},
		{[]string{"Cache-Control", "public, max-age=86400"}, 12 * time.Hour},
		{[]string{"Cache-Control", "Max-Age=86400, must-revalidate", "Age", "43200"}, 6 * time.Hour},
		{[]string{"Cache-Control", "max-age=0"}, 5 * time.Minute},
		{[]string{"Cache-Control", "no-store"}, 5 * time.Minute},
		{[]string{"Cache-Control", "max-age=2147483647"}, 7 * 24 * time.Hour},
		{[]string{"Cache-Control", "max-age=-5, x=y,,"}, time.Hour},
		{[]string{"Cache-Control", "max-age=99999999999999999999"}, time.Hour},
		{[]string{"Cache-Control", "max-age=7200", "Age", "999999"}, 5 * time.Minute},
	} {
		p := newPublisher(t)
		p.answers(publish(good, c.header...))
		if got, err := p.refresh(t); err != nil || got != c.want {
			t.Errorf("%q: next after %s, %v", c.header, got, err)
		}
		if !p.keys.Roots().Usable(googlepay.ECv2, start) {
			t.Errorf("%q: no keys", c.header)
		}
	}
}

func TestNothingIsFetchedBeforeItIsDue(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	if p.keys.Roots().Usable(googlepay.ECv2, start) {
		t.Error("keys of nowhere")
	}
	p.answers(publish(list(t, 1), "Cache-Control", "max-age=7200"))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := p.keys.Refresh(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	p.now = start.Add(time.Hour - time.Second)
	if left, err := p.refresh(t); err != nil || left != time.Second || p.asked.Load() != 1 {
		t.Errorf("%d calls, %s left, %v", p.asked.Load(), left, err)
	}
	p.now = start.Add(time.Hour)
	if _, err := p.refresh(t); err != nil || p.asked.Load() != 2 {
		t.Errorf("%d calls, %v", p.asked.Load(), err)
	}
}

// TestTheLastGoodListRemains whatever comes afterwards, and what fails is tried again, ever more slowly.
func TestTheLastGoodListRemains(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.answers(publish(list(t, 1), "Cache-Control", "max-age=7200"))
	if _, err := p.refresh(t); err != nil {
		t.Fatal(err)
	}
	first := fmt.Sprint(p.keys.Roots())
	want := 10 * time.Second
	for name, answer := range map[string]http.HandlerFunc{
		"an error":     func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "x", http.StatusServiceUnavailable) },
		"elsewhere":    func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
		"a page":       publish("<html>"),
		"an empty one": publish(`{"keys":[]}`),
		"cut":          publish(list(t, 2)[:100]),
		"expired":      publish(strings.ReplaceAll(strings.Replace(list(t, 2), "ECv1", "ECv9", 1), fmt.Sprint(start.AddDate(0, 0, 3650).UnixMilli()), "1000")),
		"too large":    publish(strings.Repeat(" ", 2<<20)),
		"nothing":      func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		p.now = p.now.Add(time.Hour)
		p.answers(answer)
		got, err := p.refresh(t)
		if err == nil || fmt.Sprint(p.keys.Roots()) != first || got != want {
			t.Errorf("%s: next after %s, want %s; %v", name, got, want, err)
		}
		want = min(2*want, 30*time.Minute)
	}
	p.now = p.now.Add(time.Hour)
	p.answers(publish(list(t, 2), "Cache-Control", "max-age=7200"))
	if got, err := p.refresh(t); err != nil || got != time.Hour || fmt.Sprint(p.keys.Roots()) == first {
		t.Errorf("a better one: next after %s, %v", got, err)
	}
}

func TestAFetchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if next, err := p.keys.Refresh(ctx); err == nil || !next.After(p.now) {
		t.Errorf("%s, %v", next, err)
	}
}
