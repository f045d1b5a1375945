package e2e

import (
	"encoding/json"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// The sums of a life.
const (
	wholeSum, partSum, firstBack = "40.00", "25.00", "10.00"
)

// live is one life from the page to the last refund.
func (a *providerAccount) live(t *testing.T, b *tab, site string, l life) {
	defer func() {
		if left := a.double.Take(a.call(l.call, l.way)); left.Kind != "" {
			t.Errorf("nobody has met the fault %q", left.Kind)
		}
	}()
	before := len(a.double.Books())
	fault := mishaps[slices.IndexFunc(mishaps, func(m mishap) bool { return m.name == l.mishap })].fault
	strike := func(call string) {
		if fault.Op = a.call(call, l.way); l.call == call && fault.Kind != "" {
			a.double.Strike(fault)
		}
	}
	body := with(order("DEPOSIT", "", wholeSum), "returnUrl", site+"/back/{id}?state={state}")
	for name, value := range a.order(l.way) {
		body = with(body, name, value)
	}
	p := a.client.must(t, request{method: "POST", path: payments, body: body}).payment
	strike(atPay)
	a.pays(t, b, &p, l)
	p = a.settled(t, p.ID)
	taken := wholeSum
	if p.State == "AUTHORIZED" {
		taken = partSum
		for range 2 { // what the provider refuses may be asked for again
			strike(atCapture)
			a.client.must(t, request{method: "POST", path: pathOf(p.ID) + "/capture", body: object{"amount": json.Number(partSum)}})
			if p = a.settled(t, p.ID); p.State == "COMPLETED" {
				break
			}
			fault = frame.Fault{}
		}
	}
	moved := a.since(before)
	if p.State != "COMPLETED" {
		if l.call != atPay || fault.Kind == "" || moved[frame.Held]+moved[frame.Taken] != "" {
			t.Errorf("the payment is %s, and the books have %v", p.State, moved)
		}
		return
	}
	if moved[frame.Taken] != taken || held(l.way) && moved[frame.Held] != wholeSum {
		t.Fatalf("taken: %v; want %s", moved, taken)
	}
	if a.calls[atRefund] != "" {
		a.givesBack(t, &p, taken, strike)
		if moved = a.since(before); moved[frame.Returned] != taken || moved[frame.Taken] != taken {
			t.Errorf("in the end the books have %v; want %s taken and returned", moved, taken)
		}
	}
	all := a.notices()
	for _, n := range all[max(0, len(all)-6):] { // what was told last is told once more, and late
		a.post(t, n)
	}
	if got := a.client.get(t, p.ID); got.State != "COMPLETED" {
		t.Errorf("told again, the payment is %s", got.State)
	}
}

// givesBack refunds the payment twice; the second refund is settled late, where the provider does that.
func (a *providerAccount) givesBack(t *testing.T, p *paid, taken string, strike func(string)) {
	t.Helper()
	rest := new(big.Rat).Sub(number(json.Number(taken)), number(firstBack)).FloatString(2)
	for i, amount := range []string{firstBack, rest} {
		for range 2 { // what the provider refuses may be asked for again
			if i == 0 {
				strike(atRefund)
			} else if a.late {
				a.double.Strike(frame.Fault{Op: a.calls[atRefund], Kind: frame.Pending})
			}
			refund := with(object{"paymentType": "REFUND", "parentPaymentId": p.ID, "currency": p.Currency}, "amount", json.Number(amount))
			r := a.client.must(t, request{method: "POST", path: payments, body: refund}).payment
			if i == 1 && a.late {
				if got := a.client.get(t, r.ID).State; got != "PENDING" {
					t.Errorf("what the provider has not settled is %s", got)
				}
				a.finish(a.lastKey(atRefund))
			}
			if r = a.settled(t, r.ID); r.State == "COMPLETED" {
				break
			}
			strike = func(string) {}
		}
	}
}

// settled waits until nothing is open any more. Notices come meanwhile, as they do.
func (a *providerAccount) settled(t *testing.T, id string) (p paid) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		a.deliver(t)
		if p = a.client.get(t, id); p.final() || p.State == "AUTHORIZED" {
			return p
		}
	}
	t.Fatalf("payment %s is %s after %s", id, p.State, patience)
	return p
}

// since adds up what was moved since there were so many entries in the books.
func (a *providerAccount) since(before int) map[frame.Movement]string {
	sums := map[frame.Movement]*big.Rat{}
	for _, e := range a.double.Books()[before:] {
		if sums[e.Moved] == nil {
			sums[e.Moved] = new(big.Rat)
		}
		sums[e.Moved].Add(sums[e.Moved], new(big.Rat).Quo(number(json.Number(e.Amount)), big.NewRat(a.scale, 1)))
	}
	written := map[frame.Movement]string{}
	for moved, sum := range sums {
		written[moved] = sum.FloatString(2)
	}
	return written
}
