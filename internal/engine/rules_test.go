package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

func TestRefundRules(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		try := func(c engine.Create) error {
			_, err := h.Engine.Create(ctx, c)
			return err
		}
		p := h.deposit("100.00")
		first := h.create(h.newRefund(p.ID, "30.00"))
		if first.State() != payment.Completed || first.Parent != p.ID || first.Method != payment.BasicCard || first.Terminal == "" {
			t.Errorf("partial refund: %+v", first)
		}
		refused(t, try(h.newRefund(p.ID, "70.01")), payment.CodeInvalidAmount, "amount")
		h.create(h.newRefund(p.ID, "20.00"))
		if rest := h.create(h.newRefund(p.ID, "")); rest.Asked.Amount != amount("50.00") || rest.State() != payment.Completed {
			t.Errorf("a refund without an amount is of %s, want all that is left", rest.Asked.Amount)
		}
		refused(t, try(h.newRefund(p.ID, "0.01")), payment.CodeInvalidAmount, "amount")
		refused(t, try(h.newRefund(p.ID, "")), payment.CodeInvalidAmount, "amount")

		q := h.deposit("10.00")
		dollars := h.newRefund(q.ID, "1.00")
		dollars.Currency = "USD"
		refused(t, try(dollars), payment.CodeInvalidCurrency, "currency")
		refused(t, try(h.newRefund(q.ID, "1.001")), payment.CodeInvalidAmount, "amount")
		refused(t, try(h.newRefund("00000000000000000000000000000000", "1.00")), payment.CodeNotFound, "parentPaymentId")
		blik := h.newRefund(q.ID, "1.00")
		blik.Method = payment.Blik
		refused(t, try(blik), payment.CodeWrongState, "paymentMethod")
		stranger := h.newRefund(q.ID, "1.00")
		stranger.Shop = h.NewShop(t, nil).Shop
		refused(t, try(stranger), payment.CodeNotFound, "parentPaymentId")

		waiting := h.create(h.newDeposit("10.00", cardApproved))
		refused(t, try(h.newRefund(waiting.ID, "1.00")), payment.CodeWrongState, "parentPaymentId")
		refused(t, try(h.newRefund(h.hold("10.00").ID, "1.00")), payment.CodeWrongState, "parentPaymentId")
		refused(t, try(h.newRefund(first.ID, "1.00")), payment.CodeWrongState, "parentPaymentId")

		big := h.deposit("20000.00") // the provider gives back at most 10,000 at a time
		if r := h.create(h.newRefund(big.ID, "15000.00")); r.State() != payment.Declined || r.ErrorCode != "3.05" {
			t.Errorf("%s %q, want DECLINED 3.05", r.State(), r.ErrorCode)
		}
		if r := h.create(h.newRefund(big.ID, "10000.00")); r.State() != payment.Completed {
			t.Errorf("what a declined refund had reserved is free again: %s", r.State())
		}
		h.agree()
	})
}

func TestRefundOfPartialCapture(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.hold("100.00")
		_, err := h.Engine.Capture(t.Context(), h.target(p.ID), amount("100.01"))
		refused(t, err, payment.CodeInvalidAmount, "amount")
		_, err = h.Engine.Capture(t.Context(), h.target(p.ID), amount("1.001"))
		refused(t, err, payment.CodeInvalidAmount, "amount")
		o, err := h.Engine.Capture(t.Context(), h.target(p.ID), amount("40.00"))
		if err != nil || o.Payment.State() != payment.Completed || o.Payment.Captured != amount("40.00") {
			t.Fatalf("%+v %v", o.Payment, err)
		}
		_, err = h.Engine.Create(t.Context(), h.newRefund(p.ID, "40.01"))
		refused(t, err, payment.CodeInvalidAmount, "amount")
		h.create(h.newRefund(p.ID, "40.00"))
		_, err = h.Engine.Capture(t.Context(), h.target(p.ID), amount("1.00"))
		refused(t, err, payment.CodeWrongState, "")
		_, err = h.Engine.Void(t.Context(), h.target(p.ID))
		refused(t, err, payment.CodeWrongState, "")
		h.agree()
	})
}

