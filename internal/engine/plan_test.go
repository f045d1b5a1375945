package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/route"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// goOn is a rule for tests: the terminals by priority, each after everything that proves that nothing was done at the one before.
var goOn = route.Rules{{Name: "go on", Steps: func(c route.Case) (steps []payment.Step) {
	for i := range c.Fit {
		s := route.To(c.Fit[i], "")
		if i > 0 {
			s.After = payment.Classes()
		}
		steps = append(steps, s)
	}
	return steps
}}}

// withMore gives the shop terminals "second" and "third" beside its first.
func (h *house) withMore(s *shop.Shop) {
	for i, name := range []string{"second", "third"} {
		t := s.Terminals[0]
		t.ID, _ = h.IDs.New()
		t.Name, t.Priority = name, i+1
		s.Terminals = append(s.Terminals, t)
	}
}

// onBothGoingOn is onBoth for a shop with three terminals at which payments go on.
func onBothGoingOn(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, nil)
		h.Engine = h.Engine.With(func(c *engine.Config) { c.Rules = goOn })
		h.shop = h.NewShop(t, h.withMore).Shop
		fn(t, h)
	})
}

// refuse has the provider answer the n-th attempt of the payment with the effect.
func (h *house) refuse(operation string, id payment.ID, n int, effect simulator.Effect) {
	h.t.Helper()
	_, err := h.Simulator.AddScenario(simulator.Scenario{Effect: effect, Match: simulator.Match{
		Operation: operation, Reference: fmt.Sprintf("%s-%s-%d", h.Keys.Epoch, id, n),
	}})
	if err != nil {
		h.t.Fatal(err)
	}
}

// softly is an answer after which another terminal may succeed.
var softly = simulator.Effect{ResponseCode: "05"}

