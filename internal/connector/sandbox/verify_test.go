package sandbox_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/testkit/simulated"
)

// check is a request to verify a card.
func check(key string, c *instrument.Card) connector.Request {
	return connector.Request{
		Key: key, Currency: "EUR", Method: payment.BasicCard, Verify: true, Means: c,
	}
}

func TestVerifiedCards(t *testing.T) {
	t.Parallel()
	d := simulated.Open(t)
	c, _ := open(t, d.URL)
	for number, want := range map[string]outcome{
		"4000000000000408": {payment.ClassApproved, "", "00"},
		"4000000000000416": {payment.ClassDeclinedSoft, "4.00", "05"},
		"4000000000009995": {payment.ClassDeclinedHard, "4.01", "51"},
		"4000000000000002": {payment.ClassWaiting, "", ""},
	} {
		r := check("v-"+number, connectortest.Card(t, number))
		r.StartRecurring = true
		fact, err := c.Verify(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, outcomeOf(fact)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", number, diff)
		}
		if (fact.Credential != "") != (want.Class == payment.ClassApproved) || !fact.Echoed.Amount.IsZero() {
			t.Errorf("%s: %+v", number, fact)
		}
	}
}

// TestTestAmounts are those of the Yandex Pay sandbox, which hold for payments that came by that merchant API only.
func TestTestAmounts(t *testing.T) {
	t.Parallel()
	d := simulated.Open(t)
	c, _ := open(t, d.URL)
	done := outcome{payment.ClassApproved, "", "00"}
	for amount, want := range map[string]outcome{
		"10001": {payment.ClassDeclinedSoft, "4.00", "05"},
		"10002": {payment.ClassDeclinedHard, "4.01", "51"},
		"10003": {payment.ClassDeclinedHard, "5.00", "T01"},
		"10004": {payment.ClassWaiting, "", ""},
		"10005": done,
	} {
		for _, origin := range []string{"yandexpay", ""} {
			r := sale(t, "a"+amount+origin, amount)
			r.Currency, r.Origin, r.Until = "RUB", origin, d.Now().Add(time.Hour)
			fact, err := c.Start(t.Context(), r)
			if origin == "" {
				want = done
			}
			if err != nil || outcomeOf(fact) != want || !fact.Next.IsZero() {
				t.Errorf("%s by %q: %+v, %v; want %+v", amount, origin, fact, err, want)
			}
		}
	}
	d.Advance(2 * time.Hour)
	fact, err := c.Status(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: "a10004yandexpay"})
	if want := (outcome{payment.ClassCancelled, "1.04", "C04"}); err != nil || outcomeOf(fact) != want {
		t.Errorf("the customer never came: %+v, %v; want %+v", fact, err, want)
	}
}
