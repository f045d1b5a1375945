package yandexpay_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/yandexpay"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/yandexpay"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// life is an application whose shop is a merchant of the double.
type life struct {
	*testkit.App
	t       *testing.T
	at      *double.Double
	account *server
	shop    *shop.Shop
	hold    bool
	count   int
}

func begin(t *testing.T, d *storetest.Database, twoStage bool) *life {
	t.Helper()
	clock := testkit.SlowClock(20)
	l := &life{t: t, hold: twoStage}
	l.App = testkit.New(t, d.Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock, Connectors: []connector.Type{yandexpay.Type()}})
	l.account = open(t, twoStage)
	l.at = double.New(double.Config{
		Now: clock.Now, APIKey: apiKey, Merchant: merchant, URL: l.account.url, TwoStage: twoStage, Key: l.account.key, KeyID: keyID,
	})
	l.account.requestsTo(l.at.Handler())
	l.shop = l.NewShop(t, func(one *shop.Shop) {
		settings := strings.TrimSuffix(string(settingsFor(l.account.url)), "}") + fmt.Sprintf(`,"twoStage":%t}`, twoStage)
		one.Terminals[0].Name, one.Terminals[0].Connector, one.Terminals[0].Config = "yandexpay", yandexpay.Name, []byte(settings)
		one.Terminals[0].Methods = []payment.Method{payment.BasicCard}
	}).Shop
	return l
}

func (l *life) create(c engine.Create) payment.Payment {
	l.t.Helper()
	l.count++
	c.Shop, c.Currency, c.Reference = l.shop, "RUB", fmt.Sprintf("order-%d", l.count)
	if c.Type == payment.Deposit {
		c.PreAuth, c.Method, c.Amount = l.hold, payment.BasicCard, money.MustParse("11.12")
	}
	o, err := l.Engine.Create(l.t.Context(), c)
	if err != nil {
		l.t.Fatal(err)
	}
	return o.Payment
}

// paid is a deposit whose customer has been sent away, has paid there, and came back.
func (l *life) paid(c engine.Create) payment.Payment {
	l.t.Helper()
	c.Type = payment.Deposit
	p := l.create(c)
	o, err := l.Engine.Execute(l.t.Context(), engine.Execute{Target: l.target(p.ID)})
	if err != nil {
		l.t.Fatal(err)
	}
	for range 10 {
		if p = o.Payment; p.State() == payment.Pending && p.Attempts[0].Next.Leads() {
			break
		}
		l.Clock.Advance(time.Minute) // the answer was lost: it is asked for
		o.Payment = l.get(p.ID)
	}
	if p.State() != payment.Pending {
		return p
	}
	l.at.Finish(p.Attempts[0].Key, true)
	return l.settled(p.ID)
}

func (l *life) target(id payment.ID) engine.Target { return engine.Target{Shop: l.shop, ID: id} }

