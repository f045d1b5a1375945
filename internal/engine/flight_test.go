package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// elsewhere is secondNode with a memory of its own.
func (h *house) elsewhere(edit func(*engine.Config)) *engine.Engine {
	h.t.Helper()
	c := h.secondNode().Config()
	c.Vault, c.Exclusive = vault.NewHolder(h.Clock.Now), false
	if edit != nil {
		edit(&c)
	}
	return engine.New(c)
}

// asksCode has the terminal of a shop want security codes.
func asksCode(s *shop.Shop) {
	at := &s.Terminals[0]
	at.Config = []byte(strings.TrimSuffix(string(at.Config), "}") + `,"askSecurityCode":true}`)
}

func code(t testing.TB, text string) *instrument.Card {
	t.Helper()
	c, err := instrument.ParseSecurityCode(text)
	if err != nil {
		t.Fatal(err)
	}
	return &instrument.Card{SecurityCode: c}
}

// TestACardIsExecutedByAnotherNode: also when the one that got it is dead. It goes on without the code, and nothing of the card
// is left afterwards.
func TestACardIsExecutedByAnotherNode(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("10.00", cardApproved))
		stored := h.stored(p.ID)
		if id, sealed := vault.SealedKey(stored.Means); !sealed || id == "" || strings.Contains(stored.Means, cardApproved) {
			t.Fatalf("kept as %q", stored.Means)
		}
		if held := instrument.CardOf(h.Engine.Config().Vault.Get(p.ID)); held == nil || !held.Number.IsZero() || held.SecurityCode.Reveal() != "123" {
			t.Errorf("in memory is more than the code, or not even that: %v", held)
		}
		o, err := h.elsewhere(nil).Execute(t.Context(), engine.Execute{Target: h.target(p.ID)})
		if err != nil || o.Payment.State() != payment.Completed || o.Payment.Instrument.CardholderName != "JANE DOE" {
			t.Fatalf("%s %q %v", o.Payment.State(), o.Payment.ErrorCode, err)
		}
		if left := h.stored(p.ID); left.Means != "" {
			t.Errorf("kept after the end: %q", left.Means)
		}
		h.agree()
	})
}

// TestTheCodeAloneIsAskedFor where the provider wants it and the node that got it is another one, or was started anew.
func TestTheCodeAloneIsAskedFor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, asksCode)
		ctx := t.Context()
		p := h.create(h.newDeposit("10.00", cardApproved))
		elsewhere := h.elsewhere(nil)
		if c := h.Engine.KeptCard(ctx, h.shop, &p); c == nil || c.AskCode || c.Last4 != "0408" || c.Brand != instrument.BrandVisa {
			t.Errorf("where the code is: %+v", c)
		}
		if c := elsewhere.KeptCard(ctx, h.shop, &p); c == nil || !c.AskCode || c.Last4 != "0408" {
			t.Errorf("where it is not: %+v", c)
		}
		missing := new(payment.Missing)
		if _, err := elsewhere.Execute(ctx, engine.Execute{Target: h.target(p.ID)}); !errors.As(err, &missing) || missing.Field != "card.cardSecurityCode" {
			t.Fatalf("without the code: %v", err)
		}
		if now := h.stored(p.ID); now.Version != 1 || now.Means != p.Means {
			t.Errorf("a refused order changed the payment to %+v", now)
		}
		given := code(t, "321")
		o, err := elsewhere.Execute(ctx, engine.Execute{Target: h.target(p.ID), Means: given})
		if err != nil || o.Payment.State() != payment.Completed || !given.SecurityCode.IsZero() {
			t.Errorf("with the code: %s %v, wiped %t", o.Payment.State(), err, given.SecurityCode.IsZero())
		}

		h.reach(h.execute(h.create(h.newDeposit("11.00", cardApproved)).ID), payment.Completed) // where it is
		bare := h.newDeposit("12.00", cardApproved)
		instrument.CardOf(bare.Means).SecurityCode = instrument.SecurityCode{}
		p = h.create(bare)
		if o, err = elsewhere.Execute(ctx, engine.Execute{Target: h.target(p.ID)}); err != nil || o.Payment.State() != payment.Completed {
			t.Errorf("a card that came without a code: %s %v", o.Payment.State(), err)
		}
		p = h.create(engine.Create{Shop: h.shop, Type: payment.Deposit, Amount: amount("13.00"), Currency: "EUR", Method: payment.BasicCard})
		if _, err = elsewhere.Execute(ctx, engine.Execute{Target: h.target(p.ID), Means: code(t, "123")}); !errors.As(err, &missing) || missing.Field != "card" {
			t.Errorf("a code without a card: %v", err)
		}
		h.agree()
	})
}

// seeingCodes is the sandbox connector, which notes the last digits and the code of each card that it charges.
func seeingCodes(got *[]string) []connector.Type {
	t := sandbox.Type()
	parse := t.Parse
	t.Parse = func(settings json.RawMessage) (connector.Config, error) {
		c, err := parse(settings)
		return seeingConfig{c, got}, err
	}
	return []connector.Type{t}
}