// routed is what the log keeps of the payment's plan.
func (h *house) routed(id payment.ID) (all []payment.Routed) {
	h.t.Helper()
	err := h.DB.View(h.t.Context(), func(tx *store.Tx) error {
		kept, err := tx.Operations().Plans(h.shop.ID, id)
		if err != nil {
			return err
		}
		all = nil
		for _, o := range kept {
			read, err := payment.ReadRouted(o.Plan)
			if err != nil {
				return err
			}
			all = append(all, read...)
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// steps is the log of a payment in short.
func (h *house) steps(id payment.ID) (all []string) {
	h.t.Helper()
	for _, o := range h.log(id) {
		all = append(all, string(o.Kind)+":"+string(o.State))
	}
	return all
}

// TestAnOrdinaryPlan: without rules of another kind the first terminal is used, nothing is tried after it, and the log keeps why.
func TestAnOrdinaryPlan(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, nil)
		h.shop = h.NewShop(t, func(s *shop.Shop) {
			h.withMore(s)
			s.Terminals[0].Enabled, s.Terminals[2].Currencies = false, []money.Currency{"PLN"}
		}).Shop
		step := []payment.RoutedStep{{Terminal: "second", Rule: "priority", Why: "first"}}
		out := map[payment.Obstacle][]string{payment.BecauseDisabled: {"sandbox"}, payment.BecauseCurrency: {"third"}}
		p := h.create(h.newDeposit("10.00", cardDeclined))
		if p = h.execute(p.ID); p.State() != payment.Declined || p.Terminal != "second" || p.Tries != 1 || p.Attempts[0].Rest != "" {
			t.Errorf("%s at %s after %d tries", p.State(), p.Terminal, p.Tries)
		}
		if diff := cmp.Diff([]payment.Routed{{Steps: step, Out: out}}, h.routed(p.ID)); diff != "" {
			t.Errorf("a deposit (-want +got):\n%s", diff)
		}
		q := h.deposit("10.00")
		r := h.reach(h.create(h.newRefund(q.ID, "")), payment.Completed)
		if diff := cmp.Diff([]payment.Routed{{Steps: []payment.RoutedStep{{Terminal: "second", Rule: "deposit"}}}}, h.routed(r.ID)); diff != "" {
			t.Errorf("a refund (-want +got):\n%s", diff)
		}
		dollars := h.newDeposit("10.00", cardApproved)
		dollars.PreAuth = true
		h.shop.Terminals[1].PreAuth = false
		none := h.create(dollars)
		if none = h.execute(none.ID); none.State() != payment.Declined || none.ErrorCode != payment.CodeInvalidCurrency {
			t.Errorf("%s %q", none.State(), none.ErrorCode)
		}
		want := payment.Routed{NoRoute: payment.CodeInvalidCurrency, Out: map[payment.Obstacle][]string{
			payment.BecauseDisabled: {"sandbox"}, payment.BecausePreAuth: {"second"}, payment.BecauseCurrency: {"third"}}}
		if diff := cmp.Diff([]payment.Routed{want}, h.routed(none.ID)); diff != "" {
			t.Errorf("no terminal (-want +got):\n%s", diff)
		}
		h.agree()
	})
}

// TestADeclineGoesOnAtTheNextTerminal: in one command, with the card that it brought; capture, refunds and the ledger are about the
// terminal that took the money.
func TestADeclineGoesOnAtTheNextTerminal(t *testing.T) {
	t.Parallel()
	onBothGoingOn(t, func(t *testing.T, h *house) {
		c := h.newDeposit("10.00", cardApproved)
		c.PreAuth = true
		p := h.create(c)
		h.refuse("payment", p.ID, 1, softly)
		h.refuse("payment", p.ID, 2, simulator.Effect{Fault: simulator.FaultRejected})
		p = h.reach(h.execute(p.ID), payment.Authorized)
		if p.Terminal != "third" || p.Tries != 3 || p.Standing().Seq != 3 || p.Told != 1 || h.Cards.Has(p.ID) {
			t.Errorf("at %s after %d tries, told %d times, card kept %t", p.Terminal, p.Tries, p.Told, h.Cards.Has(p.ID))
		}
		if _, err := h.Engine.Capture(t.Context(), h.target(p.ID), amount("7.00")); err != nil {
			t.Fatal(err)
		}
		r := h.reach(h.create(h.newRefund(p.ID, "")), payment.Completed)
		if r.Attempts[0].Terminal != "third" {
			t.Errorf("refunded at %s", r.Attempts[0].Terminal)
		}
		want := []string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:PENDING", "CASCADING:PENDING",
			"DEPOSIT:PENDING", "CASCADING:PENDING", "DEPOSIT:AUTHORIZED", "CAPTURE:COMPLETED"}
		if diff := cmp.Diff(want, h.steps(p.ID)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		kept := h.routed(p.ID)
		if len(kept) != 3 || kept[1].Next != "second" || kept[1].Class != payment.ClassDeclinedSoft || kept[2].Next != "third" || kept[2].Class != payment.ClassRejected {
			t.Errorf("kept %+v", kept)
		}
		all := h.create(h.newDeposit("11.00", cardApproved))
		for n := range 3 {
			h.refuse("payment", all.ID, n+1, softly)
		}
		if all = h.execute(all.ID); all.State() != payment.Declined || all.ErrorCode != "4.00" || all.Tries != 3 || all.Told != 1 || all.ExternalCode != "05" {
			t.Errorf("%s %q %q after %d tries, told %d times", all.State(), all.ErrorCode, all.ExternalCode, all.Tries, all.Told)
		}
		hard := h.create(h.newDeposit("12.00", cardApproved))
		h.refuse("payment", hard.ID, 1, simulator.Effect{ResponseCode: "51"})
		if hard = h.execute(hard.ID); hard.State() != payment.Declined || hard.Tries != 1 {
			t.Errorf("%s after %d tries", hard.State(), hard.Tries)
		}
		h.agree()
	})
}

// TestAnUnknownOutcomeIsNeverFollowed: the provider books and gives no answer, or nobody knows whether it booked. Only what proves
// that it did not is followed.
func TestAnUnknownOutcomeIsNeverFollowed(t *testing.T) {
	t.Parallel()
	onBothGoingOn(t, func(t *testing.T, h *house) {
		for _, stage := range []string{simulator.StageAfter, simulator.StageBefore} {
			p := h.create(h.newDeposit("10.00", cardApproved))
			h.refuse("payment", p.ID, 1, simulator.Effect{Fault: simulator.FaultDrop, Stage: stage})
			if q := h.execute(p.ID); q.State() != payment.Pending || q.Tries != 1 || !q.GoesOn() || !h.Cards.Has(p.ID) {
				t.Errorf("%s: %s after %d tries, card kept %t", stage, q.State(), q.Tries, h.Cards.Has(p.ID))
			}
			p = h.reach(h.get(p.ID), payment.Completed)
			if want := map[string]int{simulator.StageAfter: 1, simulator.StageBefore: 2}[stage]; p.Tries != want || h.Cards.Has(p.ID) {
				t.Errorf("%s: %d tries, want %d; card kept %t", stage, p.Tries, want, h.Cards.Has(p.ID))
			}
		}
		h.agree()
	})
}

// TestAnotherProcessGoesOnWithThePlan: it books the refusal, and makes the next try with the card that is kept, also one that came
// with the order to pay.
func TestAnotherProcessGoesOnWithThePlan(t *testing.T) {
	t.Parallel()
	onBothGoingOn(t, func(t *testing.T, h *house) {
		for _, brought := range []bool{false, true} {
			c := h.newDeposit("10.00", cardApproved)
			if brought {
				c.Means, c.Method = nil, payment.BasicCard
			}
			p := h.create(c)
			h.refuse("payment", p.ID, 1, simulator.Effect{ResponseCode: "05", Fault: simulator.FaultDrop})
			if brought {
				p = h.pay(p.ID, cardApproved)
			} else {
				p = h.execute(p.ID)
			}
			if !p.GoesOn() || h.stored(p.ID).Means == "" {
				t.Fatalf("brought %t: %s, nothing kept for the next try", brought, p.State())
			}
			h.leap()
			fresh := h.Engine.With(func(c *engine.Config) { c.Vault = vault.NewHolder(h.Clock.Now) })
			if q, err := fresh.Get(t.Context(), h.shop.ID, p.ID); err != nil || q.State() != payment.Completed || q.Tries != 2 {
				t.Errorf("brought %t: %s %v after %d tries", brought, q.State(), err, q.Tries)
			}
			if left := h.stored(p.ID).Means; left != "" {
				t.Errorf("brought %t: kept after the end: %q", brought, left)
			}
			h.Cards.Drop(p.ID)
		}
		h.agree()
	})
}

// TestWithoutTheCardNothingFollows: it was forgotten when the refusal is booked.
func TestWithoutTheCardNothingFollows(t *testing.T) {
	t.Parallel()
	onBothGoingOn(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("10.00", cardApproved))
		h.refuse("payment", p.ID, 1, simulator.Effect{ResponseCode: "05", Fault: simulator.FaultDrop})
		h.execute(p.ID)
		h.d.Exec(`UPDATE payment SET means = NULL WHERE id = $1`, string(p.ID))
		h.leap()
		fresh := h.Engine.With(func(c *engine.Config) { c.Vault = vault.NewHolder(h.Clock.Now) })
		q, err := fresh.Get(t.Context(), h.shop.ID, p.ID)
		if err != nil || q.State() != payment.Declined || q.ErrorCode != "4.00" || q.Tries != 1 {
			t.Fatalf("%s %q %v after %d tries", q.State(), q.ErrorCode, err, q.Tries)
		}
		want := payment.Routed{Refused: 1, Class: payment.ClassDeclinedSoft, Code: "4.00", End: payment.OverGone,
			Passed: map[payment.Obstacle][]string{payment.BecauseMeans: {"second", "third"}}}
		if kept := h.routed(p.ID); len(kept) != 2 || !cmp.Equal(want, kept[1]) {
			t.Errorf("kept %+v", kept)
		}
		h.Cards.Drop(p.ID)
		h.agree()
	})
}

