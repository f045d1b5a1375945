package engine_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// standing makes a payment of each kind in each state that it can be in.
var standing = []struct {
	name string
	make func(h *house) payment.Payment
}{
	{"checkout", func(h *house) payment.Payment { return h.create(h.newDeposit("61.00", cardApproved)) }},
	{"cancelled checkout", func(h *house) payment.Payment {
		p := h.create(h.newDeposit("61.00", cardApproved))
		if _, err := h.Engine.Cancel(h.t.Context(), h.target(p.ID)); err != nil {
			h.t.Fatal(err)
		}
		return h.stored(p.ID)
	}},
	{"pending deposit", func(h *house) payment.Payment { return h.stuck(h.newDeposit("61.00", cardApproved)) }},
	{"pending hold", func(h *house) payment.Payment { return h.stuck(h.preAuth("61.00")) }},
	{"pending withdrawal", func(h *house) payment.Payment { return h.stuck(h.newWithdrawal("61.00")) }},
	{"hold", func(h *house) payment.Payment { return h.hold("61.00") }},
	{"pending capture", func(h *house) payment.Payment {
		p := h.hold("61.00")
		h.effect("capture", p.ID, silent)
		o, err := h.Engine.Capture(h.t.Context(), h.target(p.ID), money.Amount{})
		if err != nil {
			h.t.Fatal(err)
		}
		return o.Payment
	}},
	{"pending void", func(h *house) payment.Payment {
		p := h.hold("61.00")
		h.effect("void", p.ID, silent)
		o, err := h.Engine.Void(h.t.Context(), h.target(p.ID))
		if err != nil {
			h.t.Fatal(err)
		}
		return o.Payment
	}},
	{"voided", func(h *house) payment.Payment {
		p := h.hold("61.00")
		if _, err := h.Engine.Void(h.t.Context(), h.target(p.ID)); err != nil {
			h.t.Fatal(err)
		}
		return h.stored(p.ID)
	}},
	{"completed", func(h *house) payment.Payment { return h.deposit("61.00") }},
	{"captured", func(h *house) payment.Payment {
		p := h.hold("61.00")
		if _, err := h.Engine.Capture(h.t.Context(), h.target(p.ID), amount("60.00")); err != nil {
			h.t.Fatal(err)
		}
		return h.stored(p.ID)
	}},
	{"declined", func(h *house) payment.Payment { return h.execute(h.create(h.newDeposit("61.00", cardDeclined)).ID) }},
	{"completed withdrawal", func(h *house) payment.Payment { return h.create(h.newWithdrawal("61.00")) }},
}

// stuck is a payment that the provider never decides.
func (h *house) stuck(c engine.Create) payment.Payment {
	h.t.Helper()
	if c.Type == payment.Withdrawal {
		h.scenario("payout", c.Amount.String(), silent)
		return h.create(c)
	}
	p := h.create(c)
	h.effect("payment", p.ID, silent)
	return h.execute(p.ID)
}

func TestManualUpdatesFollowTheTable(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		made := 0
		for i := range standing {
			for _, to := range payment.States() {
				p := standing[i].make(h)
				from := p.State()
				legal := slices.ContainsFunc(payment.Edges(), func(e payment.Edge) bool {
					return e.Input == payment.InManual && e.From == from && e.To == to
				})
				switch standing[i].name {
				case "checkout", "cancelled checkout":
					legal = false // there is no attempt that could have succeeded
				case "pending void":
					legal = to == payment.Cancelled || to == payment.Authorized
				case "pending deposit", "pending withdrawal", "declined":
					legal = legal && to != payment.Authorized // nobody asked for a hold
				}
				_, done, err := h.Engine.ManualUpdate(t.Context(), h.update(p.ID, to))
				after := h.stored(p.ID)
				if legal != (err == nil) || legal != done {
					t.Errorf("%s to %s: %v", standing[i].name, to, err)
					continue
				}
				if !legal {
					refused(t, err, payment.CodeWrongState, "")
					if after.Version != p.Version && after.Version != p.Version+1 || after.State() != from {
						t.Errorf("%s to %s: refused, and now %s", standing[i].name, to, after.State())
					}
					continue
				}
				made++
				h.updated(standing[i].name, &p, &after, to)
			}
		}
		t.Logf("%d updates", made)
	})
}

