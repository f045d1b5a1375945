package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// rung is how long the ladder waits at most after so many queries.
func rung(checks int) time.Duration { return job.CheckWait(false, checks, strings.NewReader("")) }

// pendingOnes are the payments that are open, read without asking any provider.
func (h *house) pendingOnes() (open []payment.Payment) {
	h.t.Helper()
	list, more, err := h.Records.List(h.t.Context(), payment.Filter{Shop: h.shop.ID, Limit: payment.MaxLimit})
	if err != nil || more {
		h.t.Fatal(err, more)
	}
	for _, p := range list {
		if p.State() == payment.Pending {
			open = append(open, p)
		}
	}
	return open
}

// untilSettled moves the clock to what is due next, but not by more than step and not while a call runs, until nothing
// is open. Only the work that runs by itself reads.
func (h *house) untilSettled(step time.Duration) {
	h.t.Helper()
	for limit := time.Now().Add(90 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		open := h.pendingOnes()
		if len(open) == 0 {
			return
		}
		now := h.Clock.Now()
		if time.Now().After(limit) {
			for _, p := range open {
				h.t.Errorf("%s of %s is open, due in %s", p.Type, p.Asked.Amount, p.Due.Sub(now))
			}
			return
		}
		next := now.Add(step)
		for _, p := range open {
			p = h.stored(p.ID)
			if a := p.LiveAttempt(); a != nil && a.Op != 0 {
				next = now
			} else if p.Due.Before(next) {
				next = p.Due
			}
		}
		if next.After(now) {
			h.Clock.Advance(next.Sub(now))
		}
	}
}

func TestProvidersThatMisbehaveAreFollowedWithoutAReader(t *testing.T) {
	t.Parallel()
	cases := []struct {
		amount string
		end    payment.State
	}{
		{"6600.02", payment.Completed}, // books, then never answers
		{"6600.03", payment.Declined},  // never answers, books nothing
		{"6600.17", payment.Completed}, // not found for a while
		{"6600.18", payment.Completed}, {"6600.19", payment.Declined},
		{"6600.31", payment.Completed}, // each notice three times
		{"6600.32", payment.Completed}, // notices late
		{"6600.33", payment.Completed}, // a stale notice after the true one
		{"6600.34", payment.Completed}, // only a forged notice
		{"6600.35", payment.Completed}, // no notice
		{"6600.36", payment.Completed}, // the notice before the answer
	}
	onBoth(t, func(t *testing.T, h *house) {
		h.Work(t)
		ends := make([]payment.ID, len(cases)*3)
		together(len(ends), func(i int) {
			value := cases[i%len(cases)].amount
			if i < len(cases) {
				ends[i] = h.create(h.newWithdrawal(value)).ID
				return
			}
			ends[i] = h.execute(h.create(h.newDeposit(value, cardApproved)).ID).ID
		})
		h.untilSettled(200 * time.Millisecond)
		h.untilQuiet(ends)
		known := h.decidedAt()
		for i, id := range ends {
			p, c := h.stored(id), cases[i%len(cases)]
			if p.State() != c.end || p.Told != 1 {
				t.Errorf("%s: %s %q, told %d times, want %s", c.amount, p.State(), p.ErrorCode, p.Told, c.end)
			}
			h.promptly(&p, known[id])
		}
		h.agree()
	})
}

// untilQuiet waits until the provider has told all that it has to tell about the payments.
func (h *house) untilQuiet(ids []payment.ID) {
	h.t.Helper()
	h.Clock.Advance(time.Minute)
	for last, same := 0, 0; same < 15; time.Sleep(20 * time.Millisecond) {
		ops := 0
		for _, id := range ids {
			p := h.stored(id)
			ops += p.Ops
		}
		if same++; ops != last {
			last, same = ops, 0
		}
	}
}

// decidedAt is when the provider knew the end of each payment.
func (h *house) decidedAt() map[payment.ID]time.Time {
	known := map[payment.ID]time.Time{}
	for _, e := range h.Simulator.Ledger() {
		if e.Type != "pending" && e.Type != "action_required" {
			known[paymentOf(e.Reference)] = e.At
		}
	}
	return known
}

// promptly checks that the payment ended within one step of the ladder after the provider knew.
func (h *house) promptly(p *payment.Payment, known time.Time) {
	h.t.Helper()
	const slack = hangs + time.Second // a call that hangs, and the steps in which this test moves the clock
	checks := p.Attempts[0].Checks
	if late := p.Updated.Sub(known); late > rung(max(checks-1, 0))+slack {
		h.t.Errorf("%s of %s: final %s after the provider knew, after %d queries", p.Type, p.Asked.Amount, late, checks)
	}
}

