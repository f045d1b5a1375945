package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/simulator"
)

// openPayout makes a withdrawal that the provider leaves open until somebody decides it; decide does.
func openPayout(t *testing.T, f folder, settings string) (shopID, paymentID string, server running, decide func(code string)) {
	t.Helper()
	sim, err := simulator.New(simulator.Config{APIKey: "sandbox_mine"})
	if err != nil {
		t.Fatal(err)
	}
	provider := httptest.NewServer(sim.Handler())
	t.Cleanup(func() {
		provider.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	made := f.shop("Eyes", "--settings", settings)
	f.done("terminal", "create", "--shop", made["shopId"], "--name", "mine", "--connector", "sandbox",
		"--settings", `{"url":"`+provider.URL+`","apiKey":"sandbox_mine"}`)
	server = start(t, "serve", "--listen", "127.0.0.1:0", "--data", f.dir)
	body := `{"paymentType":"WITHDRAWAL","amount":6600.23,"currency":"EUR","paymentMethod":"BASIC_CARD",
		"customer":{"firstName":"John","lastName":"Doe","email":"john@example.com","phone":"44 2072243688","ip":"192.0.2.1"},
		"billingAddress":{"countryCode":"GB","city":"London","addressLine1":"221b Baker St","postalCode":"NW1 6XE"},
		"card":{"cardNumber":"4000000000000408","cardholderName":"JOHN DOE","expiryMonth":"12","expiryYear":"2039","cardSecurityCode":"123"}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.text("baseUrl")+"/api/v1/payments", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+made["apiKey"])
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Result struct{ ID, State string }
		Errors any
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Result.State != "PENDING" {
		t.Fatalf("status %d, %+v, %v", res.StatusCode, answer, err)
	}
	return made["shopId"], answer.Result.ID, server, func(code string) {
		entries := sim.Ledger()
		if err := sim.Decide(entries[len(entries)-1].Reference, code); err != nil {
			t.Fatal(err)
		}
	}
}

// says runs a command and checks its code and a part of what it writes.
func (f folder) says(code int, part string, args ...string) string {
	f.t.Helper()
	got := f.run(args...)
	if got.code != code || !strings.Contains(got.out+got.err, part) {
		f.t.Errorf("sluice %s: code %d, %q %q, want %d and %q", strings.Join(args, " "), got.code, got.out, got.err, code, part)
	}
	return got.out
}

func TestPaymentCheck(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	shopID, id, server, decide := openPayout(t, f, `{}`)
	f.says(0, id+" is PENDING", "payment", "check", "--shop", shopID, id)
	decide("00")
	f.says(0, id+" is COMPLETED", "payment", "check", "--shop", shopID, id)
	if got := server.stop(); got.code != 0 {
		t.Errorf("%+v", got)
	}
	f.says(0, id+" is COMPLETED", "payment", "check", "--shop", shopID, id) // without a server
	f.says(1, "has no payment", "payment", "check", "--shop", shopID, strings.Repeat("0", 32))
}

func TestPaymentUpdateByTwo(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	shopID, id, server, _ := openPayout(t, f, `{"fourEyes":true}`)
	update := func(more ...string) []string {
		return append([]string{"payment", "update", "--shop", shopID, "--by", "ann", "--reason", "seen at the bank", id}, more...)
	}
	f.says(1, "9.99", update("--state", "DECLINED", "--code", "9.99")...)
	f.says(1, "PENDING", update("--state", "PENDING")...)
	f.says(1, "by hand", update("--state", "NONSENSE")...)
	f.says(2, "--state", update()...)
	wish := strings.Fields(f.says(0, "waits for a second person", update("--state", "DECLINED", "--code", "3.00")...))[1]
	f.says(0, id+" is PENDING", "payment", "check", "--shop", shopID, id)
	f.says(0, `DECLINED  3.00`, "payment", "updates", "--shop", shopID)
	f.says(0, `"ann"  "seen at the bank"`, "payment", "updates", "--shop", shopID)
	f.says(1, "second person", "payment", "approve", "--shop", shopID, wish, "--by", "Ann ")
	f.says(0, "carried out", "payment", "approve", "--shop", shopID, wish, "--by", "bob")
	if open := f.says(0, "UPDATE", "payment", "updates", "--shop", shopID); strings.Contains(open, wish) {
		t.Errorf("still waiting: %s", open)
	}
	f.says(1, "was carried out", "payment", "approve", "--shop", shopID, wish, "--by", "carl")
	f.says(0, id+" is DECLINED", "payment", "check", "--shop", shopID, id)
	if parked := f.says(0, "SHOP", "payment", "parked"); strings.Contains(parked, id) {
		t.Errorf("parked: %s", parked)
	}
	server.stop()
}

func TestPaymentUpdateByOneWithoutAServer(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	shopID, id, server, _ := openPayout(t, f, `{}`)
	server.stop()
	f.says(0, id+" is COMPLETED", "payment", "update", "--shop", shopID, "--state", "COMPLETED", "--by", "ann", "--reason", "known", id)
	f.says(1, "", "payment", "update", "--shop", shopID, "--state", "COMPLETED", "--by", "ann", "--reason", "known", id)
	f.says(1, "reason", "payment", "update", "--shop", shopID, "--state", "DECLINED", "--by", "ann", "--reason", " ", id)
}
