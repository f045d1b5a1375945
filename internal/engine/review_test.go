package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/risk"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// reviewFor is how long a review lasts in these tests: much longer than a checkout, and than cards wait in memory.
const reviewFor = 72 * time.Hour

// byAmount judges payments by whole units of their amount: 66 is stopped; 70 is reviewed and then stopped, 71 reviewed and
// then let pass; 98 is an error and 99 a panic. All else passes.
func byAmount(f *risk.Facts) (payment.Verdict, error) {
	review := payment.Verdict{Kind: payment.VerdictReview, Code: "6.21", Reason: "secret reason", Until: f.Now.Add(reviewFor)}
	switch units, _, _ := strings.Cut(f.Payment.Asked.Amount.String(), "."); units {
	case "66":
		return payment.Verdict{Kind: payment.VerdictStop, Code: "6.01", Reason: "secret reason"}, nil
	case "70":
		return review, nil
	case "71":
		review.PassAfter = true
		return review, nil
	case "97":
		return payment.Verdict{Kind: payment.VerdictReview}, nil
	case "98":
		return payment.Verdict{}, errors.New("no verdict")
	case "99":
		panic("screener")
	}
	return payment.Verdict{}, nil
}

// screened has the house screen its payments.
func (h *house) screened(by risk.Screener) {
	h.t.Helper()
	h.Engine = h.Engine.With(func(c *engine.Config) { c.Screen = by })
}

// screening runs a test on both databases whose house screens by amount.
func screening(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	onBoth(t, func(t *testing.T, h *house) {
		h.screened(byAmount)
		fn(t, h)
	})
}

// reviewed is a deposit in review, its card in memory.
func (h *house) reviewed(value string) payment.Payment {
	h.t.Helper()
	return h.inReview(h.execute(h.create(h.newDeposit(value, cardApproved)).ID))
}

func (h *house) inReview(p payment.Payment) payment.Payment {
	h.t.Helper()
	p = h.stored(p.ID)
	if !p.InReview() || p.State() != payment.Pending || p.Live != 0 || !p.Due.Equal(p.Review) {
		h.t.Fatalf("%s %s is %s (code %q), in review: %t, due %s", p.Type, p.ID, p.State(), p.ErrorCode, p.InReview(), p.Due)
	}
	return p
}

func (h *house) judgement(id payment.ID, pass bool) store.ManualUpdate {
	u := store.ManualUpdate{Shop: h.shop.ID, Payment: id, To: store.StopByHand, Reason: "known customer", AskedBy: "ann"}
	if pass {
		u.To = store.PassByHand
	}
	return u
}

// judge gives a verdict, which has to be taken.
func (h *house) judge(id payment.ID, pass bool) payment.Payment {
	h.t.Helper()
	_, done, err := h.Engine.ManualUpdate(h.t.Context(), h.judgement(id, pass))
	if err != nil || !done {
		h.t.Fatalf("verdict on %s: done %t, %v", id, done, err)
	}
	return h.stored(id)
}

// followUp is a payment that continues a chain which was just begun.
func (h *house) followUp(value string) (began payment.Payment, c engine.Create) {
	h.t.Helper()
	first := h.newDeposit("9.00", cardApproved)
	first.StartRecurring = true
	began = h.reach(h.execute(h.create(first).ID), payment.Completed)
	return began, engine.Create{Shop: h.shop, Type: payment.Deposit, Amount: amount(value), Currency: "EUR", RecurringToken: began.RecurringToken}
}

// story is a payment's log in short.
func (h *house) story(id payment.ID) string {
	h.t.Helper()
	var all []string
	for _, o := range h.log(id) {
		all = append(all, string(o.Kind)+":"+string(o.State))
	}
	return strings.Join(all, " ")
}

// verdicts is how often the metric has counted a verdict.
func (h *house) verdicts(what string) (n int) {
	h.t.Helper()
	var page strings.Builder
	if err := h.Engine.Config().Metrics.WriteText(&page); err != nil {
		h.t.Fatal(err)
	}
	for line := range strings.Lines(page.String()) {
		if count, ok := strings.CutPrefix(line, `sluice_screened_total{verdict="`+what+`"} `); ok {
			if _, err := fmt.Sscan(count, &n); err != nil {
				h.t.Fatal(err)
			}
		}
	}
	return n
}

