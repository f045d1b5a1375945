package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/loopback"
)

// fetch makes a request and returns the body of its answer.
func fetch(t *testing.T, req *http.Request, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %s", req.URL, res.StatusCode, err, body)
	}
	return string(body)
}

// payOut makes a payment that is final at once, told to the address.
func payOut(t *testing.T, server running, hook string) {
	t.Helper()
	body := fmt.Sprintf(`{"paymentType":"WITHDRAWAL","amount":1.23,"currency":"EUR","paymentMethod":"BASIC_CARD","webhookUrl":%q,
		"customer":{"firstName":"John","lastName":"Doe","email":"john@example.com","phone":"44 2072243688","ip":"192.0.2.1"},
		"billingAddress":{"countryCode":"GB","city":"London","addressLine1":"221b Baker St","postalCode":"NW1 6XE"},
		"card":{"cardNumber":"4000000000000408","cardholderName":"JOHN DOE","expiryMonth":"12","expiryYear":"2039","cardSecurityCode":"123"}}`, hook)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.text("baseUrl")+"/api/v1/payments", strings.NewReader(body))
	if err == nil {
		req.Header.Set("Authorization", "Bearer "+server.text("apiKey"))
		req.Header.Set("Content-Type", "application/json")
	}
	fetch(t, req, err)
}

// TestMetricsOfWork: one receiver accepts, one is broken and wants to be left alone for longer than the test, one is gone.
func TestMetricsOfWork(t *testing.T) {
	t.Parallel()
	well := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) { _, _ = io.Copy(io.Discard, q.Body) }))
	defer well.Close()
	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer sick.Close()
	gone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	defer gone.Close()
	address := loopback.Address(t)
	server := start(t, "serve", "--demo", "--listen", "127.0.0.1:0", "--metrics-listen", address, "--data", t.TempDir())
	for _, hook := range []string{well.URL, sick.URL, gone.URL} {
		payOut(t, server, hook)
	}
	wanted := []string{
		`sluice_webhook_post_seconds_count{outcome="delivered"} 1`,
		`sluice_webhook_post_seconds_count{outcome="retried"} 2`,
		`sluice_webhook_endpoint_changes_total{state="DISABLED"} 1`,
		`sluice_webhook_backlog 1`,
		`sluice_work_late_seconds{kind="deliveries"} 0`,
		`sluice_work_late_seconds{kind="payments"} 0`,
		`sluice_work_late_seconds{kind="notices"} 0`,
		`sluice_work_running{kind="deliveries"} 0`,
		`sluice_work_total{kind="payments",outcome="parked"} 0`,
		`sluice_work_shards 64`,
	}
	var page string
	missing := wanted
	for until := time.Now().Add(time.Minute); len(missing) > 0 && time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
		page, missing = fetch(t, req, err), nil
		for _, line := range wanted {
			if !strings.Contains(page, "\n"+line+"\n") {
				missing = append(missing, line)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("missing %q in\n%s", missing, page)
	}
	if got := server.stop(); got.code != 0 {
		t.Errorf("it ended with %+v", got)
	}
}
