package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/testkit"
)

// failure is one way in which a provider call can go wrong.
type failure struct {
	name   string
	effect simulator.Effect
	proof  bool // the answer proves that nothing was done: the end comes at once
	booked bool // what was asked for is done in the end
	wait   bool // the provider itself is not done yet
}

const before = simulator.StageBefore

var failures = []failure{
	{name: "booked, no answer", effect: simulator.Effect{Fault: simulator.FaultHang}, booked: true},
	{name: "no answer, not booked", effect: simulator.Effect{Fault: simulator.FaultHang, Stage: before}},
	{name: "connection dropped, not booked", effect: simulator.Effect{Fault: simulator.FaultDrop, Stage: before}},
	{name: "booked, connection dropped", effect: simulator.Effect{Fault: simulator.FaultDrop}, booked: true},
	{name: "500, not booked", effect: simulator.Effect{Fault: simulator.FaultServerError, Stage: before}},
	{name: "booked, 500", effect: simulator.Effect{Fault: simulator.FaultServerError}, booked: true},
	{name: "502, not booked", effect: simulator.Effect{Fault: simulator.FaultBadGateway, Stage: before}},
	{name: "booked, 502", effect: simulator.Effect{Fault: simulator.FaultBadGateway}, booked: true},
	{name: "booked, garbage", effect: simulator.Effect{Fault: simulator.FaultGarbage}, booked: true},
	{name: "garbage, not booked", effect: simulator.Effect{Fault: simulator.FaultGarbage, Stage: before}},
	{name: "booked, cut", effect: simulator.Effect{Fault: simulator.FaultTruncated}, booked: true},
	{name: "booked, huge", effect: simulator.Effect{Fault: simulator.FaultHuge}, booked: true},
	{name: "booked, empty", effect: simulator.Effect{Fault: simulator.FaultEmpty}, booked: true},
	{name: "booked, error inside", effect: simulator.Effect{Fault: simulator.FaultErrorBody}, booked: true},
	{name: "other amount", effect: simulator.Effect{Fault: simulator.FaultWrongAmount}, booked: true},
	{name: "other currency", effect: simulator.Effect{Fault: simulator.FaultWrongCurrency}, booked: true},
	{name: "other reference", effect: simulator.Effect{Fault: simulator.FaultWrongReference}, booked: true},
	{name: "not found for a while", effect: simulator.Effect{Fault: simulator.FaultDrop, LagMs: 3000}, booked: true},
	{name: "429", effect: simulator.Effect{Fault: simulator.FaultRateLimited}, proof: true},
	{name: "401", effect: simulator.Effect{Fault: simulator.FaultUnauthorized}, proof: true},
	{name: "422", effect: simulator.Effect{Fault: simulator.FaultRejected}, proof: true},
	{name: "pending, then done", effect: simulator.Effect{AsyncAfterMs: 1500}, booked: true, wait: true},
	{name: "pending, then declined", effect: simulator.Effect{AsyncAfterMs: 1500, ResponseCode: "05"}, wait: true},
	{name: "booked while nobody waits", effect: simulator.Effect{Fault: simulator.FaultHang, Stage: simulator.StageLate, DelayMs: testkit.Held}, booked: true},
}

// task is one kind of provider call. It is prepared and made; good and bad are the states of the payment if it is
// done and if it is not.
type task struct {
	name, operation string
	good, bad       payment.State
	prepare         func(h *house, value string) payment.Payment
	run             func(h *house, p payment.Payment, value string) (engine.Outcome, error)
}

func none(*house, string) payment.Payment { return payment.Payment{} }

// checkout is a deposit that waits to be executed.
func checkout(preAuth bool) func(h *house, value string) payment.Payment {
	return func(h *house, value string) payment.Payment {
		c := h.newDeposit(value, cardApproved)
		c.PreAuth = preAuth
		return h.create(c)
	}
}

func execute(h *house, p payment.Payment, _ string) (engine.Outcome, error) {
	return h.Engine.Execute(h.t.Context(), engine.Execute{Target: h.target(p.ID)})
}

