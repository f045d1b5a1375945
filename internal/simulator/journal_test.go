package simulator_test

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/simulator"
)

// withLedger keeps the books in a file, and one clock over restarts.
func withLedger(path string, clk *clock) func(*simulator.Config) {
	return func(cfg *simulator.Config) { cfg.LedgerPath, cfg.Now = path, clk.now }
}

func TestLedgerFile(t *testing.T) {
	t.Parallel()
	path, clk := ledgerFile(t), newClock()
	before := newSandbox(t, withLedger(path, clk))
	before.post("/v1/payments", payment("sale", "10", "storeCredential", true))
	before.post("/v1/payments", payment("hold", "20", "capture", false))
	action := before.post("/v1/payments", payment("3ds", "30", "card", card("4000000000000002"))).str("actionUrl")
	before.post("/v1/payments", payment("async", "6600.18"))
	before.post("/v1/transactions/by-reference/fence/cancel", nil)
	refund := "/v1/transactions/" + before.byReference("sale").str("id") + "/refund"
	before.post(refund, object{"reference": "back", "amount": "4"})
	credential := before.byReference("sale").str("credential")

	// The first one is not closed: what was answered is on the disk already.
	after := newSandbox(t, withLedger(path, clk))
	if diff := cmp.Diff(before.sim.Ledger(), after.sim.Ledger()); diff != "" {
		t.Error(diff)
	}
	for _, ref := range []string{"sale", "hold", "async", "fence", "back"} {
		if diff := cmp.Diff(string(before.byReference(ref).raw), string(after.byReference(ref).raw)); diff != "" {
			t.Errorf("%s: %s", ref, diff)
		}
	}
	if r := after.post("/v1/payments", payment("sale", "10", "storeCredential", true)); r.status != http.StatusOK {
		t.Errorf("repeat after the restart: %d %s", r.status, r.raw)
	}
	if r := after.post("/v1/payments", payment("sale", "11", "storeCredential", true)); r.status != http.StatusConflict {
		t.Errorf("other content after the restart: %d", r.status)
	}
	if r := after.post("/v1/payments", payment("fence", "1")); r.errorCode() != "reference_cancelled" {
		t.Errorf("fence after the restart: %s", r.raw)
	}
	if r := after.post("/v1/payments", payment("mit", "5", "card", nil, "credential", credential)); r.str("status") != "approved" {
		t.Errorf("credential after the restart: %s", r.raw)
	}
	if r := after.post(refund, object{"reference": "back2", "amount": "7"}); r.errorCode() != "amount_exceeds_refundable" {
		t.Errorf("refund after the restart: %s", r.raw)
	}
	after.decide(strings.Replace(action, before.url, after.url, 1), "approve")
	clk.advance(2 * time.Second)
	for _, ref := range []string{"3ds", "async"} {
		if r := after.byReference(ref); r.str("status") != "approved" {
			t.Errorf("%s after the restart: %s", ref, r.raw)
		}
	}
	clk.advance(7 * 24 * time.Hour)
	if r := after.byReference("hold"); r.str("status") != "expired" {
		t.Errorf("hold after the restart: %s", r.raw)
	}
}

func TestTornLedgerFile(t *testing.T) {
	t.Parallel()
	path, clk := ledgerFile(t), newClock()
	first := newSandbox(t, withLedger(path, clk))
	first.post("/v1/payments", payment("one", "10"))
	first.post("/v1/payments", payment("two", "10"))
	if err := first.sim.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	second := newSandbox(t, withLedger(path, clk))
	if got := len(second.sim.Ledger()); got != 1 {
		t.Fatalf("%d entries of a file with one whole line", got)
	}
	second.post("/v1/payments", payment("three", "10"))
	third := newSandbox(t, withLedger(path, clk))
	if diff := cmp.Diff(second.sim.Ledger(), third.sim.Ledger()); diff != "" || len(third.sim.Ledger()) != 2 {
		t.Errorf("after the repair: %s", diff)
	}
}

func TestDamagedLedgerFileIsRefused(t *testing.T) {
	t.Parallel()
	path, clk := ledgerFile(t), newClock()
	s := newSandbox(t, withLedger(path, clk))
	s.post("/v1/payments", payment("one", "10"))
	s.post("/v1/payments", payment("two", "10"))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for name, text := range map[string][]byte{
		"a line that is no JSON": append([]byte("{}}\n"), whole...),
		"a missing line":         lines[1],
		"a line twice":           bytes.Join([][]byte{lines[0], lines[0]}, nil),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := simulator.New(simulator.Config{LedgerPath: path, APIKey: "merchant-key"}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := simulator.New(simulator.Config{LedgerPath: ledgerFile(t)}); err == nil {
		t.Error("a ledger file without a fixed key was accepted")
	}
}

func TestClosedLedgerFileRefusesBookings(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, withLedger(ledgerFile(t), newClock()))
	if err := s.sim.Close(); err != nil {
		t.Fatal(err)
	}
	if r := s.post("/v1/payments", payment("late", "1")); r.status != 500 {
		t.Errorf("got %d", r.status)
	}
}

func TestNoCardDataIsKept(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	path := ledgerFile(t)
	s := newSandbox(t, withLedger(path, newClock()), withLog(&log))
	number := "4111111111111111"
	data := card(number)
	data["securityCode"] = "9137"
	s.post("/v1/payments", payment("p", "10", "card", data, "noticeUrl", "http://127.0.0.1:1/"))
	data["number"] = "4111111111111112"
	s.post("/v1/payments", payment("bad", "10", "card", data))
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sim.Close(); err != nil { // ends the goroutines that log
		t.Fatal(err)
	}
	for name, text := range map[string]string{"file": string(file), "log": log.String()} {
		for _, secret := range []string{number, "4111111111111112", "9137", "JANE"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is in the %s", secret, name)
			}
		}
	}
	if !strings.Contains(string(file), "411111") {
		t.Error("the masked card is missing; this test looks at the wrong file")
	}
}
