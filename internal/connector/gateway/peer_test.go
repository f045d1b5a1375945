package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/gateway"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
	"github.com/sluicepay/sluice/internal/testkit/lives"
)

// atAPeer is a life whose provider is an installation of Sluice, with the simulator behind it.
func atAPeer(t *testing.T) (l *life, peer *testkit.App, there testkit.Member) {
	t.Helper()
	l = &life{Life: lives.Begin(t, storetest.New(t, store.SQLite), lives.Account{
		Type: gateway.Type(), Methods: []payment.Method{payment.BasicCard, payment.Pix}, Currency: "EUR",
		Open: func(at *lives.Life) (lives.Double, json.RawMessage) {
			db := storetest.New(t, store.SQLite).Open(func(o *store.Options) { o.Now = at.Clock.Now })
			peer = testkit.New(t, db, testkit.Options{Clock: at.Clock})
			there = peer.NewShop(t, nil)
			return nil, fmt.Appendf(nil, `{"url":%q,"apiKey":%q,"signingKey":%q,"sluice":true}`, peer.URL, there.APIKey, there.SigningKey)
		},
	})}
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
	agrees("declined", l.deposit(t, bad, false), payment.Declined)
	sold := l.sell(t, engine.Create{Means: connectortest.Card(t, good), StartRecurring: true})
	agrees("sale", sold, payment.Completed)
	agrees("chain", l.Create(engine.Create{RecurringToken: sold.RecurringToken}), payment.Completed)
	agrees("refund", l.Refund(sold.ID, "1.5"), payment.Completed)
	agrees("payout", l.Create(engine.Create{Type: payment.Withdrawal, Method: payment.BasicCard, Means: connectortest.Card(t, good)}), payment.Completed)
	for what, want := range map[string]payment.State{"capture": payment.Completed, "void": payment.Cancelled} {
		p := l.deposit(t, good, true)
		agrees("hold", p, payment.Authorized)
		if what == "capture" {
			p = l.Capture(p.ID, "7.5")
		} else {
			p = l.Void(p.ID)
		}
		agrees(what, p, want)
	}
	terms := engine.Create{Type: payment.Deposit, Means: connectortest.Card(t, good), PreAuth: true}
	terms.Terms.Verify = true
	if p := l.sell(t, terms); p.State() != payment.Authorized {
		t.Errorf("verification: %s %s", p.State(), p.ErrorCode)
	}
	asked := l.deposit(t, "4000000000000002", false)
	if next := asked.Attempts[0].Next.URL; asked.State() != payment.Pending || !strings.HasPrefix(next, peer.URL+"/payment/") {
		t.Errorf("3-D Secure: %s, %q", asked.State(), next)
	}
}
