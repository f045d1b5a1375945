package yandexpay

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/api"
)

// TestAFieldHasOneFault: what could not be read is not judged by a value that nobody sent.
func TestAFieldHasOneFault(t *testing.T) {
	t.Parallel()
	const decimal = "must be a decimal number such as 123.45"
	for _, c := range []struct{ value, amount, count string }{
		{`"abc"`, decimal, decimal},
		{`""`, mustBeGiven, mustBeGiven},
		{`-1`, "must not be negative", "must not be negative"},
		{`null`, mustBeGiven, mustBeGiven},
		{`0`, "must be at least 1.00", "must be above 0"},
		{`1e400`, "must be a decimal number up to 1000000000", "must be a decimal number up to 1000000000"},
		{`1e-400`, "must be a decimal number up to 1000000000", "must be a decimal number up to 1000000000"},
		{`1000000001`, "must be at most 1000000000", "must be at most 1000000000"},
		{`"0.0000000000000000001"`, "must have at most 2 decimals", "must have at most 18 decimals"},
	} {
		t.Run(c.value, func(t *testing.T) {
			t.Parallel()
			doc, err := api.Decode([]byte(`{"refundAmount":` + c.value + `}`))
			if err != nil {
				t.Fatal(err)
			}
			_, err = bindRefundV2(doc, "RUB")
			if diff := cmp.Diff([]fieldFault{{"refundAmount", c.amount}}, faultsOf(t, err)); diff != "" {
				t.Errorf("amount (-want +got):\n%s", diff)
			}
			_, err = readCart(t, `{"total":{"amount":1},"items":[{"productId":"a","title":"A","quantity":{"count":`+c.value+`},"total":1}]}`, "RUB")
			if diff := cmp.Diff([]fieldFault{{"cart.items[0].quantity.count", c.count}}, faultsOf(t, err)); diff != "" {
				t.Errorf("count (-want +got):\n%s", diff)
			}
		})
	}
}

type fieldFault struct{ Field, Message string }

// faultsOf are the faults that the answer to an error lists.
func faultsOf(t *testing.T, err error) []fieldFault {
	t.Helper()
	if err == nil {
		t.Fatal("no fault was found")
	}
	var details struct{ Errors []fieldFault }
	if err := json.Unmarshal(answerTo(err).details, &details); err != nil {
		t.Fatal(err)
	}
	return details.Errors
}
