package resend_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/resend"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/terminals"
	"github.com/sluicepay/sluice/internal/vault"
)

var began = time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)

// fake is a connector of which only the traits are asked.
type fake struct {
	connector.Connector
	within time.Duration
}

func (f fake) Traits() connector.Traits {
	return connector.Traits{Resend: connector.Resend{Within: f.within}}
}

type config struct{ within time.Duration }

func (c config) Open(connector.Deps) (connector.Connector, error) { return fake{within: c.within}, nil }
func (c config) Addresses() []string                              { return nil }

// desk is a keeper with a terminal, on a clock that stands.
type desk struct {
	resend.Keeper
	to  *terminals.Opened
	now time.Time
}

func newDesk(t *testing.T, d *storetest.Database, within time.Duration) *desk {
	t.Helper()
	k := &desk{now: began}
	db := d.Open(func(o *store.Options) { o.Now = func() time.Time { return k.now } })
	keys, err := vault.NewKeyring(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k.Keeper = resend.Keeper{DB: db, Keys: keys, Now: func() time.Time { return k.now }, Log: slog.New(slog.DiscardHandler)}
	pool := terminals.NewPool([]connector.Type{{Name: "fake", Parse: func(json.RawMessage) (connector.Config, error) { return config{within}, nil }}},
		connector.Deps{Client: outbound.New(outbound.Options{Now: time.Now}), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	k.to, err = pool.Get(&shop.Shop{Terminals: []shop.Terminal{{ID: "t", Connector: "fake", Config: []byte("{}")}}}, "t")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// lost is a payment whose capture gave no answer.
func lost() (*payment.Payment, *payment.Call) {
	a := payment.Attempt{Seq: 2, Kind: payment.AttemptCapture, Key: "k", Class: payment.ClassUnknown, Started: began}
	return &payment.Payment{ID: "p", Shop: "s", Type: payment.Deposit}, &payment.Call{Attempt: a, Ask: true}
}

// sent makes a call by the keeper's leave and keeps what it has sent.
func (k *desk) sent(t *testing.T, p *payment.Payment, call *payment.Call, means instrument.Means, class payment.Class) {
	t.Helper()
	ctx, sent := k.Watch(t.Context(), k.to, &call.Attempt, means)
	post(ctx, t)
	sent.Keep(t.Context(), p, &payment.Fact{Class: class})
}

func post(ctx context.Context, t *testing.T) {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now})
	defer client.CloseIdle()
	if _, err := client.Do(ctx, &outbound.Request{Method: http.MethodPost, URL: server.URL, Body: []byte("x"), Once: []string{}}); err != nil {
		t.Fatal(err)
	}
}

// TestWhatMayBeSentAgain: only what somebody still wants, of which nothing is proved, in its time, and never a payout, nor what came with
// something of the customer's that is gone.
func TestWhatMayBeSentAgain(t *testing.T) {
	t.Parallel()
	const within, lasts = time.Hour, 5 * time.Second
	for name, c := range map[string]struct {
		never bool
		means instrument.Means
		told  payment.Class
		edit  func(k *desk, p *payment.Payment, call *payment.Call) // before the call
		then  func(k *desk, p *payment.Payment, call *payment.Call) // after it
		may   bool
	}{
		"a capture":                             {may: true},
		"a charge by a kept credential":         {means: &instrument.Credential{Handle: "h"}, edit: kind(payment.AttemptDeposit), may: true},
		"just in time":                          {then: late(within - lasts - time.Second), may: true},
		"too late to end in time":               {then: late(within - lasts)},
		"too late":                              {then: late(within)},
		"no such rule":                          {never: true},
		"a payout":                              {edit: kind(payment.AttemptWithdrawal)},
		"what became one":                       {then: kind(payment.AttemptWithdrawal)},
		"with a card":                           {means: &instrument.Card{}, edit: kind(payment.AttemptDeposit)},
		"with a code":                           {means: &instrument.Code{Digits: "777123"}, edit: kind(payment.AttemptDeposit)},
		"with a wallet":                         {means: &instrument.Wallet{}, edit: kind(payment.AttemptDeposit)},
		"an answer came":                        {told: payment.ClassApproved},
		"it never left":                         {told: payment.ClassNotSent},
		"it may be closed":                      {then: func(_ *desk, _ *payment.Payment, call *payment.Call) { call.Fence = true }},
		"it is settled":                         {then: func(_ *desk, _ *payment.Payment, call *payment.Call) { call.Attempt.Class = payment.ClassApproved }},
		"the call is made and not asked about":  {then: func(_ *desk, _ *payment.Payment, call *payment.Call) { call.Ask = false }},
		"a proof has begun":                     {then: func(_ *desk, _ *payment.Payment, call *payment.Call) { call.Attempt.NotFoundAt = began }},
		"when it began is not known":            {then: func(_ *desk, _ *payment.Payment, call *payment.Call) { call.Attempt.Started = time.Time{} }},
		"another attempt":                       {then: func(_ *desk, _ *payment.Payment, call *payment.Call) { call.Attempt.Seq++ }},
		"the deposit was given up":              {edit: kind(payment.AttemptDeposit), then: func(_ *desk, p *payment.Payment, _ *payment.Call) { p.Abandoned = began }},
		"the customer's time is over":           {edit: kind(payment.AttemptDeposit), then: func(_ *desk, p *payment.Payment, _ *payment.Call) { p.CheckoutUntil = began }},
		"the customer has time":                 {edit: kind(payment.AttemptDeposit), then: func(_ *desk, p *payment.Payment, _ *payment.Call) { p.CheckoutUntil = began.Add(time.Hour) }, may: true},
		"a backup was restored since":           {then: func(k *desk, _ *payment.Payment, _ *payment.Call) { k.Restored = began }},
		"a backup was restored before it began": {then: func(k *desk, _ *payment.Payment, _ *payment.Call) { k.Restored = began.Add(-time.Minute) }, may: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				life := within
				if c.never {
					life = 0
				}
				k := newDesk(t, d, life)
				p, call := lost()
				if c.edit != nil {
					c.edit(k, p, call)
				}
				told := payment.ClassUnknown
				if c.told != "" {
					told = c.told
				}
				k.sent(t, p, call, c.means, told)
				if c.then != nil {
					c.then(k, p, call)
				}
				if _, may := k.May(t.Context(), p, k.to, call, lasts); may != c.may {
					t.Errorf("may be sent again: %t, want %t", may, c.may)
				}
			})
		})
	}
}

func kind(of payment.AttemptKind) func(*desk, *payment.Payment, *payment.Call) {
	return func(_ *desk, _ *payment.Payment, call *payment.Call) { call.Attempt.Kind = of }
}

func late(by time.Duration) func(*desk, *payment.Payment, *payment.Call) {
	return func(k *desk, _ *payment.Payment, _ *payment.Call) { k.now = began.Add(by) }
}

// TestSendingAgainIsCounted before anything leaves, so that nothing is sent for ever, whoever dies.
func TestSendingAgainIsCounted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		k := newDesk(t, d, time.Hour)
		p, call := lost()
		k.sent(t, p, call, nil, payment.ClassUnknown)
		n := 0
		for range 10 {
			if _, may := k.May(t.Context(), p, k.to, call, time.Second); may {
				n++
			}
		}
		if n != 4 {
			t.Errorf("sent again %d times", n)
		}
	})
}
