package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/gateway"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// atAPeer is a life whose provider is an installation of Sluice, with the simulator behind it.
func atAPeer(t *testing.T) (l *life, peer *testkit.App, there testkit.Member) {
	t.Helper()
	clock := testkit.SlowClock(20)
	onClock := func(o *store.Options) { o.Now = clock.Now }
	peer = testkit.New(t, storetest.New(t, store.SQLite).Open(onClock), testkit.Options{Clock: clock})
	there = peer.NewShop(t, nil)
	l = &life{t: t}
	l.App = testkit.New(t, storetest.New(t, store.SQLite).Open(onClock), testkit.Options{Clock: clock, Connectors: []connector.Type{gateway.Type()}})
	l.shop = l.NewShop(t, func(one *shop.Shop) {
		one.Terminals[0].Connector = gateway.Name
		one.Terminals[0].Config = fmt.Appendf(nil, `{"url":%q,"apiKey":%q,"signingKey":%q,"sluice":true}`, peer.URL, there.APIKey, there.SigningKey)
		one.Terminals[0].Methods = []payment.Method{payment.BasicCard, payment.Pix}
	}).Shop
	return l, peer, there
}

// TestAPeerAsProvider: every kind of payment ends at both as it is meant to, under one key.
func TestAPeerAsProvider(t *testing.T) {
	t.Parallel()
	l, peer, there := atAPeer(t)
	const good, bad = "4000000000000408", "4000000000000416"
	agrees := func(what string, p payment.Payment, want payment.State) payment.Payment {
		t.Helper()
		if p.State() != want {
			t.Fatalf("%s: %s %s", what, p.State(), p.ErrorCode)
		}
		id := payment.ID(p.Attempts[0].ProviderRef)
		at, err := peer.Engine.Get(t.Context(), there.ID, id)
		if err != nil || at.State() != want || at.Reference != p.Attempts[0].Key || at.Moves() != p.Moves() {
			t.Errorf("%s: at the provider %s %+v %q, %v; want %+v", what, at.State(), at.Moves(), at.Reference, err, p.Moves())
		}
		return at
	}
	eleven := money.MustParse("11.12")
	agrees("declined", l.deposit(bad, false), payment.Declined)
	sold := l.create(engine.Create{Type: payment.Deposit, Amount: eleven, Means: card(t, good), StartRecurring: true})
	agrees("sale", sold, payment.Completed)
	agrees("chain", l.create(engine.Create{Type: payment.Deposit, Amount: eleven, RecurringToken: sold.RecurringToken}), payment.Completed)
	agrees("refund", l.create(engine.Create{Type: payment.Refund, Parent: sold.ID, Amount: money.MustParse("1.5")}), payment.Completed)
	agrees("payout", l.create(engine.Create{Type: payment.Withdrawal, Method: payment.BasicCard, Amount: eleven, Means: card(t, good)}), payment.Completed)
	for what, want := range map[string]payment.State{"capture": payment.Completed, "void": payment.Cancelled} {
		p := l.deposit(good, true)
		agrees("hold", p, payment.Authorized)
		var o engine.Outcome
		var err error
		if what == "capture" {
			o, err = l.Engine.Capture(t.Context(), l.target(p.ID), money.MustParse("7.5"))
		} else {
			o, err = l.Engine.Void(t.Context(), l.target(p.ID))
		}
		if err != nil {
			t.Fatal(what, err)
		}
		agrees(what, o.Payment, want)
	}
	terms := engine.Create{Type: payment.Deposit, Means: card(t, good), PreAuth: true}
	terms.Terms.Verify = true
	if p := l.create(terms); p.State() != payment.Authorized {
		t.Errorf("verification: %s %s", p.State(), p.ErrorCode)
	}
	asked := l.deposit("4000000000000002", false)
	if next := asked.Attempts[0].Next.URL; asked.State() != payment.Pending || !strings.HasPrefix(next, peer.URL+"/payment/") {
		t.Errorf("3-D Secure: %s, %q", asked.State(), next)
	}
}
