package web_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/web"
)

// served serves the handler on a free port until the test ends, and returns its address.
func served(t *testing.T, o web.Options) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.Logger, o.DrainTimeout = slog.New(slog.DiscardHandler), time.Minute
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- web.New(o).Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// raw sends a text and returns the answer to it.
func raw(t *testing.T, address, text string) (*http.Response, string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // all is read
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	go func() { _, _ = io.WriteString(c, text) }() // it may be answered before it is sent
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // it is read
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// TestEveryAnswerHasTheSecurityHeaders, whoever gives it: a handler that says nothing of them, the mux, the server itself,
// and the door that lets nobody in.
func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /plain", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /folder/", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /body", func(w http.ResponseWriter, r *http.Request) {
		if _, err := web.ReadBody(w, r, 10, "x"); err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		}
	})
	ready := &web.Ready{Now: time.Now, Log: slog.New(slog.DiscardHandler), Checks: map[string]func(context.Context) error{
		"database": func(context.Context) error { return errors.New("away") },
	}}
	mux.Handle("GET /readyz", ready)
	open := served(t, web.Options{Handler: mux})
	hold, held, once := make(chan struct{}), make(chan struct{}), sync.Once{}
	shut := served(t, web.Options{Caps: web.Caps{Most: 1}, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() { close(held) })
		<-hold
	})})
	guest, err := net.Dial("tcp", shut)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = guest.Close() }() // nobody waits for its answer
	defer close(hold)
	_, _ = io.WriteString(guest, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-held
	get := func(path, more string) string { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n" + more + "\r\n" }
	for _, tc := range []struct {
		name, at, text string
		status         int
		says           string
	}{
		{"a handler", open, get("/plain", ""), 200, "ok"},
		{"not ready", open, get("/readyz", ""), 503, `"wrong":["database"]`},
		{"no path", open, get("/nowhere", ""), 404, "not found"},
		{"no method", open, "POST /plain HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 405, "Method Not Allowed"},
		{"another path", open, get("/folder", ""), 307, ""},
		{"too large", open, "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n01234567890", 413, "too large"},
		{"no request", open, "nonsense\r\n\r\n", 400, "400 Bad Request"},
		{"no host", open, "GET /plain HTTP/1.1\r\n\r\n", 400, "missing required Host header"},
		{"too large a head", open, get("/plain", "X: "+strings.Repeat("x", 64<<10)+"\r\n"), 431, "431"},
		{"another encoding", open, get("/plain", "Transfer-Encoding: gzip\r\n"), 501, "Unsupported transfer encoding"},
		{"another version", open, "GET /plain HTTP/3.0\r\nHost: h\r\n\r\n", 505, "505"},
		{"no room", shut, get("/", ""), 503, "Too many connections\n"},
	} {
		res, body := raw(t, tc.at, tc.text)
		if res.StatusCode != tc.status || !strings.Contains(body, tc.says) {
			t.Errorf("%s: %d %q, want %d with %q", tc.name, res.StatusCode, body, tc.status, tc.says)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if got := res.Header[name]; len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %q, want %q", tc.name, name, got, want)
			}
		}
	}
}

// journal is a log that a server writes while it is read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// TestWhatIsWantedIsNoError: that a process is not ready, or has no room, is logged like any other answer.
func TestWhatIsWantedIsNoError(t *testing.T) {
	t.Parallel()
	var log journal
	ready := &web.Ready{Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	ready.Stop()
	mux := http.NewServeMux()
	mux.Handle("GET /readyz", ready)
	mux.HandleFunc("GET /full", func(w http.ResponseWriter, _ *http.Request) {
		web.Wanted(struct{ http.ResponseWriter }{w}) // not to be found: nothing happens
		web.Wanted(w)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	mux.HandleFunc("GET /down", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	address := served(t, web.Options{Handler: web.Wrap(mux, common(&log))})
	for _, path := range []string{"/readyz", "/full", "/down"} {
		if res, _ := raw(t, address, "GET "+path+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	var levels []string
	for line := range strings.Lines(log.String()) {
		level, rest, _ := strings.Cut(line, " ")
		_, route, _ := strings.Cut(rest, "route=")
		levels = append(levels, level+" "+route[:strings.IndexByte(route, ' ')])
	}
	if got := strings.Join(levels, ", "); got != "level=INFO /readyz, level=INFO /full, level=ERROR /down" {
		t.Errorf("logged %s", got)
	}
}
