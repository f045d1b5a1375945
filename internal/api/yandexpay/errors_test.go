package yandexpay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

func TestErrorsOfEveryKind(t *testing.T) {
	t.Parallel()
	const exists = "There is an order with this orderId already, with other content or not to be paid any more"
	body := func(status int, code, reason, details string) string {
		return fmt.Sprintf(`{"status":"fail","code":%d,"reasonCode":"%s","reason":"%s"%s}`, status, code, reason, details)
	}
	faults := func(field, reason string) string {
		return `,"details":{"errors":[{"field":"` + field + `","message":"must be given"}],"description":"` + reason + `"}`
	}
	for _, c := range []struct {
		name, body string
		err        error
		retry      string
		logged     bool
	}{
		{"unavailable", body(503, "UNAVAILABLE", "Temporarily unavailable", ""), fmt.Errorf("x: %w", engine.ErrUnavailable), "1", false},
		{"caller gone", body(503, "UNAVAILABLE", "Temporarily unavailable", ""), context.Canceled, "1", false},
		{"unknown error", body(500, "INTERNAL_ERROR", "The request could not be processed", ""), errors.New("SELECT secret"), "", true},
		{"busy payment", body(409, "ANOTHER_OPERATION_IN_PROGRESS", "Another operation on the order is not finished yet", ""), payment.ErrBusy, "", false},
		{"changed meanwhile", body(409, "ANOTHER_OPERATION_IN_PROGRESS", "Another operation on the order is not finished yet", ""), engine.ErrChanged, "", false},
		{"order taken", body(409, "ORDER_ALREADY_EXISTS", exists, ""), fmt.Errorf("x: %w", &engine.OrderTaken{}), "", false},
		{"reference taken", body(409, "ORDER_ALREADY_EXISTS", exists, ""), &engine.DuplicateReference{}, "", false},
		{"refusal", body(400, "INVALID_PAYMENT_STATUS", "Illegal Workflow State", ""), &payment.Refusal{Code: payment.CodeWrongState, Detail: "inner"}, "", false},
		{"missing data", body(400, "BAD_REQUEST", "card must be given", faults("card", "card must be given")), &payment.Missing{Field: "card"}, "", false},
		{"cut off body", body(400, "BAD_REQUEST", "The body is incomplete", `,"details":{"errors":[],"description":"The body is incomplete"}`), api.ErrIncomplete, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var logs bytes.Buffer
			w := httptest.NewRecorder()
			y := yandexpay.New(nil, nil, nil, slog.New(slog.NewTextHandler(&logs, nil)))
			y.Fail(w, httptest.NewRequest(http.MethodPost, yandexpay.BasePath+orders, nil), c.err)
			if diff := cmp.Diff(c.body, w.Body.String()); diff != "" || !strings.Contains(c.body, fmt.Sprintf(`"code":%d`, w.Code)) {
				t.Errorf("status %d %s", w.Code, diff)
			}
			if got := w.Header().Get("Retry-After"); got != c.retry {
				t.Errorf("Retry-After: %q, want %q", got, c.retry)
			}
			if logged := logs.Len() > 0; logged != c.logged {
				t.Errorf("logged %q", logs.String())
			}
		})
	}
}

// TestTranscriptFailures keeps what a client sees when it is not the client's fault.
func TestTranscriptFailures(t *testing.T) {
	record(t, "failures", nil, func(t *testing.T, s *transcript) {
		s.order(t, "A-1")
		q := request{method: http.MethodGet, path: orders + "/A-1"}
		note := func(title, want string, w *httptest.ResponseRecorder) {
			t.Helper()
			a := answer{status: w.Code, header: w.Header(), body: w.Body.Bytes()}
			a.check(t, q)
			s.note(t, title, want, q, a)
		}
		get := func() *http.Request { return httptest.NewRequest(q.method, yandexpay.BasePath+q.path, nil) }

		y := yandexpay.New(s.app.Engine, s.app.Records, api.NewAuth(s.app.Engine), s.app.Log)
		y.Gate = api.NewGate(1, time.Now)
		mux := http.NewServeMux()
		y.Mount(mux)
		other := &shop.Shop{ID: "another"}
		if err := y.Gate.Enter(nil, get(), other, false); err != nil {
			t.Fatal(err)
		}
		note("one too many at a time", "429 TOO_MANY_REQUESTS", s.serveOn(mux, get()))
		y.Gate.Leave(other)
		note("there is room again", "", s.serveOn(mux, get()))

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		note("the database is not to be had", "503 UNAVAILABLE", s.serveOn(mux, get().WithContext(ctx)))

		var logs bytes.Buffer
		broken := http.NewServeMux()
		yandexpay.New(s.app.Engine, nil, nil, slog.New(slog.NewTextHandler(&logs, nil))).Mount(broken) // nothing works without authentication
		note("a panic", "500 INTERNAL_ERROR", s.serveOn(broken, get()))
		if !strings.Contains(logs.String(), "panic") {
			t.Errorf("logged %q", logs.String())
		}
	})
}

// TestTranscriptsShowEverything looks for every reason code and every call in the transcripts.
func TestTranscriptsShowEverything(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.http")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, code := range yandexpay.ReasonCodes() {
		if !strings.Contains(all.String(), `"reasonCode":"`+code+`"`) {
			t.Errorf("no transcript shows %s", code)
		}
	}
	for _, e := range yandexpay.Endpoints() {
		pattern := regexp.QuoteMeta(e.Method+" "+yandexpay.BasePath+e.Path) + "\n"
		pattern = regexp.MustCompile(`\\\{[a-z_]+\\\}`).ReplaceAllString(pattern, `[^/\n]+`)
		if !regexp.MustCompile(pattern + `(?s:.*?)HTTP/1.1 `).MatchString(all.String()) {
			t.Errorf("no transcript shows %s %s", e.Method, e.Path)
		}
	}
}

func (c *client) serveOn(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	r.Header.Set("Authorization", "Api-Key "+c.shop.APIKey)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