func TestRefusedCaptureLeavesTheHold(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.hold("15.00")
		h.scenario("capture", "15.00", simulator.Effect{ResponseCode: "51"})
		o, err := h.Engine.Capture(t.Context(), h.target(p.ID), money.Amount{})
		if err != nil || o.Payment.State() != payment.Authorized || o.Payment.ErrorCode != "4.01" {
			t.Fatalf("%s %q %v, want AUTHORIZED 4.01", o.Payment.State(), o.Payment.ErrorCode, err)
		}
		o, err = h.Engine.Capture(t.Context(), h.target(p.ID), money.Amount{})
		if err != nil || o.Payment.State() != payment.Completed || o.Payment.ErrorCode != "" {
			t.Errorf("%s %q %v, want COMPLETED without a code", o.Payment.State(), o.Payment.ErrorCode, err)
		}
		expired := h.hold("16.00")
		h.Clock.Advance(8 * 24 * time.Hour) // holds last seven days
		o, err = h.Engine.Capture(t.Context(), h.target(expired.ID), money.Amount{})
		if err != nil || o.Payment.State() != payment.Cancelled || o.Payment.ErrorCode != payment.CodeTimeout {
			t.Errorf("%s %q %v, want CANCELLED 1.04", o.Payment.State(), o.Payment.ErrorCode, err)
		}
		h.agree()
	})
}

func TestRecurring(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		begin := func(number string) payment.Payment {
			c := h.newDeposit("10.00", number)
			c.StartRecurring = true
			return h.execute(h.create(c).ID)
		}
		follow := func(token, value string) engine.Create {
			return engine.Create{Shop: h.shop, Type: payment.Deposit, Amount: amount(value), Currency: "EUR", RecurringToken: token}
		}
		first := begin(cardApproved)
		if first.State() != payment.Completed || len(first.RecurringToken) != 32 {
			t.Fatalf("%s, token %q", first.State(), first.RecurringToken)
		}
		for range 3 {
			next := h.create(follow(first.RecurringToken, "5.00"))
			if next.State() != payment.Completed || next.Method != payment.BasicCard || next.RecurringToken != "" && next.RecurringToken != first.RecurringToken {
				t.Errorf("follow-up: %+v", next)
			}
		}
		if r := h.create(h.newRefund(h.create(follow(first.RecurringToken, "6.00")).ID, "")); r.State() != payment.Completed {
			t.Errorf("refund of a follow-up: %s", r.State())
		}
		_, err := h.Engine.Create(t.Context(), follow("no-such-token", "5.00"))
		refused(t, err, payment.CodeNoRecurring, "recurringToken")
		wrong := follow(first.RecurringToken, "5.00")
		wrong.Parent = h.deposit("1.00").ID
		_, err = h.Engine.Create(t.Context(), wrong)
		refused(t, err, payment.CodeNoRecurring, "parentPaymentId")
		right := follow(first.RecurringToken, "5.00")
		right.Parent = first.ID
		if p := h.create(right); p.State() != payment.Completed || p.Parent != first.ID {
			t.Errorf("with the right parent: %s", p.State())
		}
		stranger := follow(first.RecurringToken, "5.00")
		stranger.Shop = h.NewShop(t, nil).Shop
		_, err = h.Engine.Create(t.Context(), stranger)
		refused(t, err, payment.CodeNoRecurring, "recurringToken")

		once := begin(cardOnce)
		if p := h.create(follow(once.RecurringToken, "5.00")); p.State() != payment.Declined || p.ErrorCode != "4.08" || p.ExternalCode != "R1" {
			t.Errorf("%s %q %q, want DECLINED 4.08 by R1", p.State(), p.ErrorCode, p.ExternalCode)
		}
		if p := h.create(follow(once.RecurringToken, "5.00")); p.State() != payment.Declined || p.ErrorCode != payment.CodeNoRecurring || len(p.Attempts) > 0 {
			t.Errorf("a revoked chain was charged again: %s %q after %d attempts", p.State(), p.ErrorCode, len(p.Attempts))
		}
		if p := begin(cardDeclined); p.RecurringToken != "" {
			t.Error("a declined payment starts no chain")
		}
		if p := h.deposit("3.00"); p.RecurringToken != "" {
			t.Error("a chain that nobody asked for")
		}
		held := h.newDeposit("10.00", cardApproved)
		held.StartRecurring, held.PreAuth = true, true
		if p := h.execute(h.create(held).ID); p.State() != payment.Authorized || p.RecurringToken == "" {
			t.Errorf("a chain begun with a hold: %s %q", p.State(), p.RecurringToken)
		}
		preAuth := follow(first.RecurringToken, "5.00")
		preAuth.PreAuth = true
		if p := h.create(preAuth); p.State() != payment.Authorized {
			t.Errorf("a follow-up that only holds: %s", p.State())
		}
		h.agree()
	})
}