// toldOf counts what merchants were told of a payment.
func (h *house) toldOf(id payment.ID) (n int) {
	h.t.Helper()
	for _, dialect := range []string{"gateway", "yandexpay"} {
		for _, e := range h.feed(dialect) {
			if e.Payment == id {
				n++
			}
			if strings.Contains(e.Body, "secret reason") || strings.Contains(e.Body, "known customer") {
				h.t.Errorf("an event tells why: %s", e.Body)
			}
		}
	}
	return n
}

// TestScreenedAtTheirBirthAndAtTheSubmit: what is stopped ends with its code and no provider hears of it; what is reviewed is
// sent once a person lets it pass, and once only. Refunds are not screened.
func TestScreenedAtTheirBirthAndAtTheSubmit(t *testing.T) {
	t.Parallel()
	screening(t, func(t *testing.T, h *house) {
		for name, c := range map[string]struct {
			make          func(value string) payment.Payment
			begin, ending string
		}{
			"deposit": {
				func(value string) payment.Payment { return h.execute(h.create(h.newDeposit(value, cardApproved)).ID) },
				"CREATE_PAYMENT:CHECKOUT CHECKOUT:PENDING DETECT_FRAUD:", "DEPOSIT:COMPLETED",
			},
			"withdrawal": {
				func(value string) payment.Payment { return h.create(h.newWithdrawal(value)) },
				"CREATE_PAYMENT:PENDING DETECT_FRAUD:", "WITHDRAWAL:COMPLETED",
			},
			"follow-up": {
				func(value string) payment.Payment { _, c := h.followUp(value); return h.create(c) },
				"CREATE_PAYMENT:PENDING DETECT_FRAUD:", "DEPOSIT:COMPLETED",
			},
		} {
			stopped := c.make("66.00")
			if stopped.State() != payment.Declined || stopped.ErrorCode != "6.01" || stopped.Tries != 0 {
				t.Errorf("%s: stopped: %s %q, %d tries", name, stopped.State(), stopped.ErrorCode, stopped.Tries)
			}
			if got := h.story(stopped.ID); got != c.begin+"DECLINED" {
				t.Errorf("%s: stopped: %s", name, got)
			}
			p := h.inReview(c.make("70.00"))
			if n := h.toldOf(p.ID); n != 0 || h.toldOf(stopped.ID) == 0 {
				t.Errorf("%s: %d events of a review, %d of a stop", name, n, h.toldOf(stopped.ID))
			}
			if m := h.books()[p.ID]; m != nil {
				t.Errorf("%s: the provider knows of it in review: %+v", name, m)
			}
			if p = h.judge(p.ID, true); p.State() != payment.Completed || p.Tries != 1 || !p.Screened.Passed {
				t.Errorf("%s: let pass: %s %q, %d tries", name, p.State(), p.ErrorCode, p.Tries)
			}
			if got := h.story(p.ID); got != c.begin+"PENDING CONTINUE_ANTI_FRAUD:PENDING "+c.ending {
				t.Errorf("%s: let pass: %s", name, got)
			}
			p = h.inReview(c.make("70.00"))
			if p = h.judge(p.ID, false); p.State() != payment.Declined || p.ErrorCode != "6.21" || p.Tries != 0 {
				t.Errorf("%s: stopped in review: %s %q, %d tries", name, p.State(), p.ErrorCode, p.Tries)
			}
			if got := h.story(p.ID); got != c.begin+"PENDING CONTINUE_ANTI_FRAUD:DECLINED" {
				t.Errorf("%s: stopped in review: %s", name, got)
			}
			if h.Engine.Config().Vault.Has(p.ID) || h.toldOf(p.ID) == 0 {
				t.Errorf("%s: its card is kept, or its end not told: %d", name, h.toldOf(p.ID))
			}
		}
		for what, times := range map[string]int{"stop": 3, "review": 6, "passed": 3, "refused": 3} {
			if n := h.verdicts(what); n != times {
				t.Errorf("%s is counted %d times, not %d", what, n, times)
			}
		}
		d := h.deposit("100.00")
		h.reach(h.create(h.newRefund(d.ID, "66.00")), payment.Completed)
		h.agree()
	})
}

