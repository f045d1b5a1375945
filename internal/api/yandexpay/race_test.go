package yandexpay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// races is how often a race is run.
func races(t testing.TB, otherwise int) int {
	t.Helper()
	return setting.Number(t, "SLUICE_TEST_ROUNDS", otherwise)
}

// till is what the provider really did about an order, in kopecks.
type till struct{ held, captured, voided, refunded, captures, voids, refunds int }

// kopecks reads an amount.
func kopecks(t testing.TB, text string) int {
	t.Helper()
	a, err := money.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.ReplaceAll(a.Fixed()[:len(a.Fixed())-money.Scale+2], ".", ""))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func roubles(kopecks int) string { return fmt.Sprintf("%d.%02d", kopecks/100, kopecks%100) }

// till reads the ledger, and holds it against what may never be.
func (c *client) till(t testing.TB, oid string) till {
	t.Helper()
	var l till
	pid := string(c.paymentOf(t, oid))
	for _, e := range c.app.Simulator.Ledger() {
		own := strings.Contains(e.Reference, pid)
		if !own && !strings.Contains(e.OriginalReference, pid) {
			continue
		}
		n := kopecks(t, e.Amount)
		switch e.Type {
		case "authorized":
			l.held += n
		case "captured":
			l.captured += n
			l.captures++
			if e.Kind == "sale" {
				l.held += n
			}
		case "voided", "expired":
			l.voided += n
			l.voids++
		case "refunded":
			l.refunded += n
			l.refunds++
		}
	}
	if l.captured > l.held || l.refunded > l.captured || l.captures > 1 || l.voids > 1 || l.voids == 1 && l.captured > 0 {
		t.Errorf("order %s: the ledger has %+v", oid, l)
	}
	if wrong := c.app.Simulator.Breaches(); len(wrong) > 0 {
		t.Errorf("the simulator's books: %v", wrong)
	}
	return l
}