func (l *life) get(id payment.ID) payment.Payment {
	l.t.Helper()
	p, err := l.Engine.Get(l.t.Context(), l.shop.ID, id)
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

// settled lets time pass until the payment is open no more.
func (l *life) settled(id payment.ID) payment.Payment {
	l.t.Helper()
	wait := 40 * time.Second
	for range 30 {
		if p := l.get(id); p.State() != payment.Pending {
			return p
		}
		l.Clock.Advance(wait)
		wait += wait / 2
	}
	l.t.Errorf("payment %s is stuck", id)
	return payment.Payment{}
}

// agree compares each attempt with the double's books, which are the truth.
func (l *life) agree(what string, p *payment.Payment) {
	l.t.Helper()
	released := false
	for i := range p.Attempts {
		moved := l.at.Booked(p.Attempts[i].Key)
		released = released || len(moved) == 1 && moved[0].Moved == frame.Released
	}
	for i := range p.Attempts {
		a := &p.Attempts[i]
		moved := l.at.Booked(a.Key)
		if a.Class == payment.ClassCancelled && released && len(moved) == 1 && moved[0].Moved == frame.Held {
			continue // a hold that was found to be gone
		}
		won := a.Class == payment.ClassApproved || a.Class == payment.ClassAuthorized
		switch {
		case a.Live():
			l.t.Errorf("%s: %s is open as %s", what, a.Kind, a.Class)
		case won && (len(moved) != 1 || moved[0].Amount != "11.12"), !won && len(moved) != 0:
			l.t.Errorf("%s: %s is %s, and the provider's books have %v", what, a.Kind, a.Class, moved)
		}
	}
}

// everyFault is what can happen to a request; those that let a client wait are in the suite for connectors.
var everyFault = []frame.Fault{
	{Kind: frame.Drop}, {Kind: frame.Drop, Before: true}, {Kind: frame.Drop, Lag: 5 * time.Minute}, {Kind: frame.ServerError}, {Kind: frame.ServerError, Before: true},
	{Kind: frame.BadGateway}, {Kind: frame.BadGateway, Before: true}, {Kind: frame.Garbage}, {Kind: frame.Truncated}, {Kind: frame.Empty}, {Kind: frame.Huge},
	{Kind: frame.ErrorInside}, {Kind: frame.Elsewhere}, {Kind: frame.Elsewhere, Before: true}, {Kind: frame.WrongAmount}, {Kind: frame.WrongReference},
	{Kind: frame.NewStatus}, {Kind: frame.RateLimited}, {Kind: frame.Unauthorized}, {Kind: frame.Rejected}, {Kind: frame.Decline, Code: "DO_NOT_HONOR"},
}

// TestEveryFaultOfEveryCallEndsAsTheBooksSay: no money is doubled, none is forgotten and nothing is stuck.
func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ends := map[string]int{}
	t.Cleanup(func() { t.Log("ends:", ends) })
	for twoStage, calls := range map[bool][]string{
		false: {double.OpOrder, double.OpRecur, double.OpRefund}, true: {double.OpOrder, double.OpCapture, double.OpCancel},
	} {
		t.Run(fmt.Sprintf("two stages %t", twoStage), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				l := begin(t, d, twoStage)
				for _, call := range calls {
					for _, f := range everyFault {
						if f.Op = call; call == double.OpOrder && f.Kind == frame.Decline {
							continue
						}
						p := l.under(f)
						mu.Lock()
						ends[call+" "+string(p.State())]++
						mu.Unlock()
						l.agree(fmt.Sprintf("%s: %s, before %t, lag %s", call, f.Kind, f.Before, f.Lag), &p)
					}
				}
			})
		})
	}
}

// under makes a payment of which one call meets the fault, and lets it come to its end.
func (l *life) under(f frame.Fault) payment.Payment {
	l.t.Helper()
	if f.Op == double.OpOrder {
		l.at.Strike(f)
		return l.settled(l.paid(engine.Create{}).ID)
	}
	p := l.paid(engine.Create{StartRecurring: f.Op == double.OpRecur})
	l.at.Strike(f)
	var err error
	switch f.Op {
	case double.OpRecur:
		p = l.create(engine.Create{Type: payment.Deposit, RecurringToken: p.RecurringToken})
	case double.OpCapture:
		_, err = l.Engine.Capture(l.t.Context(), l.target(p.ID), money.Amount{})
	case double.OpCancel:
		_, err = l.Engine.Void(l.t.Context(), l.target(p.ID))
	default:
		p = l.create(engine.Create{Type: payment.Refund, Parent: p.ID})
	}
	if err != nil {
		l.t.Fatal(f, err)
	}
	return l.settled(p.ID)
}