// TestWhatPassesCostsNothing: a screener that lets a payment pass has nothing written that would not be without it.
func TestWhatPassesCostsNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		written := func() (all []string) {
			h.hook.set(func(point store.FaultPoint, writes []string) error {
				if point == store.FaultBeforeCommit {
					all = append(all, strings.Join(writes, " "))
				}
				return nil
			})
			defer h.hook.set(nil)
			h.deposit("10.00")
			h.create(h.newWithdrawal("10.00"))
			_, c := h.followUp("10.00")
			h.create(c)
			return all
		}
		without := written()
		h.screened(byAmount)
		if diff := cmp.Diff(without, written()); diff != "" || len(without) == 0 {
			t.Errorf("transactions (-without +screened):\n%s", diff)
		}
	})
}

// TestFactsOfAScreening: a rule can see what is known, as it will be sent, and never the number of a card.
func TestFactsOfAScreening(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		var seen []risk.Facts
		h.screened(func(f *risk.Facts) (payment.Verdict, error) {
			seen = append(seen, *f)
			return payment.Verdict{}, nil
		})
		p := h.create(engine.Create{Shop: h.shop, Type: payment.Deposit, Amount: amount("5.00"), Currency: "EUR"})
		_, err := h.Engine.Execute(t.Context(), engine.Execute{
			Target: h.target(p.ID), Hosted: true, Means: cardOf(t, cardApproved), Customer: `{"email":"jane@example.com"}`,
		})
		if err != nil {
			t.Fatal(err)
		}
		h.create(h.newWithdrawal("6.00"))
		if len(seen) != 2 {
			t.Fatalf("%d screenings", len(seen))
		}
		f := &seen[0]
		if f.Payment.ID != p.ID || f.Payment.Method != payment.BasicCard || f.Payment.Customer != `{"email":"jane@example.com"}` ||
			f.Payment.Instrument.CustomerAccountNumber == "" || f.Shop.ID != h.shop.ID {
			t.Errorf("it is judged as %+v", f.Payment)
		}
		if f.Card == nil || f.Card.BIN != cardApproved[:8] || !slices.Equal(f.Card.Mark, seen[1].Card.Mark) || len(f.Card.Mark) < 16 {
			t.Errorf("its card is %+v, that of the other %+v", f.Card, seen[1].Card)
		}
	})
}

// TestTheClockJudgesWhatNobodyHas: not before its time, and as the review says.
func TestTheClockJudgesWhatNobodyHas(t *testing.T) {
	t.Parallel()
	screening(t, func(t *testing.T, h *house) {
		_, again := h.followUp("71.00")
		for _, c := range []struct {
			make func() payment.Payment
			want payment.State
			code payment.ErrorCode
		}{
			{func() payment.Payment { return h.reviewed("70.00") }, payment.Declined, "6.21"},
			{func() payment.Payment { return h.create(again) }, payment.Completed, ""},
			{func() payment.Payment { return h.create(h.newWithdrawal("70.00")) }, payment.Declined, "6.21"},
		} {
			p := h.inReview(c.make())
			version := p.Version
			if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil || h.stored(p.ID).Version != version {
				t.Errorf("before its time: %v, version %d", err, h.stored(p.ID).Version)
			}
			p = h.workBy(h.Engine, p.ID, 1)
			if p.State() != c.want || p.ErrorCode != c.code || !p.Screened.ByClock || p.Screened.Passed != (c.want == payment.Completed) {
				t.Errorf("%s of %s: %s %q, %+v", p.Type, p.Asked.Amount, p.State(), p.ErrorCode, p.Screened)
			}
			version = p.Version
			if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil || h.stored(p.ID).Version != version {
				t.Errorf("once more: %v, version %d", err, h.stored(p.ID).Version)
			}
		}
		h.agree()
	})
}