// TestATerminalThatIsSwitchedOffMeanwhileIsPassedOver, whatever the plan says.
func TestATerminalThatIsSwitchedOffMeanwhileIsPassedOver(t *testing.T) {
	t.Parallel()
	onBothGoingOn(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("10.00", cardApproved))
		h.refuse("payment", p.ID, 1, simulator.Effect{ResponseCode: "05", Fault: simulator.FaultDrop})
		h.execute(p.ID)
		second := h.shop.Terminals[1]
		second.Enabled = false
		if err := h.DB.Update(t.Context(), func(tx *store.Tx) error { tx.Terminals().Update(h.shop.ID, &second); return nil }); err != nil {
			t.Fatal(err)
		}
		h.leap()
		if p = h.get(p.ID); p.State() != payment.Completed || p.Terminal != "third" {
			t.Errorf("%s at %s", p.State(), p.Terminal)
		}
		kept := h.routed(p.ID)
		if len(kept) != 2 || kept[1].Next != "third" || !slices.Equal(kept[1].Passed[payment.BecauseDisabled], []string{"second"}) {
			t.Errorf("kept %+v", kept)
		}
		h.agree()
	})
}

// TestANoticeGoesOnWithThePlan: the refusal is told, and the next try made with the card that is kept for it.
func TestANoticeGoesOnWithThePlan(t *testing.T) {
	t.Parallel()
	onBothGoingOn(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("10.00", cardApproved))
		h.refuse("payment", p.ID, 1, simulator.Effect{ResponseCode: "05", AsyncAfterMs: -1, Notice: simulator.NoticeLost})
		if p = h.execute(p.ID); p.State() != payment.Pending || p.Tries != 1 {
			t.Fatalf("%s after %d tries", p.State(), p.Tries)
		}
		if err := h.Engine.Notice(t.Context(), h.post("evt_"+string(p.ID), p.Attempts[0].Key, "10.00", declined)); err != nil {
			t.Fatal(err)
		}
		if p = h.stored(p.ID); p.State() != payment.Completed || p.Terminal != "second" || h.Cards.Has(p.ID) {
			t.Errorf("%s at %s, card kept %t", p.State(), p.Terminal, h.Cards.Has(p.ID))
		}
		h.agree()
	})
}

