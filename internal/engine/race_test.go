package engine_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// together runs n calls that start at the same moment.
func together(n int, call func(i int)) {
	gate := make(chan struct{})
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			<-gate
			call(i)
		})
	}
	close(gate)
	running.Wait()
}

func TestConcurrentRefundsNeverExceedTheCapture(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.unreliable(25)
		var completed, refusals int
		for round := range rounds(t, 20) {
			n := 2 + round%19 // 2 to 20 at a time
			cents := 500 + rand.N(9500)
			p := h.deposit(fmt.Sprintf("%d.%02d", cents/100, cents%100))
			outcomes := make([]error, n)
			values := make([]money.Amount, n)
			together(n, func(i int) {
				part := 1 + rand.N(2*cents/n+cents/4)
				values[i] = amount(fmt.Sprintf("%d.%02d", part/100, part%100))
				_, outcomes[i] = h.Engine.Create(t.Context(), h.newRefund(p.ID, values[i].String()))
			})
			after := h.get(p.ID)
			for i, err := range outcomes {
				if err == nil {
					completed++
					continue
				}
				refusals++
				refused(t, err, payment.CodeInvalidAmount, "amount")
				if values[i].Cmp(after.Refundable()) <= 0 {
					t.Errorf("round %d: a refund of %s was refused with %s left", round, values[i], after.Refundable())
				}
			}
		}
		h.agree()
		t.Logf("%d rounds, %d refunds made, %d refused, the ledger agrees", rounds(t, 20), completed, refusals)
		if completed == 0 || refusals == 0 {
			t.Error("the race was none: something has to be made and something refused")
		}
	})
}

func TestCaptureAgainstVoidHasOneWinner(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.unreliable(25)
		won := map[payment.State]int{}
		for round := range rounds(t, 20) {
			p := h.hold("50.00")
			errs := make([]error, 4)
			together(len(errs), func(i int) {
				if i%2 == round%2 {
					_, errs[i] = h.Engine.Capture(t.Context(), h.target(p.ID), money.Amount{})
				} else {
					_, errs[i] = h.Engine.Void(t.Context(), h.target(p.ID))
				}
			})
			winners := 0
			for _, err := range errs {
				if err == nil {
					winners++
				} else {
					refused(t, err, payment.CodeWrongState, "")
				}
			}
			if winners != 1 {
				t.Errorf("%d of capture and void won: %v", winners, errs)
			}
			p = h.get(p.ID)
			won[p.State()]++
		}
		h.agree()
		t.Logf("won: %v", won)
		if won[payment.Completed]+won[payment.Cancelled] != rounds(t, 20) {
			t.Errorf("states: %v", won)
		}
	})
}

func TestExecutingTwiceAtOnceChargesOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.unreliable(25)
		for round := range rounds(t, 20) {
			p := h.create(h.newDeposit("10.00", cardApproved))
			errs := make([]error, 2+round%4)
			together(len(errs), func(i int) {
				_, errs[i] = h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)})
			})
			done := 0
			for _, err := range errs {
				if err == nil {
					done++
				} else {
					refused(t, err, payment.CodeWrongState, "")
				}
			}
			if m := h.books()[p.ID]; done != 1 || m == nil || len(m.captured) != 1 {
				t.Errorf("%d executions were done, ledger %+v: %v", done, m, errs)
			}
		}
		h.agree()
	})
}

func TestCreatesUnderOneKeyMakeOnePayment(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.unreliable(25)
		for _, c := range []engine.Create{h.newDeposit("10.00", cardApproved), h.newWithdrawal("11.00")} {
			const calls = 50
			ids := make([]payment.ID, calls)
			replays := make([]bool, calls)
			together(calls, func(i int) {
				mine := c
				mine.Means = cardOf(t, cardApproved)
				mine.Idem = key("POST /payments", "key-"+string(c.Type), "same")
				o, err := h.Engine.Create(t.Context(), mine)
				if err != nil {
					t.Errorf("create: %v", err)
				}
				ids[i], replays[i] = o.Payment.ID, o.Replayed
			})
			fresh := 0
			for i := range calls {
				if ids[i] != ids[0] {
					t.Errorf("payments %s and %s under one key", ids[0], ids[i])
				}
				if !replays[i] {
					fresh++
				}
			}
			if fresh != 1 {
				t.Errorf("%d calls say that they made the payment", fresh)
			}
		}
		list, _, err := h.Records.List(t.Context(), payment.Filter{Shop: h.shop.ID, Limit: 100})
		if err != nil || len(list) != 2 {
			t.Errorf("%d payments, want 2: %v", len(list), err)
		}
		h.agree()
	})
}