// TestNothingElseEndsAReview: not the end of the checkout, not the customer, who can neither pay again nor cancel, not a refund
// or a look at it.
func TestNothingElseEndsAReview(t *testing.T) {
	t.Parallel()
	screening(t, func(t *testing.T, h *house) {
		p := h.reviewed("70.00")
		h.Clock.Advance(p.CheckoutUntil.Sub(h.Clock.Now()) + time.Minute)
		if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil {
			t.Fatal(err)
		}
		x := engine.Execute{Target: h.target(p.ID), Hosted: true, Means: cardOf(t, cardApproved)}
		_, err := h.Engine.Execute(t.Context(), x)
		refused(t, err, payment.CodeWrongState, "")
		_, err = h.Engine.Cancel(t.Context(), h.target(p.ID))
		refused(t, err, payment.CodeWrongState, "")
		_, err = h.Engine.Capture(t.Context(), h.target(p.ID), money.Amount{})
		refused(t, err, payment.CodeWrongState, "")
		_, err = h.Engine.Void(t.Context(), h.target(p.ID))
		refused(t, err, payment.CodeWrongState, "")
		_, err = h.Engine.Create(t.Context(), h.newRefund(p.ID, "1.00"))
		refused(t, err, payment.CodeWrongState, "parentPaymentId")
		if _, _, err := h.Engine.ManualUpdate(t.Context(), h.update(p.ID, payment.Declined)); err == nil {
			t.Error("an update by hand ends a review")
		}
		if _, err := h.Engine.ManualCheck(t.Context(), h.shop.ID, p.ID); err != nil {
			t.Errorf("a check by hand: %v", err)
		}
		if _, err := h.Engine.Return(t.Context(), h.target(p.ID), func() payment.Brought { return payment.Brought{} }); err != nil {
			t.Errorf("a return: %v", err)
		}
		h.get(p.ID)
		if now := h.inReview(p); now.Version != p.Version {
			t.Errorf("it has changed: version %d, was %d", now.Version, p.Version)
		}
		if _, err := h.Engine.Abandon(t.Context(), h.target(p.ID)); err != nil {
			t.Fatal(err)
		}
		if now := h.stored(p.ID); now.State() != payment.Cancelled || now.ErrorCode != payment.CodeByCustomer || now.InReview() || !now.Due.IsZero() {
			t.Errorf("abandoned: %s %q, in review: %t, due %s", now.State(), now.ErrorCode, now.InReview(), now.Due)
		}
		_, _, err = h.Engine.ManualUpdate(t.Context(), h.judgement(p.ID, true))
		refused(t, err, payment.CodeWrongState, "")
		h.agree()
	})
}

// TestWithoutTheCard: where it is not kept any more when the verdict comes, the customer is asked again, for as long as was
// left of the checkout; a payout cannot be made.
func TestWithoutTheCard(t *testing.T) {
	t.Parallel()
	screening(t, func(t *testing.T, h *house) {
		p := h.reviewed("71.00")
		left := p.CheckoutUntil.Sub(p.Screened.At)
		lose := func(p payment.Payment) payment.Payment {
			h.d.Exec(`UPDATE payment SET means = NULL WHERE id = $1`, string(p.ID)) // as where nothing could be sealed
			h.Clock.Advance(vault.Hold + time.Minute)
			return p
		}
		p = h.judge(lose(p).ID, true)
		if !p.BetweenTries() || p.ErrorCode != "" || p.Tries != 0 || p.CheckoutUntil.Sub(h.Clock.Now()) > left || p.CheckoutUntil.Sub(p.Screened.Ended) != left {
			t.Fatalf("%s %q, %d tries, %s left of %s", p.State(), p.ErrorCode, p.Tries, p.CheckoutUntil.Sub(h.Clock.Now()), left)
		}
		h.screened(func(f *risk.Facts) (payment.Verdict, error) {
			if !f.Payment.Screened.Passed {
				t.Error("the screening does not hear that a review let it pass")
			}
			return payment.Verdict{}, nil
		})
		o, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Hosted: true, Means: cardOf(t, cardApproved)})
		if err != nil || o.Payment.State() != payment.Completed {
			t.Errorf("%s, %v", o.Payment.State(), err)
		}
		h.screened(byAmount)

		p = h.workBy(h.Engine, lose(h.reviewed("71.00")).ID, 1)
		if !p.BetweenTries() {
			t.Fatalf("by the clock: %s %q", p.State(), p.ErrorCode)
		}
		if p = h.workBy(h.Engine, p.ID, 1); p.State() != payment.Cancelled || p.ErrorCode != payment.CodeTimeout {
			t.Errorf("nobody came: %s %q", p.State(), p.ErrorCode)
		}

		p = h.workBy(h.Engine, lose(h.inReview(h.create(h.newWithdrawal("71.00")))).ID, 1)
		if p.State() != payment.Declined || p.ErrorCode != payment.CodeInternal || p.Tries != 0 {
			t.Errorf("payout: %s %q, %d tries", p.State(), p.ErrorCode, p.Tries)
		}
		h.agree()
	})
}