// TestPayoutToNobody: what the request lacks is no trouble with the line to the provider.
func TestPayoutToNobody(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, m := range []payment.Method{payment.BasicCard, payment.Pix} {
			c := h.newWithdrawal("10.00")
			c.Means, c.Method = nil, m
			if p := h.create(c); p.State() != payment.Declined || p.ErrorCode != payment.CodeAcquirerRequest {
				t.Errorf("%s: %s %q, want DECLINED 3.02", m, p.State(), p.ErrorCode)
			}
		}
		h.agree()
	})
}

// TestFollowUpOnlyWhereItsTerminalCan: a chain stays at the terminal that has its card, so what that cannot do is not
// done, and nothing is sent.
func TestFollowUpOnlyWhereItsTerminalCan(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) {
			s.Terminals[0].Currencies, s.Terminals[0].PreAuth = []money.Currency{"EUR"}, false
		})
		first := h.newDeposit("10.00", cardApproved)
		first.StartRecurring = true
		token := h.execute(h.create(first).ID).RecurringToken
		for _, c := range []struct {
			name     string
			currency money.Currency
			hold     bool
			state    payment.State
			code     payment.ErrorCode
		}{
			{"as begun", "EUR", false, payment.Completed, ""},
			{"a currency that the terminal does not take", "USD", false, payment.Declined, payment.CodeInvalidCurrency},
			{"a hold at a terminal without holds", "EUR", true, payment.Declined, payment.CodeNoTerminal},
		} {
			p := h.create(engine.Create{Shop: h.shop, Type: payment.Deposit, Amount: amount("5.00"), Currency: c.currency,
				PreAuth: c.hold, RecurringToken: token})
			if p.State() != c.state || p.ErrorCode != c.code || (len(p.Attempts) > 0) != (c.code == "") {
				t.Errorf("%s: %s %q after %d attempts, want %s %q", c.name, p.State(), p.ErrorCode, len(p.Attempts), c.state, c.code)
			}
		}
		h.agree()
	})
}

// TestChainsAreBegunByCardOnly: what no later charge can rest on is refused before money moves.
func TestChainsAreBegunByCardOnly(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, m := range payment.Methods() {
			if m == payment.BasicCard {
				continue
			}
			c := h.newDeposit("10.00", cardApproved)
			c.Means, c.Method, c.StartRecurring = nil, m, true
			if p := h.execute(h.create(c).ID); p.State() != payment.Declined || p.ErrorCode != payment.CodeNoTerminal || len(p.Attempts) > 0 {
				t.Errorf("%s: %s %q, want DECLINED 1.05 and nothing sent", m, p.State(), p.ErrorCode)
			}
		}
		open := h.newDeposit("10.00", cardApproved)
		open.Means, open.StartRecurring = nil, true
		p := h.create(open)
		if got := engine.Methods(h.shop, &p); len(got) != 1 || got[0] != payment.BasicCard {
			t.Errorf("the customer is offered %v, want a card only", got)
		}
		h.agree()
	})
}

func TestChainBegunByAPaymentWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		c := h.newDeposit("6600.05", cardApproved) // books, then drops the connection
		c.StartRecurring = true
		p := h.settleByClock(h.execute(h.create(c).ID).ID)
		if p.State() != payment.Completed || p.RecurringToken == "" {
			t.Fatalf("%s, token %q", p.State(), p.RecurringToken)
		}
		next := h.create(engine.Create{Shop: h.shop, Type: payment.Deposit, Amount: amount("5.00"), Currency: "EUR",
			RecurringToken: p.RecurringToken})
		if next.State() != payment.Completed {
			t.Errorf("follow-up: %s", next.State())
		}
		h.agree()
	})
}

func TestReferenceModes(t *testing.T) {
	t.Parallel()
	onModes := func(mode shop.ReferenceMode, fn func(t *testing.T, h *house)) {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				fn(t, newHouse(t, d, func(s *shop.Shop) { s.Settings.ReferenceMode = mode }))
			})
		})
	}
	twice := func(h *house, number, first, second string) (a engine.Outcome, b engine.Outcome, err error) {
		c := h.newDeposit("10.00", number)
		c.Fingerprint = []byte(first)
		if a, err = h.Engine.Create(h.t.Context(), c); err != nil {
			h.t.Fatal(err)
		}
		if number == cardDeclined {
			a.Payment = h.execute(a.Payment.ID)
		}
		again := c
		again.Means, again.Fingerprint = cardOf(h.t, number), []byte(second)
		b, err = h.Engine.Create(h.t.Context(), again)
		return a, b, err
	}
	unique := func(t *testing.T, of payment.ID, err error) {
		t.Helper()
		var d *engine.DuplicateReference
		if !errors.As(err, &d) || d.Of != of {
			t.Errorf("got %v, want a duplicate of %s", err, of)
		}
	}
	onModes(shop.ReferenceOff, func(t *testing.T, h *house) {
		a, b, err := twice(h, cardApproved, "x", "x")
		if err != nil || a.Payment.ID == b.Payment.ID || b.DuplicateOf != "" {
			t.Errorf("%v %+v", err, b)
		}
	})
	onModes(shop.ReferenceWarn, func(t *testing.T, h *house) {
		a, b, err := twice(h, cardApproved, "x", "y")
		if err != nil || a.Payment.ID == b.Payment.ID || a.DuplicateOf != "" || b.DuplicateOf != a.Payment.ID {
			t.Errorf("%v, duplicate of %q", err, b.DuplicateOf)
		}
	})
	onModes(shop.ReferenceOneLive, func(t *testing.T, h *house) {
		a, b, err := twice(h, cardApproved, "x", "x")
		if err != nil || b.Payment.ID != a.Payment.ID || !b.Replayed {
			t.Errorf("the same request: %v %+v", err, b)
		}
		a, _, err = twice(h, cardApproved, "x", "y")
		unique(t, a.Payment.ID, err)
		a, b, err = twice(h, cardDeclined, "x", "y")
		if err != nil || a.Payment.State() != payment.Declined || b.Payment.ID == a.Payment.ID {
			t.Errorf("after a decline the reference is free: %v", err)
		}
	})
	onModes(shop.ReferenceStrict, func(t *testing.T, h *house) {
		a, _, err := twice(h, cardDeclined, "x", "y")
		unique(t, a.Payment.ID, err)
		c := h.newWithdrawal("1.00") // another type: references of deposits do not matter
		c.Reference, c.Fingerprint = a.Payment.Reference, []byte("z")
		first := h.create(c)
		c.Means, c.Fingerprint = cardOf(t, cardApproved), []byte("other")
		_, err = h.Engine.Create(t.Context(), c)
		unique(t, first.ID, err)
		h.settleByClock(first.ID)
	})
}

func TestReferenceOnceUnderConcurrency(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.ReferenceMode = shop.ReferenceStrict })
		c := h.newWithdrawal("5.00")
		c.Reference, c.Fingerprint = "payout-1", []byte("same")
		ids := make([]payment.ID, 20)
		together(len(ids), func(i int) {
			mine := c
			mine.Means = cardOf(t, cardApproved)
			o, err := h.Engine.Create(t.Context(), mine)
			if err != nil {
				t.Errorf("create: %v", err)
			}
			ids[i] = o.Payment.ID
		})
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("payments %s and %s under one reference", ids[0], id)
			}
		}
		h.agree()
	})
}