// updated checks a payment after a manual update. Its invariants are checked by the end of every test.
func (h *house) updated(name string, p, after *payment.Payment, to payment.State) {
	h.t.Helper()
	log := h.log(p.ID)
	last := log[len(log)-1]
	won := to == payment.Completed || to == payment.Authorized
	switch {
	case after.State() != to || last.Kind != payment.OpManualUpdate || last.State != to:
		h.t.Errorf("%s to %s: now %s by %s", name, to, after.State(), last.Kind)
	case after.Told != p.Told+1:
		h.t.Errorf("%s to %s: told %d times, before %d", name, to, after.Told, p.Told)
	case won != (after.ErrorCode == ""):
		h.t.Errorf("%s to %s: code %q", name, to, after.ErrorCode)
	case after.Live != 0:
		h.t.Errorf("%s to %s: attempt %d is live", name, to, after.Live)
	case p.Type == payment.Deposit && (to == payment.Completed) != (!after.Captured.IsZero()):
		h.t.Errorf("%s to %s: captured %s", name, to, after.Captured)
	case (to == payment.Authorized) != (!after.Due.IsZero()):
		h.t.Errorf("%s to %s: due %s", name, to, after.Due)
	}
	if to == payment.Completed && p.Type == payment.Deposit {
		o, err := h.Engine.Create(h.t.Context(), h.newRefund(p.ID, "")) // the provider may refuse; it can be asked for
		if err != nil || o.Payment.Asked.Amount != after.Captured {
			h.t.Errorf("%s to %s: refund of %s: %v", name, to, o.Payment.Asked.Amount, err)
		}
	}
}

func TestManualUpdatesBackAndForthKeepTheAmountThatWasCaptured(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.hold("61.00")
		if _, err := h.Engine.Capture(t.Context(), h.target(p.ID), amount("60.00")); err != nil {
			t.Fatal(err)
		}
		for _, to := range []payment.State{payment.Declined, payment.Completed, payment.Cancelled, payment.Completed} {
			if _, _, err := h.Engine.ManualUpdate(t.Context(), h.update(p.ID, to)); err != nil {
				t.Fatal(err)
			}
		}
		if p = h.stored(p.ID); p.Captured != amount("60.00") || p.Shown().Amount != amount("60.00") || p.Authorised != amount("61.00") {
			t.Errorf("captured %s, shown %s, authorised %s", p.Captured, p.Shown(), p.Authorised)
		}
		h.agree()
	})
}

func TestManualUpdateOfARefundMovesItsReservation(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, c := range []struct {
			to                 payment.State
			reserved, refunded string
		}{{payment.Completed, "20.00", "20.00"}, {payment.Declined, "0", "0"}, {payment.Cancelled, "0", "0"}} {
			deposit := h.deposit("62.00")
			h.scenario("refund", "20.00", silent)
			refund := h.create(h.newRefund(deposit.ID, "20.00"))
			// While money may be on its way back, the deposit cannot be undone.
			_, _, err := h.Engine.ManualUpdate(t.Context(), h.update(deposit.ID, payment.Declined))
			refused(t, err, payment.CodeWrongState, "")
			if _, done, err := h.Engine.ManualUpdate(t.Context(), h.update(refund.ID, c.to)); err != nil || !done {
				t.Fatal(done, err)
			}
			d := h.stored(deposit.ID)
			r := h.stored(refund.ID)
			if d.RefundReserved != amount(c.reserved) || d.Refunded != amount(c.refunded) || r.State() != c.to {
				t.Errorf("%s: reserved %s, refunded %s", c.to, d.RefundReserved, d.Refunded)
			}
			for _, again := range []payment.State{payment.Completed, payment.Declined, payment.Cancelled} {
				_, _, err := h.Engine.ManualUpdate(t.Context(), h.update(refund.ID, again))
				refused(t, err, payment.CodeWrongState, "")
			}
			// The provider's own word on it comes too late, and raises an alarm where it is another.
			if err := h.Simulator.Decide(refund.LiveAttempt().Key, "00"); err != nil {
				t.Fatal(err)
			}
			if err := h.Engine.Notice(t.Context(), h.post("evt_"+string(refund.ID)[:24], refund.LiveAttempt().Key, "20.00", approved)); err != nil {
				t.Fatal(err)
			}
			if after := h.stored(deposit.ID); after.RefundReserved != d.RefundReserved || after.Refunded != d.Refunded {
				t.Errorf("%s: after the notice reserved %s, refunded %s", c.to, after.RefundReserved, after.Refunded)
			}
		}
	})
}