// TestAReviewEndsAtAnyNode, days after it began: by a person or by the clock, at a node that never saw the card. Afterwards nothing
// of the card is kept.
func TestAReviewEndsAtAnyNode(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.screened(func(f *risk.Facts) (payment.Verdict, error) {
			return payment.Verdict{Kind: payment.VerdictReview, Until: f.Now.Add(72 * time.Hour), PassAfter: true}, nil
		})
		elsewhere := h.other(func(c *engine.Config) { c.Vault = vault.NewHolder(h.Clock.Now) })
		for name, born := range map[string]func() payment.Payment{
			"payout":                    func() payment.Payment { return h.create(h.newWithdrawal("12.00")) },
			"card given with the birth": func() payment.Payment { return h.execute(h.create(h.newDeposit("12.00", cardApproved)).ID) },
			"card given with the order": func() payment.Payment {
				c := h.newDeposit("12.00", cardApproved)
				c.Means = nil
				o, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(h.create(c).ID), Means: cardOf(t, cardApproved)})
				if err != nil {
					t.Fatal(err)
				}
				return o.Payment
			},
		} {
			byPerson, byClock := h.inReview(born()), h.inReview(born())
			if byPerson.Means == "" || byClock.Means == "" {
				t.Fatalf("%s: nothing to pay with is kept", name)
			}
			h.Clock.Advance(71 * time.Hour)
			if _, _, err := elsewhere.ManualUpdate(t.Context(), h.judgement(byPerson.ID, true)); err != nil {
				t.Errorf("%s: by a person: %v", name, err)
			}
			h.workBy(elsewhere, byClock.ID, 1)
			for _, p := range []payment.Payment{byPerson, byClock} {
				now := h.stored(p.ID)
				h.reach(now, payment.Completed)
				if now.Means != "" {
					t.Errorf("%s: the card is kept when the payment has ended", name)
				}
			}
		}
		stopped := h.inReview(h.create(h.newWithdrawal("13.00")))
		if _, _, err := elsewhere.ManualUpdate(t.Context(), h.judgement(stopped.ID, false)); err != nil {
			t.Fatal(err)
		}
		if now := h.stored(stopped.ID); now.State() != payment.Declined || now.Means != "" {
			t.Errorf("stopped: %s, %d bytes of the card are kept", now.State(), len(now.Means))
		}
		h.agree()
	})
}

// TestWhereAPaymentGoesIsChosenByTheVerdict: terminals, chains and shops may have gone while it was in review.
func TestWhereAPaymentGoesIsChosenByTheVerdict(t *testing.T) {
	t.Parallel()
	screening(t, func(t *testing.T, h *house) {
		change := func(active, enabled bool) {
			t.Helper()
			err := h.DB.Update(t.Context(), func(tx *store.Tx) error {
				if _, err := tx.Shops().Change(h.shop.ID, func(s *shop.Shop) error { s.Active = active; return nil }); err != nil {
					return err
				}
				return tx.Terminals().Change(h.shop.ID, h.shop.Terminals[0].ID, func(to *shop.Terminal) error { to.Enabled = enabled; return nil })
			})
			if err != nil {
				t.Fatal(err)
			}
			h.Clock.Advance(2 * time.Second) // what is remembered of shops
		}
		began, again := h.followUp("70.00")
		stopped := h.inReview(h.create(again))
		if err := h.Engine.StopChain(t.Context(), h.shop.ID, began.ID); err != nil {
			t.Fatal(err)
		}
		if p := h.judge(stopped.ID, true); p.State() != payment.Declined || p.ErrorCode != payment.CodeNoRecurring {
			t.Errorf("chain stopped: %s %q", p.State(), p.ErrorCode)
		}

		p := h.reviewed("70.00")
		change(true, false)
		if p = h.judge(p.ID, true); p.State() != payment.Declined || p.ErrorCode != payment.CodeNoTerminal || p.Tries != 0 {
			t.Errorf("terminal disabled: %s %q", p.State(), p.ErrorCode)
		}
		change(true, true)

		p, other, third := h.reviewed("70.00"), h.reviewed("71.00"), h.reviewed("70.00")
		change(false, true)
		if _, _, err := h.Engine.ManualUpdate(t.Context(), h.judgement(p.ID, true)); !errors.Is(err, engine.ErrForbidden) {
			t.Errorf("let pass in an inactive shop: %v", err)
		}
		h.inReview(p)
		if p = h.judge(p.ID, false); p.State() != payment.Declined {
			t.Errorf("stopped in an inactive shop: %s", p.State())
		}
		if other = h.workBy(h.Engine, other.ID, 1); other.State() != payment.Declined || other.Tries != 0 || other.Screened.Passed {
			t.Errorf("the clock lets pass in an inactive shop: %s", other.State())
		}
		change(true, true)
		if third = h.workBy(h.Engine, third.ID, 1); third.State() != payment.Declined || third.ErrorCode != "6.21" {
			t.Errorf("%s %q", third.State(), third.ErrorCode)
		}
		h.agree()
	})
}