var tasks = []task{
	{"deposit", "payment", payment.Completed, payment.Declined, checkout(false), execute},
	{"hold", "payment", payment.Authorized, payment.Declined, checkout(true), execute},
	{"capture", "capture", payment.Completed, payment.Authorized, (*house).hold,
		func(h *house, p payment.Payment, _ string) (engine.Outcome, error) {
			return h.Engine.Capture(h.t.Context(), h.target(p.ID), money.Amount{})
		}},
	{"void", "void", payment.Cancelled, payment.Authorized, (*house).hold,
		func(h *house, p payment.Payment, _ string) (engine.Outcome, error) {
			return h.Engine.Void(h.t.Context(), h.target(p.ID))
		}},
	{"refund", "refund", payment.Completed, payment.Declined, (*house).deposit,
		func(h *house, p payment.Payment, value string) (engine.Outcome, error) {
			return h.Engine.Create(h.t.Context(), h.newRefund(p.ID, value))
		}},
	{"withdrawal", "payout", payment.Completed, payment.Declined, none,
		func(h *house, _ payment.Payment, value string) (engine.Outcome, error) {
			return h.Engine.Create(h.t.Context(), h.newWithdrawal(value))
		}},
}

// applies tells the failures that mean nothing for some kind of call.
func (f *failure) applies(k *task) bool {
	// A void has no amount of its own that could be compared.
	return k.name != "void" || f.effect.Fault != simulator.FaultWrongAmount && f.effect.Fault != simulator.FaultWrongCurrency
}

func TestEveryFailureEndsInAgreementWithTheLedger(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		var all, late []*ordeal
		for i := range tasks {
			for j := range failures {
				k, f := &tasks[i], &failures[j]
				if !f.applies(k) {
					continue
				}
				// The scenario finds its request by the amount.
				o := &ordeal{task: k, failure: f, value: fmt.Sprintf("%d.%02d", 20+i, j+1)}
				all = append(all, o)
				if f.effect.Stage == simulator.StageLate {
					late = append(late, o)
				}
			}
		}
		h.sufferLate(late)
		h.atOnce(32, all, func(o *ordeal) {
			if o.failure.effect.Stage != simulator.StageLate {
				o.wrong = h.suffer(h, o)
			}
		})
		open := slices.DeleteFunc(slices.Clone(all), func(o *ordeal) bool { return o.wrong != "" })
		for checks := 0; len(open) > 0 && checks < 15; checks++ {
			h.Clock.Advance(rung(checks))
			h.atOnce(32, open, func(o *ordeal) { o.last = h.get(o.id) })
			open = slices.DeleteFunc(open, func(o *ordeal) bool { return o.last.State() != payment.Pending })
		}
		for _, o := range all {
			if o.wrong == "" {
				o.wrong = o.ended()
			}
			if o.wrong != "" {
				t.Errorf("%s, %s: %s", o.task.name, o.failure.name, o.wrong)
			}
		}
		h.agree()
		t.Logf("%d failures, the ledger agrees", len(all))
	})
}

// ordeal is one call that fails, and what came of it.
type ordeal struct {
	task    *task
	failure *failure
	value   string
	id      payment.ID
	last    payment.Payment
	wrong   string
}

// atOnce deals with all of them, so many at a time.
func (h *house) atOnce(most int, all []*ordeal, deal func(*ordeal)) {
	var running sync.WaitGroup
	room := make(chan struct{}, most)
	for _, o := range all {
		room <- struct{}{}
		running.Go(func() {
			defer func() { <-room }()
			deal(o)
		})
	}
	running.Wait()
}

// sufferLate makes the calls that are booked when nobody waits any more, and returns once they are.
func (h *house) sufferLate(all []*ordeal) {
	h.t.Helper()
	e := h.other(func(c *engine.Config) { c.Vault, c.Connectors = h.Engine.Config().Vault, h.leaving() })
	gone := &house{App: &testkit.App{App: &app.App{Engine: e}}, t: h.t, d: h.d, shop: h.shop, refs: h.refs}
	for _, o := range all {
		o.wrong = h.suffer(gone, o)
	}
	booked := len(h.Simulator.Ledger()) + len(all)
	h.Release()
	for limit := time.Now().Add(time.Minute); len(h.Simulator.Ledger()) < booked; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			h.t.Fatalf("%d entries, want %d", len(h.Simulator.Ledger()), booked)
		}
	}
}