type seeingConfig struct {
	connector.Config
	got *[]string
}

func (c seeingConfig) Open(d connector.Deps) (connector.Connector, error) {
	inner, err := c.Config.Open(d)
	return seeing{inner, c.got}, err
}

type seeing struct {
	connector.Connector
	got *[]string
}

func (s seeing) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	card := instrument.CardOf(r.Means)
	*s.got = append(*s.got, card.Number.Last4()+"/"+card.SecurityCode.Reveal())
	return s.Connector.Start(ctx, r)
}

// TestTheProviderGetsTheCodeThatWasGiven, and never one of another node's memory.
func TestTheProviderGetsTheCodeThatWasGiven(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		var got []string
		e := h.elsewhere(func(c *engine.Config) { c.Connectors = seeingCodes(&got) })
		p := h.create(h.newDeposit("10.00", cardApproved))
		if _, err := e.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)}); err != nil {
			t.Fatal(err)
		}
		p = h.create(h.newDeposit("10.00", cardApproved))
		if _, err := e.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Means: code(t, "987")}); err != nil {
			t.Fatal(err)
		}
		here := h.other(func(c *engine.Config) { c.Connectors = seeingCodes(&got) })
		p = h.create(h.newDeposit("10.00", cardApproved))
		if _, err := here.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)}); err != nil {
			t.Fatal(err)
		}
		if want := []string{"0408/", "0408/987", "0408/123"}; !slices.Equal(got, want) {
			t.Errorf("the provider got %q, want %q", got, want)
		}
	})
}

// TestACardIsForgottenInTime: by due work, whoever has it, and the customer can still pay.
func TestACardIsForgottenInTime(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("10.00", cardApproved))
		if want := p.Created.Add(payment.MeansHold); !p.Due.Equal(want) {
			t.Errorf("due %s, want %s", p.Due, want)
		}
		if now := h.workBy(h.elsewhere(nil), p.ID, 1); now.Means != "" || now.State() != payment.Checkout || !now.Due.Equal(now.CheckoutUntil) ||
			!now.Updated.Equal(p.Updated) || now.Ops != p.Ops {
			t.Errorf("%+v", now)
		}
		missing := new(payment.Missing)
		if _, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)}); !errors.As(err, &missing) || missing.Field != "card" {
			t.Errorf("later: %v", err)
		}
		h.reach(h.pay(p.ID, cardApproved), payment.Completed)

		p = h.create(h.newDeposit("10.00", cardApproved))
		h.Clock.Advance(payment.MeansHold)
		if _, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)}); !errors.As(err, &missing) || missing.Field != "card" {
			t.Errorf("before the due work has come: %v", err)
		}
		if c := h.Engine.KeptCard(t.Context(), h.shop, &p); c != nil {
			t.Errorf("a page would show %+v", c)
		}
		h.agreeAlone()
	})
}

// pay executes with a card in the order.
func (h *house) pay(id payment.ID, number string) payment.Payment {
	h.t.Helper()
	o, err := h.Engine.Execute(h.t.Context(), engine.Execute{Target: h.target(id), Means: cardOf(h.t, number)})
	if err != nil {
		h.t.Fatal(err)
	}
	return o.Payment
}

// TestSwappedMeansAreRefused: who can write to the database cannot have one customer pay another's deposit, nor a payout go to
// another's card.
func TestSwappedMeansAreRefused(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		out := &wayOut{}
		out.shut.Store(true)
		e, reads := h.byWay(out), h.elsewhere(nil) // one that remembers nothing of them
		swap := func(one, other *payment.Payment) {
			h.d.Exec(`UPDATE payment SET means = $1 WHERE id = $2`, other.Means, string(one.ID))
			h.d.Exec(`UPDATE payment SET means = $1 WHERE id = $2`, one.Means, string(other.ID))
		}
		one, other := h.create(h.newDeposit("10.00", cardApproved)), h.create(h.newDeposit("10.00", cardApproved))
		swap(&one, &other)
		missing := new(payment.Missing)
		for _, id := range []payment.ID{one.ID, other.ID} {
			if _, err := reads.Execute(t.Context(), engine.Execute{Target: h.target(id)}); !errors.As(err, &missing) || missing.Field != "card" {
				t.Errorf("swapped: %v", err)
			}
			h.reach(h.pay(id, cardApproved), payment.Completed)
		}
		plain := h.create(h.newDeposit("10.00", cardApproved))
		h.d.Exec(`UPDATE payment SET means = $1 WHERE id = $2`, cardApproved, string(plain.ID))
		if _, err := reads.Execute(t.Context(), engine.Execute{Target: h.target(plain.ID)}); !errors.As(err, &missing) || missing.Field != "card" {
			t.Errorf("in clear: %v", err)
		}

		first, err := e.Create(t.Context(), h.newWithdrawal("33.00"))
		if err != nil {
			t.Fatal(err)
		}
		second, err := e.Create(t.Context(), h.newWithdrawal("34.00"))
		if err != nil {
			t.Fatal(err)
		}
		swap(&first.Payment, &second.Payment)
		out.shut.Store(false)
		h.Clock.Advance(time.Hour)
		for _, p := range []payment.Payment{first.Payment, second.Payment} {
			if err := e.Work(t.Context(), h.shop.ID, p.ID); !errors.Is(err, engine.ErrUnavailable) {
				t.Errorf("a payout to another's card: %v", err)
			}
		}
		h.d.Exec(`UPDATE payment SET means = $1 WHERE id = $2`, first.Payment.Means, string(first.Payment.ID))
		h.d.Exec(`UPDATE payment SET means = $1 WHERE id = $2`, second.Payment.Means, string(second.Payment.ID))
		if out.posts() != 0 {
			t.Errorf("%d payouts left", out.posts())
		}
		for _, p := range []payment.Payment{first.Payment, second.Payment} {
			h.reach(h.workBy(e, p.ID, 1), payment.Completed)
		}
	})
}