// TestScreenerWithoutAVerdict: what cannot be judged is neither sent nor stored, and a human is told.
func TestScreenerWithoutAVerdict(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.listen(func(c *engine.Config) { c.Screen = byAmount })
		for _, value := range []string{"97.00", "98.00", "99.00"} {
			p := h.create(h.newDeposit(value, cardApproved))
			if _, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)}); !errors.Is(err, engine.ErrUnavailable) {
				t.Errorf("%s: %v", value, err)
			}
			if now := h.stored(p.ID); now.Version != p.Version+1 || now.State() != payment.Checkout {
				t.Errorf("%s: it has changed: %s", value, now.State())
			}
			if !h.Engine.Config().Vault.Has(p.ID) {
				t.Errorf("%s: the card is lost", value)
			}
			if _, err := h.Engine.Cancel(t.Context(), h.target(p.ID)); err != nil {
				t.Fatal(err)
			}
			if _, err := h.Engine.Create(t.Context(), h.newWithdrawal(value)); !errors.Is(err, engine.ErrUnavailable) {
				t.Errorf("%s: %v", value, err)
			}
			e.heard(alarm.Shop, string(h.shop.ID), "payments of the shop cannot be screened, and are not taken")
		}
		h.agree()
	})
}

// TestASecondPersonLetsPass: where the shop demands one, letting pass waits for somebody else and a stop does not; what was
// wished of a review that is over is obsolete.
func TestASecondPersonLetsPass(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.FourEyes = true })
		h.screened(byAmount)
		p := h.reviewed("70.00")
		wish, done, err := h.Engine.ManualUpdate(t.Context(), h.judgement(p.ID, true))
		if err != nil || done {
			t.Fatalf("done %t, %v", done, err)
		}
		h.inReview(p)
		if err := h.Engine.ApproveManualUpdate(t.Context(), h.shop.ID, wish, " Ann "); !errors.Is(err, engine.ErrSecondPerson) {
			t.Errorf("by the same person: %v", err)
		}
		if err := h.Engine.ApproveManualUpdate(t.Context(), h.shop.ID, wish, "bob"); err != nil {
			t.Fatal(err)
		}
		h.reach(h.stored(p.ID), payment.Completed)
		if err := h.Engine.ApproveManualUpdate(t.Context(), h.shop.ID, wish, "bob"); err == nil {
			t.Error("approved twice")
		}

		p = h.reviewed("70.00")
		if wish, done, err = h.Engine.ManualUpdate(t.Context(), h.judgement(p.ID, true)); err != nil || done {
			t.Fatalf("done %t, %v", done, err)
		}
		if p = h.judge(p.ID, false); p.State() != payment.Declined {
			t.Errorf("stopped: %s", p.State())
		}
		if err := h.Engine.ApproveManualUpdate(t.Context(), h.shop.ID, wish, "bob"); !errors.Is(err, engine.ErrUpdateOutdated) {
			t.Errorf("approved after the end: %v", err)
		}
		found, err := h.updates(store.ManualUpdateFilter{Shop: h.shop.ID, Payment: p.ID, Done: true, Limit: 10})
		if err != nil || len(found) != 2 || found[0].To != store.StopByHand || found[0].Reason != "known customer" || found[1].To != store.PassByHand {
			t.Errorf("on record: %+v, %v", found, err)
		}
		for _, u := range []store.ManualUpdate{{Reason: " ", AskedBy: "ann"}, {Reason: "x"}, {Reason: "x\x00", AskedBy: "ann"}} {
			u.Shop, u.Payment, u.To = h.shop.ID, p.ID, store.StopByHand
			if _, _, err := h.Engine.ManualUpdate(t.Context(), u); err == nil {
				t.Errorf("%+v is taken", u)
			}
		}
		h.agree()
	})
}

