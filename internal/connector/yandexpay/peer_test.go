package yandexpay_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/yandexpay"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// peers are a life whose provider is an installation of Sluice, with the simulator behind it.
type peers struct {
	*life
	peer  *testkit.App
	there testkit.Member
}

func atAPeer(t *testing.T, twoStage bool, clock *testkit.Clock) *peers {
	t.Helper()
	onClock := func(o *store.Options) { o.Now = clock.Now }
	p := &peers{life: &life{t: t, hold: twoStage}}
	p.peer = testkit.New(t, storetest.New(t, store.SQLite).Open(onClock), testkit.Options{Clock: clock})
	p.App = testkit.New(t, storetest.New(t, store.SQLite).Open(onClock), testkit.Options{Clock: clock, Connectors: []connector.Type{yandexpay.Type()}})
	terminal, _ := p.IDs.New()
	p.there = p.peer.NewShop(t, func(one *shop.Shop) {
		one.Settings.YandexPay.TwoStage = twoStage
		one.Settings.YandexPay.CallbackURL = p.URL + "/notices/" + terminal
	})
	p.shop = p.NewShop(t, func(one *shop.Shop) {
		id := string(p.there.ID)
		merchant := fmt.Sprintf("%s-%s-4%s-%s-%s", id[:8], id[8:12], id[13:16], id[16:20], id[20:])
		one.Terminals[0].ID, one.Terminals[0].Connector = terminal, yandexpay.Name
		one.Terminals[0].Config = fmt.Appendf(nil, `{"url":%q,"apiKey":%q,"merchantId":%q,"twoStage":%t,"sluice":true}`, p.peer.URL, p.there.APIKey, merchant, twoStage)
		one.Terminals[0].Methods = []payment.Method{payment.BasicCard}
	}).Shop
	return p
}

// pay has the customer of a deposit pay at the peer, with a card.
func (p *peers) pay(c engine.Create, number string) payment.Payment {
	p.t.Helper()
	c.Type = payment.Deposit
	made := p.create(c)
	o, err := p.Engine.Execute(p.t.Context(), engine.Execute{Target: p.target(made.ID)})
	if err != nil || o.Payment.State() != payment.Pending || !o.Payment.Attempts[0].Next.Leads() {
		p.t.Fatalf("%s, %v", o.Payment.State(), err)
	}
	p.payHere(o.Payment.Attempts[0].Key, number)
	return p.settled(made.ID)
}

// payHere pays an order at the peer.
func (p *peers) payHere(key, number string) {
	p.t.Helper()
	id := p.order(key)
	pan, err := instrument.ParsePAN(number)
	if err != nil {
		p.t.Fatal(err)
	}
	code, err := instrument.ParseSecurityCode("123")
	if err != nil {
		p.t.Fatal(err)
	}
	with := &instrument.Card{Number: pan, SecurityCode: code, Holder: "JANE DOE", ExpiryMonth: "12", ExpiryYear: "2035"}
	if _, err := p.peer.Engine.Execute(p.t.Context(), engine.Execute{Target: engine.Target{Shop: p.there.Shop, ID: id}, Hosted: true, Method: payment.BasicCard, Means: with}); err != nil {
		p.t.Fatal(err)
	}
}

// order is the payment of an order at the peer.
func (p *peers) order(key string) payment.ID {
	p.t.Helper()
	var found []payment.Payment
	err := p.peer.DB.View(p.t.Context(), func(tx *store.Tx) error {
		var err error
		found, _, err = tx.Payments().List(payment.Filter{Shop: p.there.ID, Reference: key, Limit: 10})
		return err
	})
	if err != nil || len(found) != 1 {
		p.t.Fatalf("%d orders, %v", len(found), err)
	}
	return found[0].ID
}

// TestAPeerAsProvider: every kind of payment ends at both as it is meant to, under one key.
func TestAPeerAsProvider(t *testing.T) {
	t.Parallel()
	const good, bad = "4000000000000408", "4000000000000416"
	for _, twoStage := range []bool{false, true} {
		p := atAPeer(t, twoStage, testkit.SlowClock(20))
		agrees := func(what string, got payment.Payment, want payment.State) {
			t.Helper()
			if got.State() != want {
				t.Fatalf("%s: %s %s", what, got.State(), got.ErrorCode)
			}
			at, err := p.peer.Engine.Get(t.Context(), p.there.ID, p.order(got.Attempts[0].Key))
			if err != nil || at.State() != want || at.Captured != got.Captured || at.Refunded != got.Refunded {
				t.Errorf("%s: at the provider %s, %s taken, %s given back, %v; want %s and %s", what, at.State(), at.Captured, at.Refunded, err, got.Captured, got.Refunded)
			}
		}
		agrees("declined", p.pay(engine.Create{}, bad), payment.Declined)
		if twoStage {
			held := p.pay(engine.Create{}, good)
			agrees("hold", held, payment.Authorized)
			o, err := p.Engine.Capture(t.Context(), p.target(held.ID), money.MustParse("7.5"))
			if err != nil {
				t.Fatal(err)
			}
			agrees("capture", o.Payment, payment.Completed)
			held = p.pay(engine.Create{}, good)
			if o, err = p.Engine.Void(t.Context(), p.target(held.ID)); err != nil {
				t.Fatal(err)
			}
			agrees("void", o.Payment, payment.Cancelled)
			continue
		}
		sold := p.pay(engine.Create{StartRecurring: true}, good)
		agrees("sale", sold, payment.Completed)
		next := p.create(engine.Create{Type: payment.Deposit, RecurringToken: sold.RecurringToken})
		agrees("chain", p.settled(next.ID), payment.Completed)
		for _, part := range []string{"2.5", "8.62"} {
			p.Clock.Advance(time.Minute)
			back := p.create(engine.Create{Type: payment.Refund, Parent: sold.ID, Amount: money.MustParse(part)})
			if back = p.settled(back.ID); back.State() != payment.Completed {
				t.Errorf("refund of %s: %s %s", part, back.State(), back.ErrorCode)
			}
			agrees("after a refund", p.get(sold.ID), payment.Completed)
		}
	}
}

// TestAPeerTellsByItsEvents: they are signed, and taken, as both sides publish it, and what they tell is asked for.
func TestAPeerTellsByItsEvents(t *testing.T) {
	t.Parallel()
	p := atAPeer(t, false, &testkit.Clock{})
	p.Work(t)
	posts, err := p.peer.NewRunner(app.Work{Endpoints: 1, PollEvery: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- posts.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	made := p.create(engine.Create{Type: payment.Deposit})
	o, err := p.Engine.Execute(t.Context(), engine.Execute{Target: p.target(made.ID)})
	if err != nil {
		t.Fatal(err)
	}
	p.payHere(o.Payment.Attempts[0].Key, "4000000000000408")
	for now := p.get(made.ID); now.State() == payment.Pending; now = p.get(made.ID) { // no clock is moved: nothing but the event brings it
		time.Sleep(5 * time.Millisecond)
	}
	var log []payment.Operation
	err = p.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		log, err = tx.Operations().List(p.shop.ID, made.ID)
		return err
	})
	if err != nil || !slices.ContainsFunc(log, func(op payment.Operation) bool { return op.Kind == payment.OpHandleWebhook }) {
		t.Errorf("no event is on record: %v, %v", log, err)
	}
}