func TestPostedScenariosWithoutNotices(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.Work(t)
		type run struct {
			id    payment.ID
			known time.Time
		}
		var runs []run
		for i, after := range []time.Duration{9 * time.Second, 4 * time.Minute, 23 * time.Hour} {
			for _, code := range []string{"00", "51"}[i%2:] {
				value := fmt.Sprintf("%d.%s", 70+i, code)
				body := fmt.Sprintf(`{"match":{"amount":"%s","operation":"payment"},"asyncAfterMs":%d,"notice":"lost","responseCode":%q}`,
					value, after.Milliseconds(), code)
				res, err := http.Post(h.SimulatorURL+"/scenarios", "application/json", strings.NewReader(body))
				if err != nil || res.StatusCode != http.StatusCreated {
					t.Fatalf("%v %v", res, err)
				}
				_ = res.Body.Close()
				p := h.execute(h.create(h.newDeposit(value, cardApproved)).ID)
				runs = append(runs, run{p.ID, p.Created.Add(after)})
			}
		}
		h.untilSettled(24 * time.Hour)
		for _, r := range runs {
			p := h.stored(r.id)
			h.promptly(&p, r.known)
		}
		h.agree()
	})
}

func TestLadderIsFollowedForFourteenDaysThenAHumanLooks(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.stuck(h.newDeposit("35.00", cardApproved))
		key, started := p.LiveAttempt().Key, p.LiveAttempt().Started
		last, checks := started, 0
		for p = h.stored(p.ID); !p.Due.IsZero(); p = h.stored(p.ID) {
			wait, most := p.Due.Sub(last), rung(checks)
			if wait < most*4/5-time.Second || wait > most+time.Second {
				t.Errorf("query %d after %s, want about %s", checks+1, wait, most)
			}
			early := p
			if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil {
				t.Fatal(err)
			}
			if p = h.stored(p.ID); p.Version != early.Version {
				t.Fatalf("asked %s too early", p.Due.Sub(h.Clock.Now()))
			}
			h.Clock.Advance(p.Due.Sub(h.Clock.Now()))
			last = h.Clock.Now()
			if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil {
				t.Fatal(err)
			}
			if checks++; checks > 60 {
				t.Fatal("the ladder has no end")
			}
		}
		if took := last.Sub(started); took < 14*24*time.Hour || took > 15*24*time.Hour {
			t.Errorf("the ladder ended after %s", took)
		}
		if p.State() != payment.Pending || count(h.log(p.ID), payment.OpCheckState) < checks {
			t.Errorf("%s after %d queries", p.State(), checks)
		}
		if parked := h.parked(); len(parked) != 1 || parked[0].ID != p.ID {
			t.Errorf("parked: %+v", parked)
		}
		for range 3 { // who waits for the human looks again and again
			h.get(p.ID)
		}
		if n := h.alarms("payment"); n != 1 || len(h.parked()) != 1 {
			t.Errorf("%d alarms, parked %v", n, h.parked())
		}
		if err := h.Simulator.Decide(key, "00"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Engine.ManualCheck(t.Context(), h.shop.ID, p.ID); err != nil {
			t.Fatal(err)
		}
		if p = h.stored(p.ID); p.State() != payment.Completed || len(h.parked()) != 0 {
			t.Errorf("%s, parked %v", p.State(), h.parked())
		}
		h.agree()
		t.Logf("%d queries in %s", checks, last.Sub(started))
	})
}

// alarms is how often a human was called.
func (h *house) alarms(about string) (n int) {
	h.t.Helper()
	var page bytes.Buffer
	if err := h.Engine.Config().Metrics.WriteText(&page); err != nil {
		h.t.Fatal(err)
	}
	for line := range strings.Lines(page.String()) {
		if count, ok := strings.CutPrefix(line, `sluice_alarms_total{about="`+about+`"} `); ok {
			if _, err := fmt.Sscan(count, &n); err != nil {
				h.t.Fatal(err)
			}
		}
	}
	return n
}