// rest lets an order come to rest: calls that go on end, the clock moves, and what is due is done.
func (c *client) rest(t testing.TB, oid string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	c.app.Engine.Drain()
	pid := c.paymentOf(t, oid)
	for range 30 {
		h, err := c.app.Engine.History(ctx, c.shop.ID, pid)
		if err != nil {
			t.Fatal(err)
		}
		open := h.Payment.Live != 0 || h.Payment.Owes()
		for i := range h.Refunds {
			open = open || h.Refunds[i].Live != 0
		}
		if !open {
			return
		}
		c.later()
		if err := c.app.Engine.Work(ctx, c.shop.ID, pid); err != nil {
			t.Fatal(err)
		}
		for i := range h.Refunds {
			if err := c.app.Engine.Work(ctx, c.shop.ID, h.Refunds[i].ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Errorf("order %s does not come to rest", oid)
}

// insists rolls an order back once more where the provider has refused that for good.
func (c *client) insists(t testing.TB, oid, path string) {
	t.Helper()
	c.app.Engine.Drain()
	p, err := c.app.Engine.Get(t.Context(), c.shop.ID, c.paymentOf(t, oid))
	if err != nil {
		t.Fatal(err)
	}
	if p.HeldInVain() || p.Owes() && p.Due.IsZero() {
		c.want(t, 200, request{method: "POST", path: path + "/rollback"})
	}
}

// agrees compares an order at rest with the ledger, and returns its status.
func (c *client) agrees(t testing.TB, oid string) string {
	t.Helper()
	a, l := c.get(t, orders+"/"+url.PathEscape(oid)), c.till(t, oid)
	status, amount := a.field(t, "data.order.paymentStatus"), kopecks(t, a.field(t, "data.order.orderAmount"))
	var ok bool
	switch status {
	case "AUTHORIZED":
		ok = l.held > 0 && l.captured == 0 && l.voids == 0 && amount == l.held
	case "CAPTURED":
		ok = l.captured > 0 && l.refunded == 0 && amount == l.captured
	case "PARTIALLY_REFUNDED":
		ok = l.refunded > 0 && l.refunded < l.captured && amount == l.captured-l.refunded
	case "REFUNDED":
		ok = l.captured > 0 && l.refunded == l.captured && amount == 0
	case "VOIDED":
		ok = l.held > 0 && l.captured == 0 && l.voids == 1
	case "FAILED":
		ok = l.refunded == l.captured && (l.captured > 0 || l.held == 0)
	default:
		ok = false
	}
	sums := map[string]int{}
	for i := 0; ; i++ {
		at := fmt.Sprintf("data.operations.%d.", i)
		kind := a.field(t, at+"operationType")
		if kind == "" {
			break
		}
		switch a.field(t, at+"status") {
		case "SUCCESS":
			sums[kind] += kopecks(t, a.field(t, at+"amount"))
		case "PENDING":
			t.Errorf("order %s: an operation is PENDING at rest\n%s", oid, a.body)
		}
	}
	shown := sums["REFUND"] == l.refunded || status == "FAILED"
	if !ok || !shown || sums["CAPTURE"] != l.captured || sums["VOID"] != l.voided {
		t.Errorf("order %s: the ledger has %+v\n%s", oid, l, a.body)
	}
	return status
}

// troubles are what a provider does in races; the first is nothing.
var troubles = []simulator.Effect{
	{}, {DelayMs: 15}, {}, {ResponseCode: "05"}, {Fault: simulator.FaultDrop}, {Fault: simulator.FaultDrop, Stage: simulator.StageBefore},
	{AsyncAfterMs: 50},
}

// counted adds an answer to a tally and fails unless it is one of those that are allowed.
func (a answer) counted(t testing.TB, tally map[string]int, allowed ...string) bool {
	t.Helper()
	got := a.outcome(t)
	if a.status == 200 {
		got = "200"
	}
	tally[got]++
	if got != "200" && !slices.Contains(allowed, got) {
		t.Errorf("answered %s: %s", got, a.body)
	}
	return got == "200"
}

const (
	inProgress  = "409 ANOTHER_OPERATION_IN_PROGRESS"
	wrongStatus = "400 INVALID_PAYMENT_STATUS"
)

// TestRefundsAtOnceNeverExceedTheCapture sends 2 to 20 refunds of one order at once, by both versions, with names that
// are their own, shared or missing. The provider's ledger judges.
func TestRefundsAtOnceNeverExceedTheCapture(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, twoStage, unreliable)
		tally, ends := map[string]int{}, map[string]int{}
		for round := range races(t, 12) {
			oid, n := fmt.Sprintf("R-%d", round), 2+round%19
			path := c.paid(t, oid)
			paid := 10000 + rand.N(8000)
			c.post(t, path+"/capture", fmt.Sprintf(`{"orderAmount":%q}`, roubles(paid)))
			c.app.Simulator.ClearScenarios()
			c.rig(t, "refund", troubles[round%len(troubles)])
			done := 0
			for range 3 { // the later waves meet what the first has left
				for _, a := range c.flood(t, n, func(i int) request {
					q := request{method: "POST", path: "/v2/orders/" + oid + "/refund",
						body: fmt.Sprintf(`{"refundAmount":%q}`, roubles(100+rand.N(2*paid/n)))}
					if i%3 == 0 {
						q.path = path + "/refund"
					}
					if i%2 == 0 {
						q.body = with(t, q.body, "externalOperationId", fmt.Sprintf(`"%s-%d"`, oid, i/4))
					}
					return q
				}) {
					if a.counted(t, tally, inProgress, wrongStatus, duplicate, "400 REFUND_AMOUNT_TOO_LARGE", "400 BAD_REQUEST") {
						done++
					}
				}
			}
			c.app.Simulator.ClearScenarios()
			c.rest(t, oid)
			ends[c.agrees(t, oid)]++
			if l := c.till(t, oid); l.captured != paid || l.refunds > done {
				t.Errorf("%s: %d answers, ledger %+v", oid, done, l)
			}
		}
		t.Logf("answers %v, in the end %v", tally, ends)
		if tally["200"] == 0 || len(tally) == 1 || ends["PARTIALLY_REFUNDED"]+ends["REFUNDED"] == 0 {
			t.Error("the race was none")
		}
	})
}

