package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/web"
)

// readyAt asks once and returns the status and the body.
func readyAt(r *web.Ready) (int, string) {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestReadyTellsTheTruthOnceASecond(t *testing.T) {
	t.Parallel()
	var looks atomic.Int64
	var fault atomic.Value
	fault.Store("")
	now := atomic.Int64{}
	r := &web.Ready{
		Now: func() time.Time { return time.UnixMilli(1_000_000 + now.Load()) }, Log: slog.New(slog.DiscardHandler), Patience: time.Hour,
		Checks: map[string]func(context.Context) error{
			"database": func(context.Context) error {
				looks.Add(1)
				if text := fault.Load().(string); text != "" {
					return errors.New(text)
				}
				return nil
			},
			"work": func(context.Context) error {
				if fault.Load().(string) == "panic" {
					panic("in a check")
				}
				return nil
			},
		},
	}
	for range 100 {
		if status, body := readyAt(r); status != http.StatusOK || body != `{"ready":true}` {
			t.Fatalf("ready: %d %s", status, body)
		}
	}
	var flood sync.WaitGroup
	for range 100 {
		flood.Go(func() { readyAt(r) })
	}
	flood.Wait()
	if looks.Load() != 1 {
		t.Errorf("looked %d times within a second", looks.Load())
	}
	fault.Store("postgres://user:secret@host is away")
	if status, _ := readyAt(r); status != http.StatusOK {
		t.Errorf("looked again before a second was over")
	}
	now.Add(1000)
	if status, body := readyAt(r); status != http.StatusServiceUnavailable || body != `{"ready":false,"wrong":["database"]}` {
		t.Errorf("the database is away: %d %s", status, body)
	}
	now.Add(1000)
	fault.Store("panic")
	if status, body := readyAt(r); status != http.StatusServiceUnavailable || body != `{"ready":false,"wrong":["database","work"]}` {
		t.Errorf("a check that panics: %d %s", status, body)
	}
	now.Add(1000)
	fault.Store("")
	if status, _ := readyAt(r); status != http.StatusOK {
		t.Errorf("well again: %d", status)
	}
	r.Stop()
	if status, body := readyAt(r); status != http.StatusServiceUnavailable || body != `{"ready":false,"wrong":["stopping"]}` {
		t.Errorf("told to stop: %d %s", status, body)
	}
}

// TestReadyDoesNotWaitForWhatHangs: the verdict comes all the same, and the check is not made again before it has ended.
func TestReadyDoesNotWaitForWhatHangs(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	var looks, now atomic.Int64
	r := &web.Ready{
		Now: func() time.Time { return time.UnixMilli(1_000_000 + now.Load()) }, Log: slog.New(slog.DiscardHandler), Patience: time.Millisecond,
		Checks: map[string]func(context.Context) error{"database": func(context.Context) error {
			looks.Add(1)
			<-hang
			return nil
		}},
	}
	for range 5 {
		if status, body := readyAt(r); status != http.StatusServiceUnavailable || body != `{"ready":false,"wrong":["database"]}` {
			t.Errorf("a database that hangs: %d %s", status, body)
		}
		now.Add(5000)
	}
	for looks.Load() == 0 { // it was given up before it had begun
		runtime.Gosched()
	}
	if looks.Load() != 1 {
		t.Errorf("%d checks hang", looks.Load())
	}
	close(hang)
	for status := 0; status != http.StatusOK; now.Add(1000) { // as soon as the last one has ended
		status, _ = readyAt(r)
	}
}