func (h *house) parked() []store.DuePayment {
	h.t.Helper()
	var parked []store.DuePayment
	err := h.DB.View(context.WithoutCancel(h.t.Context()), func(tx *store.Tx) (err error) {
		parked, err = tx.Payments().Parked(100)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return parked
}

func shortCheckout(s *shop.Shop) { s.Settings.CheckoutTimeout = 1 }

func TestCheckoutEndsByTheClock(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, shortCheckout)
		h.Work(t)
		p := h.create(h.newDeposit("10.00", cardApproved))
		if p.Means == "" || !h.Engine.Config().Vault.Has(p.ID) {
			t.Fatal("the card, or its code, is not kept")
		}
		h.Clock.Advance(50 * time.Second)
		time.Sleep(100 * time.Millisecond)
		if s := h.stored(p.ID); s.State() != payment.Checkout {
			t.Fatalf("%s before its time", s.State())
		}
		h.Clock.Advance(11 * time.Second)
		p = h.until(p.ID, payment.Cancelled)
		if p.ErrorCode != payment.CodeTimeout || p.Told != 1 || !p.Due.IsZero() {
			t.Errorf("code %q, told %d times, due %s", p.ErrorCode, p.Told, p.Due)
		}
		if log := h.log(p.ID); log[len(log)-1].Kind != payment.OpCancel {
			t.Errorf("%+v", log)
		}
		kept := true // it is dropped after the commit that could be seen
		for limit := time.Now().Add(30 * time.Second); kept && time.Now().Before(limit); time.Sleep(time.Millisecond) {
			kept = h.Engine.Config().Vault.Get(p.ID) != nil
		}
		if kept {
			t.Error("the code is still kept")
		}
		_, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Means: cardOf(t, cardApproved)})
		refused(t, err, payment.CodeWrongState, "")
		h.agree()
	})
}

// until waits for a state that comes by itself.
// untilWorked does what is due on a payment until it is as wanted.
func (h *house) untilWorked(e *engine.Engine, id payment.ID, wanted func(*payment.Payment) bool) payment.Payment {
	h.t.Helper()
	var p payment.Payment
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); time.Sleep(5 * time.Millisecond) {
		if err := e.Work(h.t.Context(), h.shop.ID, id); err != nil {
			h.t.Fatal(err)
		}
		if p = h.stored(id); wanted(&p) {
			return p
		}
	}
	h.t.Fatalf("%s %s is %s, due %s", p.Type, id, p.State(), p.Due)
	return p
}

func (h *house) until(id payment.ID, want payment.State) payment.Payment {
	h.t.Helper()
	var p payment.Payment
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); time.Sleep(5 * time.Millisecond) {
		if p = h.stored(id); p.State() == want {
			return p
		}
	}
	h.t.Fatalf("%s %s is %s, want %s", p.Type, id, p.State(), want)
	return p
}

func TestCheckoutEndsOnlyWhileNothingWasSent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, shortCheckout)
		cancelled := 0
		for range rounds(t, 30) {
			p := h.create(h.newDeposit("10.00", cardApproved))
			h.Clock.Advance(61 * time.Second)
			var paid error
			together(3, func(i int) {
				switch i {
				case 0:
					_, paid = h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Means: cardOf(t, cardApproved)})
				default:
					if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil {
						t.Error(err)
					}
				}
			})
			switch p = h.settleByClock(p.ID); p.State() {
			case payment.Cancelled:
				cancelled++
				refused(t, paid, payment.CodeWrongState, "")
			case payment.Completed:
				if paid != nil {
					t.Error(paid)
				}
			default:
				t.Errorf("%s", p.State())
			}
		}
		// One that was sent waits for the provider's word, however late it is.
		p := h.stuck(h.newDeposit("36.00", cardApproved))
		h.Clock.Advance(time.Hour)
		if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil {
			t.Fatal(err)
		}
		if s := h.stored(p.ID); s.State() != payment.Pending {
			t.Errorf("%s", s.State())
		}
		if err := h.Simulator.Decide(p.LiveAttempt().Key, "05"); err != nil {
			t.Fatal(err)
		}
		h.settleByClock(p.ID)
		h.agree()
		t.Logf("%d cancelled", cancelled)
	})
}

func TestHoldThatExpiresIsNoticedByAsking(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.create(h.preAuth("33.00"))
		h.effect("payment", p.ID, simulator.Effect{Notice: simulator.NoticeLost})
		p = h.reach(h.execute(p.ID), payment.Authorized)
		for day := 1; p.State() == payment.Authorized; day++ {
			if day > 9 {
				t.Fatal("the hold lasts for ever")
			}
			if wait := p.Due.Sub(h.Clock.Now()); wait <= 0 || wait > 25*time.Hour {
				t.Fatalf("asked again in %s", wait)
			}
			h.Clock.Advance(p.Due.Sub(h.Clock.Now()))
			if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil {
				t.Fatal(err)
			}
			p = h.stored(p.ID)
		}
		log := h.log(p.ID)
		if last := log[len(log)-1]; p.State() != payment.Cancelled || p.ErrorCode != payment.CodeTimeout || last.Kind != payment.OpCheckState || p.Told != 2 {
			t.Errorf("%s %q by %s, told %d times", p.State(), p.ErrorCode, last.Kind, p.Told)
		}
		// What is told late about it is old news.
		if err := h.Engine.Notice(t.Context(), h.post("evt_stale", p.Attempts[0].Key, "33.00", authorized)); err != nil {
			t.Fatal(err)
		}
		if p = h.stored(p.ID); p.State() != payment.Cancelled || p.Tries != 1 {
			t.Errorf("after a stale notice: %s, %d attempts", p.State(), p.Tries)
		}
		h.agree()
	})
}