// TestLateSuccessOfTheFirstTerminalGoesBack, there, after the second was paid.
func TestLateSuccessOfTheFirstTerminalGoesBack(t *testing.T) {
	t.Parallel()
	onBothGoingOn(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("10.00", cardApproved))
		h.refuse("payment", p.ID, 1, softly)
		p = h.reach(h.execute(p.ID), payment.Completed)
		if err := h.Simulator.Correct(p.Attempts[0].Key, simulator.CorrectApproved, ""); err != nil {
			t.Fatal(err)
		}
		h.heard("late success", p.ID, p.Ops)
		h.workDue(h.Engine, p.ID)
		p = h.stored(p.ID)
		back := &p.Attempts[len(p.Attempts)-1]
		if p.State() != payment.Completed || p.Captured != amount("10.00") || p.Live != 0 || back.Reverses != 1 || back.Kind != payment.AttemptRefund ||
			back.Terminal != "sandbox" || back.Class != payment.ClassApproved {
			t.Errorf("%s, last attempt %+v", p.State(), back)
		}
		if sums, ok := h.Simulator.Totals(p.Attempts[0].Key); !ok || sums.Refunded != "10" {
			t.Errorf("the first terminal gave back %+v", sums)
		}
	})
}

// TestAPayoutGoesOn: its card is kept for as long as another try may follow.
func TestAPayoutGoesOn(t *testing.T) {
	t.Parallel()
	onBothGoingOn(t, func(t *testing.T, h *house) {
		for i, effect := range []simulator.Effect{softly, {ResponseCode: "05", Fault: simulator.FaultDrop}} {
			value := fmt.Sprintf("%d.00", 20+i)
			h.scenario("payout", value, effect)
			p := h.reach(h.create(h.newWithdrawal(value)), payment.Completed)
			if p.Terminal != "second" || p.Tries != 2 || h.Cards.Has(p.ID) {
				t.Errorf("%+v: at %s after %d tries, card kept %t", effect, p.Terminal, p.Tries, h.Cards.Has(p.ID))
			}
		}
		h.agree()
	})
}

// TestATryOfACardCountsOnce: the guard against card testing hears how the whole plan has ended, not each step of it.
func TestATryOfACardCountsOnce(t *testing.T) {
	t.Parallel()
	onBothGoingOn(t, func(t *testing.T, h *house) {
		h.shop.Settings.CardTesting.On = true
		for n := range 12 { // more than declines of one card are taken
			p := h.create(h.newDeposit(fmt.Sprintf("%d.00", 10+n), cardApproved))
			h.refuse("payment", p.ID, 1, softly)
			if p = h.execute(p.ID); p.State() != payment.Completed || p.Terminal != "second" {
				t.Fatalf("%d: %s at %s", n, p.State(), p.Terminal)
			}
		}
		h.agree()
	})
}

// plannedStories are payments that go on.
var plannedStories = []story{
	{"paid at the second", func(m *merchant) { m.refusedTimes("p", 1, false) }},
	{"held at the third", func(m *merchant) { m.refusedTimes("h", 2, true) }},
	{"refused everywhere", func(m *merchant) { m.refusedTimes("r", 3, false) }},
}

// refusedTimes is a deposit that the provider refuses so often.
func (m *merchant) refusedTimes(name string, n int, hold bool) {
	c := m.h.newDeposit("10.00", cardApproved)
	c.PreAuth = hold
	id := m.send("create "+name, func(e *engine.Engine, i engine.Idempotency) (engine.Outcome, error) {
		mine := c
		mine.Means, mine.Idem = cardOf(m.h.t, cardApproved), i
		return e.Create(m.h.t.Context(), mine)
	})
	for i := range n {
		m.h.refuse("payment", id, i+1, softly)
	}
	m.send("execute "+name, func(e *engine.Engine, i engine.Idempotency) (engine.Outcome, error) {
		return e.Execute(m.h.t.Context(), engine.Execute{Target: engine.Target{Shop: m.h.shop, ID: id, Idem: i}})
	})
}

