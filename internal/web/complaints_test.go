package web_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/web"
)

// TestStrangersCannotFillTheLog: whatever a caller does, lines of one kind are few.
func TestStrangersCannotFillTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	clock := func() time.Time { return now }
	paced := telemetry.Paced(logTo(&log), clock)
	mux := http.NewServeMux()
	mux.HandleFunc("/unavailable", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("at the wrong moment") })
	c := common(io.Discard)
	c.Logger, c.AccessLevel = paced, slog.LevelDebug
	h := web.Wrap(web.Recover(mux, paced, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }), c)
	gone, leave := context.WithCancel(t.Context())
	leave()
	for range 500 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/unavailable", nil).WithContext(gone)) // breaks off
	}
	if log.Len() != 0 {
		t.Errorf("requests that were broken off are logged:\n%.300s", log.String())
	}
	for range 500 {
		for _, path := range []string{"/unavailable", "/panic", "/nowhere"} {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 3*20 { // 503, the panic, and 500 for it
		t.Errorf("%d lines", n)
	}
	complain := web.Complain(paced)
	for n := range 500 {
		complain.Printf("http: Accept error: accept tcp 127.0.0.1:%d: too many open files; retrying in %dms", n, n)
		complain.Printf("http: TLS handshake error from 127.0.0.1:%d: EOF", n)
	}
	if n := strings.Count(log.String(), "http server"); n != 2*20 {
		t.Errorf("%d lines of the server's own", n)
	}
	if strings.Count(log.String(), `about="Accept error" detail="accept tcp 127.0.0.1:7: too many open files; retrying in 7ms"`) != 1 {
		t.Error("what happened is not told")
	}
}
