package outbound_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/outbound"
)

func TestRecorderKeepsBothSidesMasked(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Secret", "s")
		w.Header().Set("X-Trace", "t-1")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"status":"ok","token":"t"}`)
	}))
	defer srv.Close()
	var tick atomic.Int64
	start := time.Date(2020, 10, 7, 16, 36, 32, 595e6, time.FixedZone("", 3*3600))
	c := newClient(t, func(o *outbound.Options) {
		o.Now = func() time.Time { return start.Add(time.Duration(tick.Add(1)-1) * 1500 * time.Millisecond) }
		o.Loggable = outbound.Allowlist{Headers: []string{"x-trace"}}
	}).WithLoggable(outbound.Allowlist{Fields: []string{"status", "amount"}, Headers: []string{"x-trace"}})

	ctx, rec := outbound.WithRecorder(context.Background())
	if rec.Outgoing() != "[]" || rec.Incoming() != "[]" {
		t.Errorf("a fresh recorder holds %s and %s", rec.Outgoing(), rec.Incoming())
	}
	_, err := c.Do(ctx, &outbound.Request{
		Method: "POST", URL: srv.URL + "/p?key=k",
		Header: http.Header{"Authorization": {"Bearer b"}, "Content-Type": {"application/json"}},
		Body:   []byte(`{"amount":"1.5","pan":"4111111111111111"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	wantOut := `[{"at":"2020-10-07T13:36:32.595+00:00","method":"POST","url":"` + srv.URL + `/p?key=***",` +
		`"headers":{"Content-Type":"application/json"},"body":"{\"amount\":\"1.5\",\"pan\":\"***\"}"}]`
	if diff := cmp.Diff(wantOut, rec.Outgoing()); diff != "" {
		t.Errorf("outgoing (-want +got):\n%s", diff)
	}
	wantIn := `[{"at":"2020-10-07T13:36:34.095+00:00","method":"POST","url":"` + srv.URL + `/p?key=***","status":201,` +
		`"headers":{"Content-Type":"application/json","X-Trace":"t-1"},"body":"{\"status\":\"ok\",\"token\":\"***\"}","durationMs":1500}]`
	if diff := cmp.Diff(wantIn, rec.Incoming()); diff != "" {
		t.Errorf("incoming (-want +got):\n%s", diff)
	}
}

func TestRecorderKeepsTheRequestOfAFailedCall(t *testing.T) {
	t.Parallel()
	ctx, rec := outbound.WithRecorder(context.Background())
	c := newClient(t, func(o *outbound.Options) { o.Now = func() time.Time { return time.UnixMilli(0) } })
	url := rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut")
	if _, err := c.Do(ctx, &outbound.Request{Method: "GET", URL: url}); err == nil {
		t.Fatal("a cut body was read as complete")
	}
	want := `[{"at":"1970-01-01T00:00:00.000+00:00","method":"GET","url":"` + url + `","status":200,"headers":{},"body":"[no complete body]","durationMs":0}]`
	if diff := cmp.Diff(want, rec.Incoming()); diff != "" {
		t.Errorf("incoming (-want +got):\n%s", diff)
	}
}

func BenchmarkDo(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"status":"ok"}`)
	}))
	defer srv.Close()
	c := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now})
	ctx, _ := outbound.WithRecorder(context.Background())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Do(ctx, &outbound.Request{Method: "POST", URL: srv.URL, Body: []byte(`{"amount":1}`)}); err != nil {
			b.Fatal(err)
		}
	}
}