// TestEveryWriteOfAPlanMayFail is TestEveryWriteMayFail for payments that go on.
func TestEveryWriteOfAPlanMayFail(t *testing.T) {
	t.Parallel()
	onBothGoingOn(t, func(t *testing.T, h *house) { h.everyWriteFails(t, plannedStories, h.withMore, 10) })
}

// TestRandomPlans lets terminals do anything, in many orders, while processes die and others look: what is paid is paid once.
func TestRandomPlans(t *testing.T) {
	t.Parallel()
	onBothGoingOn(t, func(t *testing.T, h *house) {
		effects := []simulator.Effect{
			{}, softly, softly, softly, {ResponseCode: "51"}, {Fault: simulator.FaultRejected}, {Fault: simulator.FaultServerError},
			{Fault: simulator.FaultDrop}, {Fault: simulator.FaultDrop, Stage: simulator.StageBefore}, {Fault: simulator.FaultGarbage},
			{ResponseCode: "05", Fault: simulator.FaultDrop}, {ResponseCode: "05", AsyncAfterMs: 1000}, {AsyncAfterMs: 1000},
			{ResponseCode: "05", Fault: simulator.FaultBadGateway, Stage: simulator.StageAfter},
		}
		tries := map[int]int{}
		for seed := range uint64(rounds(t, 60)) {
			r := rand.New(rand.NewPCG(seed, 1))
			c := h.newDeposit("10.00", cardApproved)
			c.PreAuth = r.IntN(3) == 0
			p := h.create(c)
			for n := range 3 {
				h.refuse("payment", p.ID, n+1, effects[r.IntN(len(effects))])
			}
			h.execute(p.ID)
			e := h.Engine
			for range 10 {
				if r.IntN(3) == 0 {
					e = h.Engine.With(func(c *engine.Config) { c.Vault = vault.NewHolder(h.Clock.Now) }) // after a restart
				}
				if p = h.stored(p.ID); p.State() != payment.Pending {
					break
				}
				h.leap()
				if _, err := e.Get(t.Context(), h.shop.ID, p.ID); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
			h.Cards.Drop(p.ID)
			tries[p.Tries]++
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		h.agree()
		t.Logf("payments by number of tries: %v", tries)
		if tries[2] == 0 || tries[3] == 0 {
			t.Errorf("payments by number of tries: %v", tries)
		}
	})
}

// TestTheCustomerIsSentToOneBankAfterTheOther: what is refused there is followed by the next terminal, with the card that was kept,
// and the customer goes to its page as to the first.
func TestTheCustomerIsSentToOneBankAfterTheOther(t *testing.T) {
	t.Parallel()
	onBothGoingOn(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("10.00", cardChallenge))
		for n := range 2 {
			h.refuse("payment", p.ID, n+1, simulator.Effect{Notice: simulator.NoticeLost})
		}
		h.execute(p.ID)
		for n, code := range []string{"05", "00"} {
			if p = h.stored(p.ID); p.State() != payment.Pending || p.Live != n+1 || !h.Cards.Has(p.ID) {
				t.Fatalf("%d: %s, attempt %d is open, card kept %t", n, p.State(), p.Live, h.Cards.Has(p.ID))
			}
			if next, err := h.Engine.SendAway(t.Context(), h.target(p.ID)); err != nil || !next.Leads() {
				t.Fatalf("%d: the customer is sent to %+v: %v", n, next, err)
			}
			if err := h.Simulator.Decide(p.Attempts[n].Key, code); err != nil {
				t.Fatal(err)
			}
			if _, err := h.Engine.Return(t.Context(), h.target(p.ID), nil); err != nil {
				t.Fatal(err)
			}
		}
		if p = h.stored(p.ID); p.State() != payment.Completed || p.Terminal != "second" || h.Cards.Has(p.ID) {
			t.Errorf("%s at %s, card kept %t", p.State(), p.Terminal, h.Cards.Has(p.ID))
		}
		want := []string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:PENDING", "REDIRECT:PENDING", "CONTINUE:PENDING",
			"CASCADING:PENDING", "DEPOSIT:PENDING", "REDIRECT:PENDING", "CONTINUE:COMPLETED"}
		if diff := cmp.Diff(want, h.steps(p.ID)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		h.agree()
	})
}