func TestHoldThatExpiresIsToldByANotice(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.hold("34.00")
		h.Clock.Advance(7*24*time.Hour + time.Minute)
		h.heard("expiry", p.ID, p.Ops)
		if p = h.stored(p.ID); p.State() != payment.Authorized || p.Due.After(h.Clock.Now()) {
			t.Errorf("a notice alone: %s, due %s", p.State(), p.Due)
		}
		p = h.untilWorked(h.Engine, p.ID, func(p *payment.Payment) bool { return p.State() == payment.Cancelled })
		log := h.log(p.ID)
		if last := log[len(log)-1]; p.ErrorCode != payment.CodeTimeout || last.Kind != payment.OpCheckState {
			t.Errorf("%q by %s", p.ErrorCode, last.Kind)
		}
		h.agree()
	})
}

func (h *house) preAuth(value string) engine.Create {
	c := h.newDeposit(value, cardApproved)
	c.PreAuth = true
	return c
}

func TestAskingOutOfTurnDoesNotPutTheNextQueryOff(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		waits := h.execute(h.create(h.newDeposit("36.00", cardChallenge)).ID)
		open := h.stuck(h.newDeposit("37.00", cardApproved))
		asked := open.LiveAttempt().Checks
		for range 20 { // a customer who reloads, an operator and a merchant who cannot wait
			h.Clock.Advance(100 * time.Millisecond)
			if _, err := h.Engine.Return(t.Context(), h.target(waits.ID), nil); err != nil {
				t.Fatal(err)
			}
			if _, err := h.Engine.ManualCheck(t.Context(), h.shop.ID, open.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := h.Engine.Void(t.Context(), h.target(open.ID)); err == nil {
				t.Fatal("voided what is not held")
			}
		}
		now := h.Clock.Now()
		if p := h.stored(waits.ID); p.State() != payment.Pending || p.Due.Sub(now) > time.Minute {
			t.Errorf("%s, the customer's bank is asked in %s", p.State(), p.Due.Sub(now))
		}
		if p := h.stored(open.ID); p.State() != payment.Pending || p.Due.Sub(now) > rung(asked+1) {
			t.Errorf("%s, asked %d times in turn, the next time in %s", p.State(), asked, p.Due.Sub(now))
		}
	})
}

// TestHangingProviderDelaysOnlyItsOwn: much is due at a terminal that hangs, and after it something at another.
func TestHangingProviderDelaysOnlyItsOwn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		hanging := make([]payment.ID, 160)
		together(len(hanging), func(i int) {
			p := h.stuck(h.newDeposit("38.00", cardApproved))
			hanging[i] = p.ID
			_, err := h.Simulator.AddScenario(simulator.Scenario{
				Match:  simulator.Match{Operation: "status", ReferencePrefix: p.LiveAttempt().Key},
				Effect: simulator.Effect{DelayMs: testkit.Held},
			})
			if err != nil {
				t.Error(err)
			}
		})
		h.Clock.Advance(time.Second)
		c := h.newDeposit("39.00", cardApproved)
		c.Shop = h.NewShop(t, nil).Shop
		c.Type, c.Means = payment.Withdrawal, cardOf(t, cardApproved)
		h.scenario("payout", "39.00", silent)
		other := h.create(c)
		if err := h.Simulator.Decide(other.LiveAttempt().Key, "00"); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(10 * time.Second)
		h.Work(t)
		shop, id := other.Shop, other.ID // a body that runs again finds what its last run left in other
		for other.State() == payment.Pending {
			time.Sleep(5 * time.Millisecond)
			if err := h.DB.View(t.Context(), func(tx *store.Tx) (err error) {
				other, err = tx.Payments().Get(shop, id)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		asked := 0
		for _, id := range hanging {
			if p := h.stored(id); p.Attempts[0].Checks > 0 {
				asked++
			}
		}
		h.Release()
		if asked > len(hanging)/2 {
			t.Errorf("the other terminal was asked after %d of %d calls that hang", asked, len(hanging))
		}
		t.Logf("%d of %d were asked before it", asked, len(hanging))
	})
}