// suffer makes one call fail and says what is wrong with the caller's answer.
func (h *house) suffer(by *house, o *ordeal) string {
	k, f := o.task, o.failure
	p := k.prepare(h, o.value)
	h.scenario(k.operation, o.value, f.effect)
	made, err := k.run(by, p, o.value)
	if err != nil {
		return fmt.Sprintf("the provider's failure became the caller's: %v", err)
	}
	o.id = made.Payment.ID
	first := made.Payment.State()
	if want := payment.Pending; !f.proof && first != want {
		return fmt.Sprintf("at first %s, want %s", first, want)
	}
	if f.proof && first != k.bad {
		return fmt.Sprintf("at first %s, want %s", first, k.bad)
	}
	return ""
}

// ended says what is wrong with the end.
func (o *ordeal) ended() string {
	k, last, end := o.task, &o.last, o.task.bad
	if o.failure.booked {
		end = k.good
	}
	if last.State() != end {
		return fmt.Sprintf("in the end %s (code %s), want %s", last.State(), last.ErrorCode, end)
	}
	if end == payment.Declined && !last.ErrorCode.Valid() || end == k.good && last.ErrorCode != "" {
		return fmt.Sprintf("%s with the code %q", end, last.ErrorCode)
	}
	return ""
}

func TestMoneyTakenWithoutAnswerIsPendingUntilTheProviderTells(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("6600.02", cardApproved)) // books, then never answers
		if p = h.execute(p.ID); p.State() != payment.Pending || p.ErrorCode != "" {
			t.Fatalf("%s %q, want PENDING", p.State(), p.ErrorCode)
		}
		if err := h.Simulator.SetOutage("unavailable"); err != nil {
			t.Fatal(err)
		}
		for range 20 { // a month of being asked in vain
			h.Clock.Advance(36 * time.Hour)
			if p = h.get(p.ID); p.State() != payment.Pending {
				t.Fatalf("while the provider is away: %s", p.State())
			}
		}
		if err := h.Simulator.SetOutage("off"); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(36 * time.Hour)
		if p = h.get(p.ID); p.State() != payment.Completed {
			t.Fatalf("once the provider answers: %s", p.State())
		}
		if m := h.books()[p.ID]; len(m.captured) != 1 {
			t.Errorf("charged %d times", len(m.captured))
		}
		h.agree()
	})
}

func TestProviderThatIsAwayWasSentNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("10.00", cardApproved))
		unreachable := h.other(nil)
		away := *h.shop
		away.Terminals[0].Config = []byte(`{"url":"http://127.0.0.1:1","apiKey":"k"}`)
		h.repoint(&away)
		h.Clock.Advance(2 * time.Second) // shops are remembered for a second
		unreachable.Config().Vault.Put(p.ID, cardOf(t, cardApproved))
		o, err := unreachable.Execute(t.Context(), engine.Execute{Target: engine.Target{Shop: &away, ID: p.ID}})
		if err != nil {
			t.Fatal(err)
		}
		if o.Payment.State() != payment.Declined || o.Payment.ErrorCode != payment.CodeCommunication {
			t.Errorf("%s %q, want DECLINED 1.02", o.Payment.State(), o.Payment.ErrorCode)
		}
		h.agree()
	})
}

func TestNoNewCommandOnAnOpenOutcome(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		held := h.hold("30.00")
		h.scenario("capture", "30.00", simulator.Effect{Fault: simulator.FaultDrop})
		if o, err := h.Engine.Capture(t.Context(), h.target(held.ID), money.Amount{}); err != nil || o.Payment.State() != payment.Pending {
			t.Fatalf("%s %v", o.Payment.State(), err)
		}
		h.scenario("status", "", simulator.Effect{Fault: simulator.FaultServerError})
		_, err := h.Engine.Void(t.Context(), h.target(held.ID)) // asks first, and is not told
		refused(t, err, payment.CodeWrongState, "")
		_, err = h.Engine.Void(t.Context(), h.target(held.ID)) // asks first, and learns that it is captured
		refused(t, err, payment.CodeWrongState, "")
		if p := h.get(held.ID); p.State() != payment.Completed {
			t.Errorf("state %s", p.State())
		}
		paid := h.deposit("40.00")
		h.scenario("refund", "25.00", simulator.Effect{Fault: simulator.FaultHang, Stage: before})
		o, err := h.Engine.Create(t.Context(), h.newRefund(paid.ID, "25.00"))
		if err != nil || o.Payment.State() != payment.Pending {
			t.Fatalf("%s %v", o.Payment.State(), err)
		}
		_, err = h.Engine.Create(t.Context(), h.newRefund(paid.ID, "25.00")) // the first may still be booked
		refused(t, err, payment.CodeInvalidAmount, "amount")
		if p := h.settleByClock(o.Payment.ID); p.State() != payment.Declined {
			t.Fatalf("%s, want DECLINED: it was never booked", p.State())
		}
		if again := h.create(h.newRefund(paid.ID, "25.00")); again.State() != payment.Completed {
			t.Errorf("%s", again.State())
		}
		h.agree()
	})
}

