package store

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// TestAFactOfAnOlderProgramIsRead: one that waits for its words since money was amounts beside currencies.
func TestAFactOfAnOlderProgramIsRead(t *testing.T) {
	t.Parallel()
	const kept = `{"Event":{"State":"COMPLETED"},"State":"COMPLETED","Payment":{"ID":"1","Amount":12.50,"Currency":"EUR","Fee":0.25,
		"FeeCurrency":"USD","Attempts":[{"Seq":1,"Amount":12.50,"Currency":"EUR"}]},"Deposit":{"ID":"2","Amount":20,"Currency":"GBP","Attempts":null}}`
	sum := func(amount, currency string) money.Sum {
		return money.Sum{Amount: money.MustParse(amount), Currency: money.Currency(currency)}
	}
	check := func(text string) {
		t.Helper()
		var f struct {
			State            payment.State
			Payment, Deposit payment.Payment
		}
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		got := []money.Sum{f.Payment.Asked, f.Payment.Fee, f.Payment.Attempts[0].Sent, f.Deposit.Asked}
		if diff := cmp.Diff([]money.Sum{sum("12.5", "EUR"), sum("0.25", "USD"), sum("12.5", "EUR"), sum("20", "GBP")}, got, cmp.Comparer(func(a, b money.Amount) bool { return a.Cmp(b) == 0 })); diff != "" {
			t.Error(diff)
		}
		if f.State != payment.Completed || f.Payment.ID != "1" {
			t.Errorf("%s %s", f.State, f.Payment.ID)
		}
	}
	today := ofToday(kept)
	check(today)
	if again := ofToday(today); again != today {
		t.Errorf("changed once more: %s", again)
	}
	for _, odd := range []string{"", "null", "{", `[]`, `{"Payment":7}`, `{"Payment":{"Attempts":{}}}`} {
		if got := ofToday(odd); got != odd {
			t.Errorf("%s became %s", odd, got)
		}
	}
}
