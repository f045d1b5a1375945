package simulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/simulator"
)

// direct calls the handler without a network: property tests make many calls.
func direct(sim *simulator.Simulator, method, path string, body any) *httptest.ResponseRecorder {
	text, ok := body.(string)
	if !ok {
		raw, _ := json.Marshal(body) // maps of strings always have a JSON form
		text = string(raw)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(text))
	r.Header.Set("Authorization", "Bearer "+sim.APIKey())
	w := httptest.NewRecorder()
	sim.Handler().ServeHTTP(w, r)
	return w
}

func quiet(t interface{ Fatal(...any) }) *simulator.Simulator {
	sim, err := simulator.New(simulator.Config{APIKey: "k", Now: newClock().now, SweepEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	return sim
}

// Whatever follows a hold, in whatever order: captured stays within authorised,
// refunded within captured, and the ledger adds up to the totals.
func TestBooksAlwaysAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sim := quiet(t)
		defer sim.Close()
		kind := rapid.Bool().Draw(t, "capture at once")
		w := direct(sim, http.MethodPost, "/v1/payments", payment("p", "100", "capture", kind))
		var made struct{ ID string }
		if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil {
			t.Fatal(err)
		}
		for i := range rapid.IntRange(1, 12).Draw(t, "steps") {
			op := rapid.SampledFrom([]string{"capture", "void", "refund", "refund", "correct"}).Draw(t, "op")
			if op == "correct" {
				reference := "p"
				if n := rapid.IntRange(0, i).Draw(t, "of"); n > 0 {
					reference = fmt.Sprintf("s%d", n-1)
				}
				to := rapid.SampledFrom([]string{"declined", "approved", "captured", "voided"}).Draw(t, "to")
				_ = sim.Correct(reference, to, rapid.SampledFrom([]string{"", "30", "200"}).Draw(t, "amount")) // it may be impossible
				continue
			}
			body := object{"reference": fmt.Sprintf("s%d", rapid.IntRange(0, i).Draw(t, "reference"))}
			if op != "void" && rapid.Bool().Draw(t, "partial") {
				body["amount"] = fmt.Sprintf("%d.%02d", rapid.IntRange(0, 120).Draw(t, "units"), rapid.IntRange(1, 99).Draw(t, "cents"))
			}
			direct(sim, http.MethodPost, "/v1/transactions/"+made.ID+"/"+op, body)
		}
		checkSums(t, sim)
	})
}

func checkSums(t *rapid.T, sim *simulator.Simulator) {
	sums, _ := sim.Totals("p")
	captured, refunded := money.Amount{}, money.Amount{}
	for _, e := range sim.Ledger() {
		switch e.Type {
		case "captured":
			captured, _ = captured.Add(money.MustParse(e.Amount))
		case "refunded":
			refunded, _ = refunded.Add(money.MustParse(e.Amount))
		case "reversed":
			switch e.Kind {
			case "refund":
				refunded, _ = refunded.Sub(money.MustParse(e.Amount))
			case "sale", "authorization", "capture":
				captured = money.Amount{} // nothing is refunded of what can be undone
			}
		}
	}
	if sums.Captured != captured.String() || sums.Refunded != refunded.String() {
		t.Fatalf("totals %+v, the ledger says captured %s, refunded %s", sums, captured, refunded)
	}
	if captured.Cmp(money.MustParse("100")) > 0 || refunded.Cmp(captured) > 0 || len(sim.Breaches()) > 0 {
		t.Fatalf("captured %s, refunded %s of 100; %v", captured, refunded, sim.Breaches())
	}
}

func FuzzPaymentRequest(f *testing.F) {
	whole, _ := json.Marshal(payment("seed", "10", "orderId", "o"))
	for _, seed := range []string{string(whole), "", "{}", `{"reference":"a","amount":"1","currency":"EUR","method":"BLIK"}`,
		`{"reference":"a","amount":1e9}`, `{"card":{"number":"4000000000000408"}}`, strings.Repeat("[", 2000), "{\"reference\":\"\xff\"}"} {
		f.Add([]byte(seed))
	}
	sim := quiet(f)
	f.Cleanup(func() { _ = sim.Close() })
	f.Fuzz(func(t *testing.T, body []byte) {
		w := direct(sim, http.MethodPost, "/v1/payments", string(body))
		if !json.Valid(w.Body.Bytes()) || w.Code >= 500 {
			t.Errorf("%d %q", w.Code, w.Body)
		}
		if w.Code == http.StatusCreated && bytes.Contains(w.Body.Bytes(), []byte("4000000000000408")) {
			t.Error("the answer holds the card's number")
		}
	})
}

func BenchmarkSale(b *testing.B) {
	sim, err := simulator.New(simulator.Config{APIKey: "k"})
	if err != nil {
		b.Fatal(err)
	}
	defer sim.Close()
	text, err := json.Marshal(payment("REF", "11.12"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		w := direct(sim, http.MethodPost, "/v1/payments", strings.Replace(string(text), "REF", fmt.Sprint("b", n), 1))
		if w.Code != http.StatusCreated {
			b.Fatal(w.Body)
		}
	}
}