// TestCaptureCancelAndRollbackAtOnce: one of them moves the money, and a rollback that was accepted leaves none.
func TestCaptureCancelAndRollbackAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, twoStage, unreliable)
		tally, ends := map[string]map[string]int{}, map[string]int{}
		mixes := [][]string{
			{"capture", "cancel"}, {"capture", "cancel", "rollback"}, {"capture", "rollback"}, {"cancel", "rollback"}, {"rollback"},
		}
		for round := range races(t, 15) {
			oid, mix := fmt.Sprintf("C-%d", round), mixes[round%len(mixes)]
			path := c.paid(t, oid)
			c.app.Simulator.ClearScenarios()
			trouble := troubles[round/len(mixes)%len(troubles)]
			c.rig(t, "capture", trouble)
			c.rig(t, "void", trouble)
			n := 2 + round%7
			kinds := make([]string, n)
			answers := c.flood(t, n, func(i int) request {
				kinds[i] = mix[(i+round)%len(mix)]
				q := request{method: "POST", path: path + "/" + kinds[i]}
				switch kinds[i] {
				case "cancel":
					q.body = `{"reason":"race"}`
				case "capture":
					q.body = fmt.Sprintf(`{"orderAmount":%q}`, roubles(100+rand.N(17900)))
				}
				return q
			})
			undone := false
			for i, a := range answers {
				if tally[kinds[i]] == nil {
					tally[kinds[i]] = map[string]int{}
				}
				allowed := []string{inProgress, wrongStatus}
				if kinds[i] == "rollback" {
					allowed = allowed[:1]
				}
				ok := a.counted(t, tally[kinds[i]], allowed...)
				undone = undone || ok && kinds[i] == "rollback"
			}
			c.app.Simulator.ClearScenarios()
			c.insists(t, oid, path)
			c.rest(t, oid)
			status := c.agrees(t, oid)
			ends[status]++
			if undone && status != "VOIDED" && status != "FAILED" {
				t.Errorf("%s of %v is %s although it was rolled back", oid, kinds, status)
			}
			if trouble == (simulator.Effect{}) && status == "AUTHORIZED" {
				t.Errorf("%s: nobody of %v won", oid, kinds)
			}
		}
		t.Logf("answers %v, in the end %v", tally, ends)
		if len(ends) < 2 && races(t, 15) > 30 { // in few rounds on a busy machine one may always win
			t.Error("the race was none")
		}
	})
}

// TestRefundsAgainstRollback: whatever comes first, in the end all of the money is back, and once.
func TestRefundsAgainstRollback(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil, unreliable)
		tally := map[string]int{}
		for round := range races(t, 8) {
			oid := fmt.Sprintf("B-%d", round)
			path := c.paid(t, oid)
			c.app.Simulator.ClearScenarios()
			c.rig(t, "refund", troubles[round%len(troubles)])
			undone := false
			for i, a := range c.flood(t, 6, func(i int) request {
				if i%3 == 0 {
					return request{method: "POST", path: path + "/rollback"}
				}
				return request{method: "POST", path: "/v2/orders/" + oid + "/refund", body: `{"refundAmount":"70.00"}`}
			}) {
				if i%3 == 0 {
					undone = a.counted(t, tally, inProgress) || undone
				} else {
					a.counted(t, tally, inProgress, wrongStatus, "400 REFUND_AMOUNT_TOO_LARGE")
				}
			}
			c.app.Simulator.ClearScenarios()
			c.insists(t, oid, path)
			c.rest(t, oid)
			status := c.agrees(t, oid)
			if l := c.till(t, oid); undone && (status != "FAILED" || l.refunded != l.captured) {
				t.Errorf("%s was rolled back and is %s, ledger %+v", oid, status, l)
			}
		}
		t.Logf("answers %v", tally)
	})
}

// TestOneRefundAtATime: of many refunds at once, while the provider works, one is accepted and the others are told why.
func TestOneRefundAtATime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		c.rig(t, "refund", simulator.Effect{AsyncAfterMs: -1, Notice: simulator.NoticeLost})
		for round := range races(t, 3) {
			oid := fmt.Sprintf("O-%d", round)
			c.paid(t, oid)
			tally := map[string]int{}
			for _, a := range c.flood(t, 20, func(int) request {
				return request{method: "POST", path: "/v2/orders/" + oid + "/refund", body: `{"refundAmount":"2.00"}`}
			}) {
				a.counted(t, tally, inProgress)
			}
			if n := c.booked(t, oid, "refund"); tally["200"] != 1 || n != 1 {
				t.Errorf("answers %v, %d refunds at the provider", tally, n)
			}
			c.decide(t, oid, "00")
			c.rest(t, oid)
			c.agrees(t, oid)
		}
	})
}