func TestHostToHostMustBeAllowed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.HostToHost = false })
		for _, recurring := range []bool{false, true} {
			c := h.newDeposit("10.00", cardApproved)
			c.StartRecurring = recurring
			if _, err := h.Engine.Create(t.Context(), c); !errors.Is(err, engine.ErrNoCards) || !errors.Is(err, engine.ErrForbidden) {
				t.Errorf("with a card: %v, want ErrNoCards", err)
			}
		}
		if list, _, err := h.Records.List(t.Context(), payment.Filter{Shop: h.shop.ID, Limit: 10}); err != nil || len(list) != 0 {
			t.Errorf("kept: %v %v", list, err)
		}
		c := h.newDeposit("10.00", cardApproved)
		c.Means, c.Method = nil, payment.BasicCard
		p := h.create(c)
		_, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)})
		if !errors.Is(err, engine.ErrNoCards) {
			t.Errorf("got %v, want ErrNoCards", err)
		}
		if _, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Hosted: true}); err == nil {
			t.Error("executed with a card from nowhere")
		}
		h.reach(h.create(h.newWithdrawal("3.00")), payment.Completed) // its card is where the money goes
		o, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Hosted: true, Means: cardOf(t, cardApproved)})
		if err != nil || o.Payment.State() != payment.Completed {
			t.Errorf("our own page may: %s %v", o.Payment.State(), err)
		}
		inactive := *h.shop
		inactive.Active = false
		for name, call := range map[string]func() error{
			"create": func() error {
				c := h.newDeposit("1.00", cardApproved)
				c.Shop, c.Means = &inactive, nil
				_, err := h.Engine.Create(t.Context(), c)
				return err
			},
			"cancel": func() error {
				_, err := h.Engine.Cancel(t.Context(), engine.Target{Shop: &inactive, ID: p.ID})
				return err
			},
		} {
			if err := call(); !errors.Is(err, engine.ErrForbidden) {
				t.Errorf("%s for an inactive shop: %v, want ErrForbidden", name, err)
			}
		}
		h.agree()
	})
}

// TestWhatWasDoneIsAnsweredWhateverTheShopMayNow: a repetition is no new card.
func TestWhatWasDoneIsAnsweredWhateverTheShopMayNow(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		c := h.newDeposit("10.00", cardApproved)
		c.Idem = key("POST", "again", "a deposit")
		p := h.create(c)
		run := engine.Execute{Target: h.target(p.ID)}
		run.Idem = key("PATCH", "again", "go")
		if _, err := h.Engine.Execute(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		now := *h.shop
		now.Settings.HostToHost = false
		c.Shop, c.Means, run.Shop = &now, cardOf(t, cardApproved), &now
		if o, err := h.Engine.Create(t.Context(), c); err != nil || !o.Replayed || o.Payment.ID != p.ID {
			t.Errorf("create: %+v %v", o, err)
		}
		if o, err := h.Engine.Execute(t.Context(), run); err != nil || !o.Replayed || o.Payment.State() != payment.Completed {
			t.Errorf("execute: %+v %v", o, err)
		}
		h.agree()
	})
}

func TestExecuteNeedsWhatTheMethodNeeds(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		run := func(c engine.Create) error {
			_, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(h.create(c).ID)})
			return err
		}
		lacks := func(err error, field string) {
			t.Helper()
			var m *payment.Missing
			if !errors.As(err, &m) || m.Field != field {
				t.Errorf("got %v, want %s to be missing", err, field)
			}
		}
		base := engine.Create{Shop: h.shop, Type: payment.Deposit, Amount: amount("10.00"), Currency: "EUR"}
		lacks(run(base), "paymentMethod")
		byCard := base
		byCard.Method = payment.BasicCard
		lacks(run(byCard), "card")
		open := h.newDeposit("10.00", cardApproved)
		open.Amount = money.Amount{}
		lacks(run(open), "amount")

		p := h.create(h.newDeposit("10.00", cardApproved))
		h.Clock.Advance(vaultIsOver)
		_, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)})
		lacks(err, "card")
		_, err = h.Engine.Execute(t.Context(), engine.Execute{Target: h.target("00000000000000000000000000000000")})
		if !errors.Is(err, payment.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		h.agree()
	})
}