// TestTheWholeLifeOfAPayment: the page asks for no card and leads to the provider, an event tells that it was paid, a part of the hold is taken and
// given back in parts, and events tell of all of it once more, late and in the wrong order.
func TestTheWholeLifeOfAPayment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d, true)
		p := l.create(engine.Create{Type: payment.Deposit})
		away := l.byPage(p.ID)
		if p = l.get(p.ID); p.State() != payment.Pending || away != p.Attempts[0].Next.URL || !strings.HasPrefix(away, l.account.url) {
			t.Fatalf("%s, led to %q, %+v", p.State(), away, p.Attempts)
		}
		l.at.Finish(p.Attempts[0].Key, true)
		l.tell(false)
		if p = l.settled(p.ID); p.State() != payment.Authorized || p.Instrument.CardBrand != "MIR" {
			t.Fatalf("told: %s, %+v", p.State(), p.Instrument)
		}
		o, err := l.Engine.Capture(t.Context(), l.target(p.ID), money.MustParse("7.5"))
		if err != nil || o.Payment.State() != payment.Completed || o.Payment.Captured != money.MustParse("7.5") {
			t.Fatalf("%s, %v", o.Payment.State(), err)
		}
		for _, part := range []string{"2.5", "5"} {
			if back := l.create(engine.Create{Type: payment.Refund, Parent: p.ID, Amount: money.MustParse(part)}); back.State() != payment.Completed {
				t.Errorf("refund of %s: %s", part, back.State())
			}
		}
		l.tell(true)
		l.tell(false)
		l.Clock.Advance(time.Hour)
		if p = l.get(p.ID); p.State() != payment.Completed || p.Refunded != money.MustParse("7.5") {
			t.Errorf("%s, %s given back", p.State(), p.Refunded)
		}
		if len(l.at.Books()) != 4 {
			t.Errorf("the books: %v", l.at.Books())
		}
	})
}

// byPage submits the payment's page, which has no field for a card, and returns where it leads.
func (l *life) byPage(id payment.ID) string {
	l.t.Helper()
	_, token, _ := strings.Cut(l.Engine.CheckoutURL(l.shop.ID, id), "/payment/")
	page := l.URL + "/payment/" + token
	client := *l.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Get(page)
	if err != nil {
		l.t.Fatal(err)
	}
	html, err := io.ReadAll(res.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	_ = res.Body.Close()
	if bytes.Contains(html, []byte("cc-number")) {
		l.t.Error("the page asks for a card")
	}
	p := l.get(id)
	form := fmt.Sprintf("nonce=%s", l.Engine.SubmitNonce(&p))
	for range 4 {
		res, err = client.Post(page, "application/x-www-form-urlencoded", strings.NewReader(form))
		if err != nil {
			l.t.Fatal(err)
		}
		_ = res.Body.Close()
		to := res.Header.Get("Location")
		switch {
		case strings.HasPrefix(to, l.account.url):
			return to
		case to == "":
			l.t.Fatalf("status %d", res.StatusCode)
		}
		if i := strings.Index(to, "/payment/"); i >= 0 {
			to = l.URL + to[i:]
		}
		if res, err = client.Get(to); err != nil {
			l.t.Fatal(err)
		}
		html, _ = io.ReadAll(res.Body)
		_ = res.Body.Close()
		if next := res.Header.Get("Location"); strings.HasPrefix(next, l.account.url) {
			return next
		}
		if i := bytes.Index(html, []byte(l.account.url)); i >= 0 {
			rest := string(html[i:])
			return rest[:strings.IndexAny(rest, `"'<`)]
		}
	}
	return ""
}

// tell posts all events to the terminal, as Yandex Pay does.
func (l *life) tell(backwards bool) {
	l.t.Helper()
	events := l.at.Events()
	for i := range events {
		payload := events[i]
		if backwards {
			payload = events[len(events)-1-i]
		}
		body, err := double.Signed(payload, l.account.key, keyID, l.Clock.Now())
		if err != nil {
			l.t.Fatal(err)
		}
		res, err := l.Client.Post(l.URL+"/notices/"+l.shop.Terminals[0].ID+"/v1/webhook", "application/octet-stream", bytes.NewReader(body))
		if err != nil {
			l.t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			l.t.Error(err)
		}
		if res.StatusCode != http.StatusOK {
			l.t.Errorf("event %s: status %d", payload, res.StatusCode)
		}
	}
}