func TestManualUpdateNeedsASecondPerson(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.FourEyes = true })
		p := h.stuck(h.newDeposit("63.00", cardApproved))
		id, done, err := h.Engine.ManualUpdate(t.Context(), h.update(p.ID, payment.Completed))
		if s := h.stored(p.ID); err != nil || done || s.State() != payment.Pending {
			t.Fatalf("done %t, %v", done, err)
		}
		for _, by := range []string{"", " ", "ann", "Ann", " ANN ", "ann\u200b", "\u2060ann", "an\u00adn", "an\xffn", "\u200b"} {
			if err := h.Engine.ApproveManualUpdate(t.Context(), h.shop.ID, id, by); !errors.Is(err, engine.ErrSecondPerson) {
				t.Errorf("approved by %q: %v", by, err)
			}
		}
		if err := h.Engine.ApproveManualUpdate(t.Context(), "0123456789abcdef0123456789abcdef", id, "bob"); !errors.Is(err, payment.ErrNotFound) {
			t.Errorf("another shop's: %v", err)
		}
		approvals := make([]error, 10)
		together(len(approvals), func(i int) { approvals[i] = h.Engine.ApproveManualUpdate(t.Context(), h.shop.ID, id, "bob") })
		good := 0
		for _, err := range approvals {
			if err == nil {
				good++
			}
		}
		if p = h.stored(p.ID); good != 1 || p.State() != payment.Completed || p.Told != 1 || count(h.log(p.ID), payment.OpManualUpdate) != 1 {
			t.Errorf("%d approvals, %s, told %d times", good, p.State(), p.Told)
		}
		if err := h.Engine.ApproveManualUpdate(t.Context(), h.shop.ID, id, "carl"); err == nil {
			t.Error("carried out twice")
		}
		// What cannot be is refused before anybody is bothered; what no longer can be, when it is approved.
		_, _, err = h.Engine.ManualUpdate(t.Context(), h.update(p.ID, payment.Pending))
		refused(t, err, payment.CodeWrongState, "")
		id, _, err = h.Engine.ManualUpdate(t.Context(), h.update(p.ID, payment.Declined))
		if err != nil {
			t.Fatal(err)
		}
		if r := h.create(h.newRefund(p.ID, "1.00")); r.ID == "" {
			t.Fatal("no refund")
		} else if r.State() == payment.Completed {
			refused(t, h.Engine.ApproveManualUpdate(t.Context(), h.shop.ID, id, "bob"), payment.CodeWrongState, "")
		}
	})
}

func TestApprovalOfWhatHasChangedSinceIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.FourEyes = true })
		p := h.stuck(h.newDeposit("66.00", cardApproved))
		id, _, err := h.Engine.ManualUpdate(t.Context(), h.update(p.ID, payment.Declined))
		if err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(time.Second)
		if err := h.Simulator.Decide(p.LiveAttempt().Key, "00"); err != nil { // the money was taken after all
			t.Fatal(err)
		}
		if p, err = h.Engine.ManualCheck(t.Context(), h.shop.ID, p.ID); err != nil || p.State() != payment.Completed {
			t.Fatalf("%s, %v", p.State(), err)
		}
		if err := h.Engine.ApproveManualUpdate(t.Context(), h.shop.ID, id, "bob"); !errors.Is(err, engine.ErrUpdateOutdated) {
			t.Errorf("approved: %v", err)
		}
		if p = h.stored(p.ID); p.State() != payment.Completed {
			t.Errorf("%s", p.State())
		}
		// A status query that says nothing new is no change.
		p = h.stuck(h.newDeposit("67.00", cardApproved))
		if id, _, err = h.Engine.ManualUpdate(t.Context(), h.update(p.ID, payment.Declined)); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(time.Minute)
		h.get(p.ID)
		if err := h.Engine.ApproveManualUpdate(t.Context(), h.shop.ID, id, "bob"); err != nil {
			t.Error(err)
		}
	})
}

func TestManualUpdateNeedsReasonAndName(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, nil)
		p := h.stuck(h.newDeposit("64.00", cardApproved))
		for _, c := range [][2]string{{"", "ann"}, {"known", ""}, {" ", "ann"}, {"known", "\t"}} {
			u := h.update(p.ID, payment.Completed)
			u.Reason, u.AskedBy = c[0], c[1]
			if _, done, err := h.Engine.ManualUpdate(t.Context(), u); err == nil || done {
				t.Errorf("%q: done %t", c, done)
			}
		}
		u := h.update("0123456789abcdef0123456789abcdef", payment.Completed)
		if _, _, err := h.Engine.ManualUpdate(t.Context(), u); !errors.Is(err, payment.ErrNotFound) {
			t.Errorf("unknown payment: %v", err)
		}
		if s := h.stored(p.ID); s.State() != payment.Pending {
			t.Errorf("%s", s.State())
		}
	})
}