// vaultIsOver is longer than a card waits in memory.
const vaultIsOver = 16 * time.Minute

func TestWithdrawal(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.create(h.newWithdrawal("12.34"))
		if p.State() != payment.Completed || p.Terminal == "" {
			t.Errorf("%+v", p)
		}
		if p := h.create(h.newWithdrawal("10000.01")); p.State() != payment.Declined || p.ErrorCode != "3.05" {
			t.Errorf("%s %q, want DECLINED 3.05", p.State(), p.ErrorCode)
		}
		if p := h.create(h.newWithdrawal("0.001")); p.State() != payment.Declined || p.ErrorCode != payment.CodeInvalidAmount {
			t.Errorf("%s %q, want DECLINED 1.08", p.State(), p.ErrorCode)
		}
		_, err := h.Engine.Void(t.Context(), h.target(p.ID))
		refused(t, err, payment.CodeWrongState, "")
		_, err = h.Engine.Cancel(t.Context(), h.target(p.ID))
		refused(t, err, payment.CodeWrongState, "")
		h.agree()
	})
}

func TestNoTerminal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Terminals[0].Methods = []payment.Method{payment.Blik} })
		if p := h.execute(h.create(h.newDeposit("10.00", cardApproved)).ID); p.State() != payment.Declined || p.ErrorCode != payment.CodeNoTerminal {
			t.Errorf("%s %q, want DECLINED 1.05", p.State(), p.ErrorCode)
		}
		if p := h.create(h.newWithdrawal("10.00")); p.State() != payment.Declined || p.ErrorCode != payment.CodeNoTerminal {
			t.Errorf("%s %q, want DECLINED 1.05", p.State(), p.ErrorCode)
		}
		h.agree()
	})
}

func TestThreeDSIsFinishedByTheReturn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.execute(h.create(h.newDeposit("10.00", cardChallenge)).ID)
		if p.State() != payment.Pending || p.LiveAttempt().Class != payment.ClassWaiting {
			t.Fatalf("%s, want PENDING and waiting", p.State())
		}
		where, err := h.Engine.SendAway(t.Context(), h.target(p.ID))
		if err != nil || !where.Leads() {
			t.Fatalf("%+v %v", where, err)
		}
		back, err := h.Engine.Return(t.Context(), h.target(p.ID), nil) // the customer only came back: that proves nothing
		if err != nil || back.State() != payment.Pending {
			t.Fatalf("%s %v, want PENDING", back.State(), err)
		}
		if err := h.Simulator.Decide(p.LiveAttempt().Key, "00"); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(time.Minute) // anybody can come back once more; it is looked at when a check is due
		if back, err = h.Engine.Return(t.Context(), h.target(p.ID), nil); err != nil || back.State() != payment.Completed {
			t.Fatalf("%s %v, want COMPLETED", back.State(), err)
		}
		if back, err = h.Engine.Return(t.Context(), h.target(p.ID), nil); err != nil || back.State() != payment.Completed {
			t.Errorf("twice: %s %v", back.State(), err)
		}
		h.agree()
	})
}

func TestCancelledCheckoutStaysCancelled(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for range rounds(t, 10) {
			p := h.create(h.newDeposit("10.00", cardApproved))
			errs := make([]error, 2)
			together(2, func(i int) {
				if i == 0 {
					_, errs[i] = h.Engine.Cancel(t.Context(), h.target(p.ID))
				} else {
					_, errs[i] = h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)})
				}
			})
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Errorf("cancelled and submitted: %v", errs)
			}
		}
		h.agree()
	})
}