// TestRotationUnderLoadLosesNoCard: cards are created at one node and executed at another while keys are rotated and everything
// is sealed anew; what waits all the while can be executed at the end, when the keys before are gone.
func TestRotationUnderLoadLosesNoCard(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		nodes := []*engine.Engine{h.Engine, h.elsewhere(nil), h.elsewhere(nil)}
		out := &wayOut{}
		out.shut.Store(true)
		e := h.byWay(out)
		payout, err := e.Create(t.Context(), h.newWithdrawal("33.00")) // which waits until the keys are gone
		if err != nil || payout.Payment.Means == "" {
			t.Fatalf("%s %v", payout.Payment.State(), err)
		}
		waits := make([]payment.Payment, 5)
		for i := range waits {
			waits[i] = h.create(h.newDeposit("10.00", cardApproved))
		}
		stop, rotated := make(chan struct{}), make(chan int)
		go func() {
			n := 0
			defer func() { rotated <- n }()
			for ; ; n++ {
				if err := errors.Join(h.rotate(t.Context()), h.sealAll(t.Context())); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
		together(4, func(w int) {
			for i := range 6 {
				o, err := nodes[(w+i)%3].Create(t.Context(), h.newDeposit("10.00", cardApproved))
				if err == nil {
					o, err = nodes[(w+i+1)%3].Execute(t.Context(), engine.Execute{Target: h.target(o.Payment.ID)})
				}
				if err != nil || o.Payment.State() != payment.Completed {
					t.Errorf("%s %q %v", o.Payment.State(), o.Payment.ErrorCode, err)
				}
			}
		})
		close(stop)
		t.Logf("%d rotations", <-rotated)
		for _, p := range waits {
			if now := h.stored(p.ID); now.Means == p.Means || now.Means == "" {
				t.Errorf("%q was not sealed anew", now.Means)
			}
			if o, err := nodes[1].Execute(t.Context(), engine.Execute{Target: h.target(p.ID)}); err != nil || o.Payment.State() != payment.Completed {
				t.Errorf("%s %v", o.Payment.State(), err)
			}
		}
		for range 2 {
			h.Clock.Advance(25 * time.Hour)
			if err := h.sealAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		h.onlyNewest()
		out.shut.Store(false)
		h.reach(h.workBy(h.elsewhere(func(c *engine.Config) { c.Client = e.Config().Client }), payout.Payment.ID, 1), payment.Completed)
		h.agree()
	})
}

// writesOf counts what is written while f runs, by name.
func (h *house) writesOf(f func()) map[string]int {
	writes := map[string]int{}
	h.hook.set(func(at store.FaultPoint, names []string) error {
		if at == store.FaultBeforeGroup {
			for _, name := range names {
				writes[name]++
			}
		}
		return nil
	})
	f()
	h.hook.set(nil)
	return writes
}

// TestKeepingACardCostsNoStatement: it stands in rows that are written anyway.
func TestKeepingACardCostsNoStatement(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		var kept, given payment.Payment
		withCard := h.newDeposit("10.00", cardApproved)
		without := withCard
		without.Means, without.Method, without.Reference = nil, payment.BasicCard, "another"
		createKept := h.writesOf(func() { kept = h.create(withCard) })
		createGiven := h.writesOf(func() { given = h.create(without) })
		executeKept := h.writesOf(func() { kept = h.execute(kept.ID) })
		executeGiven := h.writesOf(func() { given = h.pay(given.ID, cardApproved) })
		if !maps.Equal(createKept, createGiven) || len(createKept) == 0 {
			t.Errorf("create with a card: %v, without: %v", createKept, createGiven)
		}
		if !maps.Equal(executeKept, executeGiven) || len(executeKept) == 0 {
			t.Errorf("execute of a card that is kept: %v, that is given: %v", executeKept, executeGiven)
		}
		t.Logf("create: %v; execute: %v", createKept, executeKept)
		h.reach(kept, payment.Completed)
		h.reach(given, payment.Completed)
	})
}
