package e2e

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/testkit/loopback"
)

// Cards of the simulator: one that its bank declines, one that it takes.
const (
	refusedCard  = "4000000000000416"
	acceptedCard = "4000000000000408"
)

// TestCardTestingInALiveShop: as it is made, with nothing switched on. Whoever tries a card again and again on its page is
// made to wait, and the operator can see it.
func TestCardTestingInALiveShop(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, database string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		metrics := loopback.Address(t)
		s := newServer(t, dir, database, "--trusted-proxies", "127.0.0.0/8", "--metrics-listen", metrics)
		s.start(t)
		var made struct{ ShopID, APIKey string }
		s.admin(t, &made, "shop", "create", "--name", "Live", "--live")
		settings, err := json.Marshal(object{"url": sim.URL, "apiKey": sim.APIKey})
		if err != nil {
			t.Fatal(err)
		}
		var terminal struct{ TerminalID string }
		s.admin(t, &terminal, "terminal", "create", "--shop", made.ShopID, "--name", "main", "--connector", "sandbox", "--settings", string(settings))
		c := newClient(s.base, made.APIKey)

		deposit := object{"paymentType": "DEPOSIT", "amount": 5, "currency": "EUR", "paymentMethod": "BASIC_CARD"}
		byAPI := object{"paymentType": "DEPOSIT", "amount": 5, "currency": "EUR", "card": object{"cardNumber": refusedCard,
			"cardholderName": "JANE DOE", "cardSecurityCode": "123", "expiryMonth": "12", "expiryYear": "2089"}}
		if r, err := c.do(t.Context(), request{method: http.MethodPost, path: "/api/v1/payments", body: byAPI}); err != nil || r.status != http.StatusForbidden {
			t.Fatalf("a card by API: %v %v", r, err)
		}
		var last paid
		statuses := []int{}
		for range 4 {
			r, err := c.do(t.Context(), request{method: http.MethodPost, path: "/api/v1/payments", body: deposit})
			if err != nil || r.status != http.StatusOK {
				t.Fatalf("%v %v", r, err)
			}
			last = r.payment
			statuses = append(statuses, submitFrom(t, last.RedirectURL, refusedCard, "203.0.113.7"))
		}
		if len(statuses) != 4 || statuses[0] != 303 || statuses[2] != 303 || statuses[3] != http.StatusTooManyRequests {
			t.Fatalf("the page answered %v", statuses)
		}
		if status := submitFrom(t, last.RedirectURL, acceptedCard, "203.0.113.7"); status != http.StatusSeeOther {
			t.Errorf("another card: %d", status)
		}
		if r, err := c.do(t.Context(), request{method: http.MethodGet, path: "/api/v1/payments/" + last.ID}); err != nil || r.payment.State != "COMPLETED" {
			t.Errorf("%v %v", r, err)
		}
		page, err := http.Get("http://" + metrics + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(page.Body)
		_ = page.Body.Close() // it was read
		if err != nil || !strings.Contains(string(text), `sluice_cards_slowed_total{rule="card_address"} 1`) {
			t.Errorf("%v, the metrics say:\n%s", err, text)
		}
		var entry struct{ About, Subject string }
		s.admin(t, &entry, "alarms", "--json")
		if entry.About != "shop" || entry.Subject != made.ShopID {
			t.Errorf("the alarm is about %+v", entry)
		}
		s.stop(t)
	})
}

// submitFrom fills in the form of a page, coming through a proxy from that address, and returns the status.
func submitFrom(t *testing.T, page, number, from string) int {
	t.Helper()
	send := func(method string, form url.Values) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, page, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", from)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }() // it is read
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text)
	}
	_, shown := send(http.MethodGet, nil)
	found := nonceField.FindStringSubmatch(shown)
	if found == nil {
		t.Fatalf("no form:\n%s", shown)
	}
	status, _ := send(http.MethodPost, url.Values{"nonce": {html.UnescapeString(found[1])}, "number": {number}, "expiry": {"12/89"}, "code": {"123"}})
	return status
}
