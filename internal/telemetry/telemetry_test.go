package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

type opaque struct{ number string }

func (o opaque) String() string { return "masked" }

type resolved struct{}

func (resolved) LogValue() slog.Value { return slog.StringValue("card 4111111111111111") }

func TestLogHidesWhatMustNotBeWritten(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	for _, tc := range []struct {
		name string
		attr slog.Attr
		want string
	}{
		{"text", slog.String("text", "paid by "+card), `"text":"paid by 411111***1111"`},
		{"number", slog.Int64("n", 4111111111111111), `"n":"411111***1111"`},
		{"unsigned number", slog.Uint64("n", 4111111111111111), `"n":"411111***1111"`},
		{"small number", slog.Int("n", 42), `"n":42`},
		{"error", slog.Any("error", fmt.Errorf("x: %w", errors.New(card))), `"error":"x: 411111***1111"`},
		{"value with its own text", slog.Any("v", opaque{card}), `"v":"masked"`},
		{"list", slog.Any("v", []string{"a", card}), `"v":"[a 411111***1111]"`},
		{"value that resolves", slog.Any("v", resolved{}), `"v":"card 411111***1111"`},
		{"in a group", slog.Group("g", slog.String("a", card), slog.String("api_key", "k")), `"g":{"a":"411111***1111","api_key":"***"}`},
		{"secret key", slog.String("api_key", "k"), `"api_key":"***"`},
		{"other spelling", slog.String("Merchant-API-Key", "k"), `"Merchant-API-Key":"***"`},
		{"header", slog.String("Authorization", "Bearer k"), `"Authorization":"***"`},
		{"security code as a number", slog.Int("cvv", 123), `"cvv":"***"`},
		{"not a secret", slog.String("time_span", "1"), `"time_span":"1"`},
		{"line ends", slog.String("a", "x\r\nlevel=ERROR"), `"a":"x  level=ERROR"`},
		{"escape sequence and direction mark", slog.String("a", "x\x1b[31m\u202ey\u2028"), `"a":"x [31m y "`},
		{"not UTF-8", slog.String("a", "x\xff"), `"a":"x` + "\ufffd" + `"`},
		{"our identifier", slog.String("payment_id", "019fb5f4111171118111111111111114"), `"payment_id":"019fb5f4111171118111111111111114"`},
	} {
		var b bytes.Buffer
		Logger(slog.LevelInfo, FormatJSON, &b).LogAttrs(t.Context(), slog.LevelInfo, "m", tc.attr)
		if !strings.Contains(b.String(), `"msg":"m",`+tc.want+"}\n") {
			t.Errorf("%s: got %s, want %s in it", tc.name, b.String(), tc.want)
		}
		if !json.Valid(b.Bytes()) {
			t.Errorf("%s: not JSON: %s", tc.name, b.String())
		}
	}
}

func TestLogMasksTheMessageAndWrittenText(t *testing.T) {
	t.Parallel()
	for _, format := range []string{FormatJSON, FormatText} {
		var b bytes.Buffer
		log := Logger(slog.LevelInfo, format, &b).With("bound", "4111111111111111")
		log.Info("4111111111111111\nsecond line")
		log.Debug("not shown")
		if strings.Contains(b.String(), "4111111111111111") || strings.Count(b.String(), "\n") != 1 {
			t.Errorf("%s: %s", format, b.String())
		}
	}
}

func TestMetricsPage(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	m.Payments.Inc("DEPOSIT", "COMPLETED")
	m.Payments.Inc("DEPOSIT", "COMPLETED")
	m.ProviderCalls.Observe(20*time.Millisecond, "sandbox", "APPROVED")
	m.ProviderCalls.Observe(25*time.Millisecond, "sandbox", "APPROVED")
	m.ProviderCalls.Observe(time.Minute, "sandbox", "APPROVED")
	m.ObserveHTTP(`/a"b`, 200, time.Second)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{
		`sluice_payments_total{type="DEPOSIT",state="COMPLETED"} 2`,
		`sluice_provider_call_seconds_bucket{connector="sandbox",class="APPROVED",le="0.01"} 0`,
		`sluice_provider_call_seconds_bucket{connector="sandbox",class="APPROVED",le="0.025"} 2`,
		`sluice_provider_call_seconds_bucket{connector="sandbox",class="APPROVED",le="30"} 2`,
		`sluice_provider_call_seconds_bucket{connector="sandbox",class="APPROVED",le="+Inf"} 3`,
		`sluice_provider_call_seconds_sum{connector="sandbox",class="APPROVED"} 60.045`,
		`sluice_provider_call_seconds_count{connector="sandbox",class="APPROVED"} 3`,
		`sluice_http_requests_total{route="/a\"b",status="200"} 1`,
		`sluice_store_groups_total 0`,
		`# TYPE go_goroutines gauge`,
	} {
		if !strings.Contains(w.Body.String(), line+"\n") {
			t.Errorf("missing %s", line)
		}
	}
	if t.Failed() {
		t.Log(w.Body.String())
	}
}

func TestGaugesShowTheLastNumberOrNone(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	page := func() string {
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		return w.Body.String()
	}
	if got := page(); strings.Contains(got, "\nsluice_webhook_backlog ") {
		t.Errorf("a number that nobody has set: %s", got)
	}
	m.WorkLate.Set(7, "payments")
	m.WorkLate.Set(3, "payments")
	m.HookBacklog.Set(5)
	got := page()
	for _, line := range []string{`sluice_work_late_seconds{kind="payments"} 3`, "sluice_webhook_backlog 5", "# TYPE sluice_webhook_backlog gauge"} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("missing %s in %s", line, got)
		}
	}
	m.WorkLate.Clear()
	m.HookBacklog.Clear()
	if got := page(); strings.Contains(got, "\nsluice_webhook_backlog ") || strings.Contains(got, "late_seconds{") {
		t.Errorf("cleared and still there: %s", got)
	}
	m.HookBacklog.Set(6)
	if got := page(); !strings.Contains(got, "\nsluice_webhook_backlog 6\n") {
		t.Errorf("not set again: %s", got)
	}
}

func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	for i := range 10 * maxSeries {
		m.HTTPRequests.Inc(fmt.Sprint("/", i), "200")
	}
	if got := len(m.HTTPRequests.family.series); got > maxSeries+1 {
		t.Errorf("%d series", got)
	}
	if got := m.HTTPRequests.family.at([]string{overflow, overflow}).value.Load(); got != 9*maxSeries {
		t.Errorf("%d counted as %s, want %d", got, overflow, 9*maxSeries)
	}
}

func BenchmarkLogLine(b *testing.B) {
	log := Logger(slog.LevelInfo, FormatJSON, io.Discard)
	b.ReportAllocs()
	for b.Loop() {
		log.LogAttrs(b.Context(), slog.LevelInfo, "request", slog.String("request_id", "019fb5f4111171118111111111111114"),
			slog.String("method", "GET"), slog.String("route", "/payment/{token}"), slog.Int("status", 200),
			slog.Duration("took", time.Second), slog.Int64("bytes", 5))
	}
}

func BenchmarkObserveHTTP(b *testing.B) {
	m := NewMetrics()
	b.ReportAllocs()
	for b.Loop() {
		m.ObserveHTTP("/api/v1/payments", 200, time.Millisecond)
	}
}