func TestAnswerWithAnotherTransactionsIDIsNotBookedOnIt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		first := h.deposit("21.00")
		h.scenario("payment", "22.00", simulator.Effect{Fault: simulator.FaultWrongID})
		second := h.execute(h.create(h.newDeposit("22.00", cardApproved)).ID)
		if second.State() != payment.Pending {
			t.Errorf("%s, want PENDING: the answer names the first payment's transaction", second.State())
		}
		second = h.settleByClock(second.ID)
		if second.State() != payment.Completed {
			t.Fatalf("%s", second.State())
		}
		for _, p := range []payment.Payment{first, second} {
			if r := h.create(h.newRefund(p.ID, "")); r.State() != payment.Completed {
				t.Errorf("refund: %s", r.State())
			}
		}
		h.agree()
	})
}

func TestAnswerWithTheIDOfAnOpenPaymentHarmsNeither(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.scenario("payment", "23.00", simulator.Effect{Fault: simulator.FaultDrop})
		first := h.execute(h.create(h.newDeposit("23.00", cardApproved)).ID)
		h.scenario("payment", "24.00", simulator.Effect{Fault: simulator.FaultWrongID})
		second := h.execute(h.create(h.newDeposit("24.00", cardApproved)).ID)
		for _, p := range []payment.Payment{first, second} {
			p = h.settleByClock(p.ID)
			if p.State() != payment.Completed {
				t.Errorf("%s of %s, want COMPLETED", p.State(), p.Asked.Amount)
				continue
			}
			if r := h.settleByClock(h.create(h.newRefund(p.ID, "1.00")).ID); r.State() != payment.Completed {
				t.Errorf("refund of %s: %s", p.Asked.Amount, r.State())
			}
		}
		h.agree()
	})
}

func TestPanickingConnectorIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		shaky := h.other(func(c *engine.Config) {
			c.Connectors = wrapped(func(call string) error {
				if call == "after start" {
					panic("a mistake in the connector")
				}
				return nil
			})
		})
		p := h.create(h.newDeposit("10.00", cardApproved))
		shaky.Config().Vault.Put(p.ID, cardOf(t, cardApproved))
		o, err := shaky.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)})
		if err != nil || o.Payment.State() != payment.Pending || o.Payment.BetweenTries() {
			t.Fatalf("%s %v, want PENDING with an open outcome", o.Payment.State(), err)
		}
		if p = h.settleByClock(p.ID); p.State() != payment.Completed {
			t.Errorf("%s, want COMPLETED: it had been sent", p.State())
		}
		h.agree()
	})
}

func TestErrorsThatProveNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		vague := h.other(func(c *engine.Config) {
			c.Connectors = wrapped(func(call string) error {
				if strings.HasPrefix(call, "after ") && call != "after status" {
					return errors.New("the answer makes no sense")
				}
				return nil
			})
		})
		p := h.create(h.newDeposit("10.00", cardApproved))
		vague.Config().Vault.Put(p.ID, cardOf(t, cardApproved))
		o, err := vague.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)})
		if err != nil || o.Payment.State() != payment.Pending {
			t.Fatalf("%s %v, want PENDING", o.Payment.State(), err)
		}
		if p = h.settleByClock(p.ID); p.State() != payment.Completed {
			t.Errorf("%s, want COMPLETED", p.State())
		}
		h.agree()
	})
}