// TestManyJudgeAtOnce: people, the clock and the merchant. One of them decides, and whatever it is, nothing is charged twice.
func TestManyJudgeAtOnce(t *testing.T) {
	t.Parallel()
	screening(t, func(t *testing.T, h *house) {
		for range rounds(t, 5) {
			p := h.reviewed("71.00")
			h.Clock.Advance(reviewFor)
			h.Engine.Config().Vault.Put(p.ID, cardOf(t, cardApproved)) // as if it had been kept for so long
			var all sync.WaitGroup
			var done atomic.Int64
			for i := range 6 {
				all.Go(func() {
					var err error
					switch i {
					case 0:
						_, _, err = h.Engine.ManualUpdate(t.Context(), h.judgement(p.ID, false))
					case 1:
						err = h.Engine.Work(t.Context(), h.shop.ID, p.ID)
						done.Add(-1) // it says nothing of who was faster
					case 2:
						_, err = h.Engine.Abandon(t.Context(), h.target(p.ID))
						done.Add(-1) // binds in any state
					default:
						_, _, err = h.Engine.ManualUpdate(t.Context(), h.judgement(p.ID, true))
					}
					if err == nil {
						done.Add(1)
					}
				})
			}
			all.Wait()
			if n := done.Load(); n > 1 {
				t.Errorf("%d verdicts", n)
			}
			now := h.settleByClock(p.ID)
			if now.InReview() || now.Tries > 2 { // a void or a refund may follow
				t.Errorf("in review %t, %d tries", now.InReview(), now.Tries)
			}
			h.workOff(p.ID, 10)
		}
		h.agree()
	})
}

// TestLostAcknowledgementOfAVerdict: what it lets pass is sent, and sent once, whichever run of the transaction stands.
func TestLostAcknowledgementOfAVerdict(t *testing.T) {
	t.Parallel()
	screening(t, func(t *testing.T, h *house) {
		for _, l := range losses {
			for _, by := range []string{"person", "clock"} {
				_, again := h.followUp("71.00")
				p := h.inReview(h.create(again))
				if by == "clock" {
					h.Clock.Advance(reviewFor)
				}
				lost := h.lose(l, writing("payment.screened"))
				var err error
				if by == "clock" {
					err = h.Engine.Work(t.Context(), h.shop.ID, p.ID)
				} else {
					_, _, err = h.Engine.ManualUpdate(t.Context(), h.judgement(p.ID, true))
				}
				h.hook.set(nil)
				if now := h.stored(p.ID); err != nil || now.State() != payment.Completed || lost.Load() == 0 {
					t.Errorf("%s, by the %s: %s, %v, lost %d", l.name, by, now.State(), err, lost.Load())
				}
			}
		}
		h.agree()
	})
}

// TestWhatWasLetPassAfterTheBackup: what a backup has in review may have been sent since. It is asked about before any verdict,
// also about a payout, and never sent twice.
func TestWhatWasLetPassAfterTheBackup(t *testing.T) {
	t.Parallel()
	inLostTime(t, func(t *testing.T, h *house) {
		h.screened(byAmount)
		sent, payout, untouched := h.reviewed("70.00"), h.inReview(h.create(h.newWithdrawal("70.00"))), h.reviewed("71.00")
		lost := h.afterBackup()
		lost.pay(&sent, 1, cardApproved)
		lost.payOut(&payout, 1)
		h.restored()
		h.screened(byAmount)
		_, _, err := h.Engine.ManualUpdate(t.Context(), h.judgement(sent.ID, true))
		refused(t, err, payment.CodeWrongState, "")
		h.knows(sent.ID, payment.Completed)
		if err := h.Engine.Work(t.Context(), h.shop.ID, payout.ID); err != nil {
			t.Fatal(err)
		}
		h.knows(payout.ID, payment.Completed)
		if err := h.Engine.Work(t.Context(), h.shop.ID, untouched.ID); err != nil {
			t.Fatal(err)
		}
		h.inReview(h.knows(untouched.ID, payment.Pending))
		h.Engine.Config().Vault.Put(untouched.ID, cardOf(t, cardApproved)) // as if the process had not died
		if p := h.judge(untouched.ID, true); p.State() != payment.Completed {
			t.Errorf("%s %q", p.State(), p.ErrorCode)
		}
		h.agree()
	})
}