func TestManualCheckAsksTheProvider(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.stuck(h.newDeposit("65.00", cardApproved))
		check := func(id payment.ID, want payment.State) {
			t.Helper()
			p, err := h.Engine.ManualCheck(t.Context(), h.shop.ID, id)
			log := h.log(id)
			if last := log[len(log)-1]; err != nil || p.State() != want || last.Kind != payment.OpManualCheckState || last.State != want {
				t.Errorf("%s by %s: %v", p.State(), last.Kind, err)
			}
		}
		check(p.ID, payment.Pending)
		if err := h.Simulator.Decide(p.LiveAttempt().Key, "51"); err != nil {
			t.Fatal(err)
		}
		check(p.ID, payment.Declined)
		c := h.create(h.preAuth("66.00"))
		h.effect("payment", c.ID, simulator.Effect{Notice: simulator.NoticeLost})
		held := h.reach(h.execute(c.ID), payment.Authorized)
		check(held.ID, payment.Authorized)
		if err := giveUp(h, held.Attempts[0].Key); err != nil {
			t.Fatal(err)
		}
		check(held.ID, payment.Cancelled)
		check(p.ID, payment.Declined) // what is settled is asked about as well, and stays
		check(held.ID, payment.Cancelled)
		if now := h.stored(p.ID); !now.Due.IsZero() || now.DueFails != 0 || now.Told != 1 {
			t.Errorf("a payment that is settled: due %s, fails %d, told %d times", now.Due, now.DueFails, now.Told)
		}
		h.agree()
	})
}

// TestFourEyesIsDecidedInTheTransaction: a process that still remembers the shop as it was before somebody demanded a
// second person does not change anything alone.
func TestFourEyesIsDecidedInTheTransaction(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.stuck(h.newDeposit("61.00", cardApproved))
		other := h.other(nil)
		for _, e := range []*engine.Engine{h.Engine, other} {
			if s, err := e.Shop(t.Context(), h.shop.ID); err != nil || s.Settings.FourEyes {
				t.Fatalf("%v, %v", s, err)
			}
		}
		demand := func(four bool) {
			t.Helper()
			err := h.DB.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Shops().Change(h.shop.ID, func(s *shop.Shop) error { s.Settings.FourEyes = four; return nil })
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		demand(true)
		for _, e := range []*engine.Engine{h.Engine, other} {
			if _, done, err := e.ManualUpdate(t.Context(), h.update(p.ID, payment.Declined)); err != nil || done {
				t.Errorf("done %t, %v", done, err)
			}
		}
		if now := h.stored(p.ID); now.State() != payment.Pending {
			t.Errorf("the payment is %s", now.State())
		}
		if _, err := other.Shop(t.Context(), h.shop.ID); err != nil { // remembers that two are needed
			t.Fatal(err)
		}
		demand(false)
		if _, done, err := other.ManualUpdate(t.Context(), h.update(p.ID, payment.Declined)); err != nil || !done {
			t.Errorf("once it is not demanded any more: done %t, %v", done, err)
		}
	})
}

// TestAManualUpdateSaysWhoAndWhy in the payment's log, and in the list of updates, by one person or two.
func TestAManualUpdateSaysWhoAndWhy(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.FourEyes = true })
		p := h.stuck(h.newDeposit("61.00", cardApproved))
		u := h.update(p.ID, payment.Declined)
		u.Reason = "the bank says so of 4000000000000408"
		uid, _, err := h.Engine.ManualUpdate(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Engine.ApproveManualUpdate(t.Context(), h.shop.ID, uid, "bob"); err != nil {
			t.Fatal(err)
		}
		log := h.log(p.ID)
		shown := log[len(log)-1].Messages.Incoming
		for _, part := range []string{"ann", "the bank says so of 400000", "bob", uid} {
			if !strings.Contains(shown, part) {
				t.Errorf("the log has no %q: %s", part, shown)
			}
		}
		if strings.Contains(shown, cardApproved) {
			t.Errorf("the log has a card number: %s", shown)
		}
		for all, want := range map[bool]int{false: 0, true: 1} {
			found, err := h.updates(store.ManualUpdateFilter{Shop: h.shop.ID, Payment: p.ID, Done: all, Limit: 10})
			if err != nil || len(found) != want {
				t.Fatalf("all %t: %v, %v", all, found, err)
			}
			if want == 1 && (found[0].ApprovedBy != "bob" || found[0].AskedBy != "ann" || found[0].DoneAt.IsZero()) {
				t.Errorf("%+v", found[0])
			}
		}
		for _, wrong := range []string{strings.Repeat("x", 5000), "zero\x00byte", "\xff"} {
			u.Reason = wrong
			if _, _, err := h.Engine.ManualUpdate(t.Context(), u); err == nil {
				t.Errorf("%.10q is taken", wrong)
			}
		}
	})
}

func (h *house) updates(f store.ManualUpdateFilter) (found []store.ManualUpdate, err error) {
	err = h.DB.View(h.t.Context(), func(tx *store.Tx) error {
		found, err = tx.ManualUpdates().List(f)
		return err
	})
	return found, err
}
