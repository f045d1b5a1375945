package yandexpay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/yandexpay"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
	"github.com/sluicepay/sluice/internal/testkit/lives"
)

// peers are a life whose provider is an installation of Sluice, with the simulator behind it.
type peers struct {
	*life
	peer  *testkit.App
	there testkit.Member
}

func atAPeer(t *testing.T, twoStage bool, clock *testkit.Clock) *peers {
	t.Helper()
	p := &peers{life: &life{hold: twoStage}}
	p.Life = lives.Begin(t, storetest.New(t, store.SQLite), lives.Account{
		Type: yandexpay.Type(), Methods: []payment.Method{payment.BasicCard}, Currency: "RUB", Clock: clock,
		Open: func(at *lives.Life) (lives.Double, json.RawMessage) {
			p.peer = testkit.New(t, storetest.New(t, store.SQLite).Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock})
			p.there = p.peer.NewShop(t, func(one *shop.Shop) {
				one.Settings.YandexPay.TwoStage, one.Settings.YandexPay.CallbackURL = twoStage, at.NoticeURL()
			})
			id := string(p.there.ID)
			merchant := fmt.Sprintf("%s-%s-4%s-%s-%s", id[:8], id[8:12], id[13:16], id[16:20], id[20:])
			return nil, fmt.Appendf(nil, `{"url":%q,"apiKey":%q,"merchantId":%q,"twoStage":%t,"sluice":true}`, p.peer.URL, p.there.APIKey, merchant, twoStage)
		},
	})
	return p
}

// pay has the customer of a deposit pay at the peer, with a card.
func (p *peers) pay(t *testing.T, c engine.Create, number string) payment.Payment {
	t.Helper()
	made := p.order(c)
	o, err := p.Engine.Execute(t.Context(), engine.Execute{Target: p.Target(made.ID)})
	if err != nil || o.Payment.State() != payment.Pending || !o.Payment.Attempts[0].Next.Leads() {
		t.Fatalf("%s, %v", o.Payment.State(), err)
	}
	p.payHere(t, o.Payment.Attempts[0].Key, number)
	return p.Settled(made.ID)
}

// payHere pays an order at the peer.
func (p *peers) payHere(t *testing.T, key, number string) {
	t.Helper()
	id := p.ordered(t, key)
	with := connectortest.Card(t, number)
	if _, err := p.peer.Engine.Execute(t.Context(), engine.Execute{Target: engine.Target{Shop: p.there.Shop, ID: id}, Hosted: true, Method: payment.BasicCard, Means: with}); err != nil {
		t.Fatal(err)
	}
}

// ordered is the payment of an order at the peer.
func (p *peers) ordered(t *testing.T, key string) payment.ID {
	t.Helper()
	var found []payment.Payment
	err := p.peer.DB.View(t.Context(), func(tx *store.Tx) error {
		var err error
		found, _, err = tx.Payments().List(payment.Filter{Shop: p.there.ID, Reference: key, Limit: 10})
		return err
	})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d orders, %v", len(found), err)
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
			at, err := p.peer.Engine.Get(t.Context(), p.there.ID, p.ordered(t, got.Attempts[0].Key))
			if err != nil || at.State() != want || at.Captured != got.Captured || at.Refunded != got.Refunded {
				t.Errorf("%s: at the provider %s, %s taken, %s given back, %v; want %s and %s", what, at.State(), at.Captured, at.Refunded, err, got.Captured, got.Refunded)
			}
		}
		agrees("declined", p.pay(t, engine.Create{}, bad), payment.Declined)
		if twoStage {
			held := p.pay(t, engine.Create{}, good)
			agrees("hold", held, payment.Authorized)
			agrees("capture", p.Capture(held.ID, "7.5"), payment.Completed)
			agrees("void", p.Void(p.pay(t, engine.Create{}, good).ID), payment.Cancelled)
			continue
		}
		sold := p.pay(t, engine.Create{StartRecurring: true}, good)
		agrees("sale", sold, payment.Completed)
		next := p.order(engine.Create{RecurringToken: sold.RecurringToken})
		agrees("chain", p.Settled(next.ID), payment.Completed)
		for _, part := range []string{"2.5", "8.62"} {
			p.Clock.Advance(time.Minute)
			back := p.Refund(sold.ID, part)
			if back = p.Settled(back.ID); back.State() != payment.Completed {
				t.Errorf("refund of %s: %s %s", part, back.State(), back.ErrorCode)
			}
			agrees("after a refund", p.Get(sold.ID), payment.Completed)
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
	made := p.order(engine.Create{})
	o, err := p.Engine.Execute(t.Context(), engine.Execute{Target: p.Target(made.ID)})
	if err != nil {
		t.Fatal(err)
	}
	p.payHere(t, o.Payment.Attempts[0].Key, "4000000000000408")
	for now := p.Get(made.ID); now.State() == payment.Pending; now = p.Get(made.ID) { // no clock is moved: nothing but the event brings it
		time.Sleep(5 * time.Millisecond)
	}
	var log []payment.Operation
	err = p.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		log, err = tx.Operations().List(p.Shop.ID, made.ID)
		return err
	})
	if err != nil || !slices.ContainsFunc(log, func(op payment.Operation) bool { return op.Kind == payment.OpHandleWebhook }) {
		t.Errorf("no event is on record: %v, %v", log, err)
	}
}
