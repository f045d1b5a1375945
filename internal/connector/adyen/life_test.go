package adyen_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/adyen"
	double "github.com/sluicepay/sluice/internal/double/adyen"
	"github.com/sluicepay/sluice/internal/double/frame"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// life is an application whose shop has its account at the double.
type life struct {
	*testkit.App
	t     *testing.T
	adyen *double.Double
	shop  *shop.Shop
	count int
}

func begin(t *testing.T, d *storetest.Database) *life {
	t.Helper()
	clock := testkit.SlowClock(20)
	l := &life{t: t}
	l.App = testkit.New(t, d.Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock, Connectors: []connector.Type{adyen.Type()}})
	s := open(t)
	l.shop = l.NewShop(t, func(one *shop.Shop) {
		one.Terminals[0].Name, one.Terminals[0].Connector, one.Terminals[0].Config = "adyen", adyen.Name, settingsFor(s.url)
		one.Terminals[0].Methods = []payment.Method{payment.BasicCard, payment.Blik}
	}).Shop
	l.adyen = double.New(double.Config{
		Now: clock.Now, APIKey: apiKey, MerchantAccount: account, HMACKey: hmacKey, URL: s.url, NoticeURL: l.URL + "/notices/" + l.shop.Terminals[0].ID,
	})
	s.requestsTo(l.adyen.Handler())
	return l
}

func (l *life) deposit(c engine.Create) payment.Payment {
	l.t.Helper()
	l.count++
	c.Shop, c.Type, c.Amount, c.Reference = l.shop, payment.Deposit, money.MustParse("11.12"), fmt.Sprintf("order-%d", l.count)
	if c.Currency == "" {
		c.Currency = "EUR"
	}
	o, err := l.Engine.Create(l.t.Context(), c)
	if err == nil {
		o, err = l.Engine.Execute(l.t.Context(), engine.Execute{Target: l.target(o.Payment.ID)})
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return o.Payment
}

func (l *life) target(id payment.ID) engine.Target { return engine.Target{Shop: l.shop, ID: id} }

// get reads a payment.
func (l *life) get(id payment.ID) payment.Payment {
	l.t.Helper()
	p, err := l.Engine.Get(l.t.Context(), l.shop.ID, id)
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

// tell has Adyen post what it has to tell, and wants each webhook taken in the words that Adyen wants.
func (l *life) tell() {
	l.t.Helper()
	if err := l.adyen.Deliver(l.t.Context(), l.Client); err != nil {
		l.t.Error(err)
	}
}

// settled lets time pass, and webhooks come, until the payment is open no more, or for as long as anybody would wait.
func (l *life) settled(id payment.ID) payment.Payment {
	l.t.Helper()
	wait := 40 * time.Second
	for range 24 {
		l.tell()
		if p := l.get(id); p.State() != payment.Pending {
			return p
		}
		l.Clock.Advance(wait)
		wait += wait / 2
	}
	return l.get(id)
}

// agree compares each attempt with the double's books, which are the truth. What is open still must not have been booked.
func (l *life) agree(what string, p *payment.Payment, nothingBooked bool) {
	l.t.Helper()
	released := false
	for i := range p.Attempts {
		moved := l.adyen.Booked(p.Attempts[i].Key)
		released = released || len(moved) == 1 && moved[0].Moved == frame.Released
	}
	for i := range p.Attempts {
		a := &p.Attempts[i]
		moved := l.adyen.Booked(a.Key)
		if a.Class == payment.ClassCancelled && released && len(moved) == 1 && moved[0].Moved == frame.Held {
			continue
		}
		won := a.Class == payment.ClassApproved || a.Class == payment.ClassAuthorized
		switch {
		case a.Live() && (!nothingBooked || len(moved) != 0):
			l.t.Errorf("%s: %s is open as %s, and Adyen's books have %v", what, a.Kind, a.Class, moved)
		case won && (len(moved) != 1 || moved[0].Amount != "1112"), !won && len(moved) != 0:
			l.t.Errorf("%s: %s is %s, and Adyen's books have %v", what, a.Kind, a.Class, moved)
		}
	}
}

// everyFault is what can happen to a request; those that let a client wait are in the suite for connectors.
var everyFault = []frame.Fault{
	{Kind: frame.Drop}, {Kind: frame.Drop, Before: true}, {Kind: frame.Drop, Lag: time.Hour}, {Kind: frame.ServerError}, {Kind: frame.ServerError, Before: true},
	{Kind: frame.BadGateway}, {Kind: frame.BadGateway, Before: true}, {Kind: frame.Garbage}, {Kind: frame.Truncated}, {Kind: frame.Empty}, {Kind: frame.Huge},
	{Kind: frame.ErrorInside}, {Kind: frame.Elsewhere}, {Kind: frame.Elsewhere, Before: true}, {Kind: frame.WrongAmount}, {Kind: frame.WrongCurrency}, {Kind: frame.WrongReference},
	{Kind: frame.WrongID}, {Kind: frame.NewStatus}, {Kind: frame.Unauthorized}, {Kind: frame.Rejected}, {Kind: frame.Decline, Code: "2"},
}

// TestEveryFaultOfEveryCallEndsAsTheBooksSay: no money is doubled and none is forgotten. A change that never arrived is sent again. A payment
// with a card that never arrived stays open, because Adyen can be asked nothing and the card is not kept, and a human is told.
func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ends := map[string]int{}
	t.Cleanup(func() { t.Log("ends:", ends) })
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		open := map[payment.ID]bool{}
		for _, call := range []string{double.OpPay, double.OpCapture, double.OpCancel, double.OpRefund} {
			for _, f := range everyFault {
				if f.Op = call; f.Kind == frame.Decline && call != double.OpPay {
					continue
				}
				what := fmt.Sprintf("%s: %s, before %t, lag %s", call, f.Kind, f.Before, f.Lag)
				p := l.under(f)
				live := p.LiveAttempt() != nil
				if stays := call == double.OpPay && f.Before; live != stays {
					t.Errorf("%s: open %t, want %t", what, live, stays)
				}
				open[p.ID] = live
				mu.Lock()
				ends[fmt.Sprintf("%s %s, open %t", call, p.State(), live)]++
				mu.Unlock()
				l.agree(what, &p, call == double.OpPay && f.Before)
				if p.Parent != "" && !live {
					of := l.get(p.Parent)
					if (of.Refunded == p.Asked.Amount) != (p.State() == payment.Completed) || !of.RefundReserved.IsZero() && p.State() != payment.Completed {
						t.Errorf("%s: the deposit has %s given back", what, of.Refunded)
					}
				}
			}
		}
		told := l.alarms()
		for id, is := range open {
			if is && !told[string(id)] {
				t.Errorf("payment %s is open, and nobody was told", id)
			}
		}
	})
}

// alarms are the ids of what a human was told of.
func (l *life) alarms() map[string]bool {
	l.t.Helper()
	told := map[string]bool{}
	err := l.DB.View(l.t.Context(), func(tx *store.Tx) error {
		all, _, err := tx.Alarms().List(store.AlarmFilter{Limit: 1000})
		for _, a := range all {
			told[a.Subject] = true
		}
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return told
}

// under makes a payment of which one call meets the fault, and lets it come to its end.
func (l *life) under(f frame.Fault) payment.Payment {
	l.t.Helper()
	if f.Op == double.OpPay {
		l.adyen.Strike(f)
		return l.settled(l.deposit(engine.Create{Means: card(l.t, "4111111111111111")}).ID)
	}
	p := l.settled(l.deposit(engine.Create{Means: card(l.t, "4111111111111111"), PreAuth: f.Op != double.OpRefund}).ID)
	l.adyen.Strike(f)
	var err error
	switch f.Op {
	case double.OpCapture:
		_, err = l.Engine.Capture(l.t.Context(), l.target(p.ID), money.Amount{})
	case double.OpCancel:
		_, err = l.Engine.Void(l.t.Context(), l.target(p.ID))
	default:
		p, err = l.refund(p.ID, money.Amount{})
	}
	if err != nil {
		l.t.Fatal(f, err)
	}
	return l.settled(p.ID)
}

func (l *life) refund(of payment.ID, amount money.Amount) (payment.Payment, error) {
	o, err := l.Engine.Create(l.t.Context(), engine.Create{Shop: l.shop, Type: payment.Refund, Parent: of, Amount: amount, Currency: "EUR"})
	return o.Payment, err
}

// TestAWholeLife: a customer is sent to Adyen's page and comes back, a part is captured, and given back in two parts, each told by a webhook;
// what is told twice and late changes nothing.
func TestAWholeLife(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.deposit(engine.Create{Means: card(t, "4212345678901237"), PreAuth: true})
		next := p.Attempts[0].Next
		if p.State() != payment.Pending || !strings.Contains(next.URL, "/threeDS/") {
			t.Fatalf("%s, %+v", p.State(), next)
		}
		l.comesBack(next.URL, "complete")
		if p = l.get(p.ID); p.State() != payment.Authorized || p.Instrument.CardBrand != instrument.BrandVisa {
			t.Fatalf("%s, %+v", p.State(), p.Instrument)
		}
		if told := p.Attempts[0].Auth.Read(); told.Result != instrument.AuthYes || told.ECI != "05" {
			t.Errorf("%+v", told)
		}
		l.tell()
		if _, err := l.Engine.Capture(t.Context(), l.target(p.ID), money.MustParse("10")); err != nil {
			t.Fatal(err)
		}
		if p = l.get(p.ID); p.Captured.String() != "0" {
			t.Errorf("captured %s before it was told", p.Captured)
		}
		l.tell()
		if p = l.get(p.ID); p.State() != payment.Completed || p.Captured != money.MustParse("10") {
			t.Fatalf("%s, captured %s", p.State(), p.Captured)
		}
		for _, part := range []string{"4", "6"} {
			r, err := l.refund(p.ID, money.MustParse(part))
			if err != nil || r.State() != payment.Pending {
				t.Fatalf("%s, %v", r.State(), err)
			}
			l.tell()
			if r = l.get(r.ID); r.State() != payment.Completed {
				t.Errorf("refund of %s: %s", part, r.State())
			}
		}
		for range 2 { // once more, and in one
			l.post(l.adyen.Batch(), http.StatusOK)
		}
		if p = l.get(p.ID); p.State() != payment.Completed || p.Refunded != money.MustParse("10") || len(p.Attempts) != 2 {
			t.Errorf("%s, %s given back, %d attempts", p.State(), p.Refunded, len(p.Attempts))
		}
		if books := l.adyen.Books(); len(books) != 4 {
			t.Errorf("%v", books)
		}
	})
}

// comesBack does what a customer does at Adyen's page, and follows back to ours.
func (l *life) comesBack(page, result string) {
	l.t.Helper()
	for _, q := range []func() (*http.Response, error){
		func() (*http.Response, error) { return l.Client.PostForm(page, url.Values{"result": {result}}) },
		func() (*http.Response, error) { return l.Client.Get(page) },
	} {
		res, err := q()
		if err != nil {
			l.t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			l.t.Error(err)
		}
		if to, err := res.Location(); err == nil {
			page = to.String() + "&long=" + strings.Repeat("x", 20_000) // a result may be that long
		}
	}
}

func (l *life) post(body []byte, want int) {
	l.t.Helper()
	res, err := l.Client.Post(l.URL+"/notices/"+l.shop.Terminals[0].ID, "application/json", strings.NewReader(string(body)))
	if err != nil {
		l.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		l.t.Error(err)
	}
	if res.StatusCode != want {
		l.t.Errorf("webhook: status %d, want %d", res.StatusCode, want)
	}
}

// TestWhatCustomersDo: refuse at the bank's page, bring back what is another's, never come back, and confirm or refuse in the bank's app.
func TestWhatCustomersDo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		refused := l.deposit(engine.Create{Means: card(t, "4212345678901237")})
		l.comesBack(refused.Attempts[0].Next.URL, "fail")
		if p := l.get(refused.ID); p.State() != payment.Declined || p.ErrorCode != "5.00" {
			t.Errorf("refused: %s %s", p.State(), p.ErrorCode)
		}

		one, two := l.deposit(engine.Create{Means: card(t, "4212345678901237")}), l.deposit(engine.Create{Means: card(t, "4212345678901237")})
		res, err := l.Client.PostForm(one.Attempts[0].Next.URL, url.Values{"result": {"fail"}})
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		back, err := res.Location()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Engine.Return(t.Context(), l.target(two.ID), func() payment.Brought { return payment.Brought{Query: back.Query()} }); err != nil {
			t.Fatal(err)
		}
		if p := l.get(two.ID); p.State() != payment.Pending {
			t.Errorf("by another's refusal: %s", p.State())
		}
		l.tell() // it was handed over all the same
		if p := l.get(one.ID); p.State() != payment.Declined {
			t.Errorf("the one whose it was: %s", p.State())
		}
		l.comesBack(two.Attempts[0].Next.URL, "complete")
		if p := l.get(two.ID); p.State() != payment.Completed {
			t.Errorf("and then by its own: %s", p.State())
		}

		gone := l.deposit(engine.Create{Means: card(t, "4212345678901237")})
		if p := l.settled(gone.ID); p.State() != payment.Declined && p.State() != payment.Cancelled || len(l.adyen.Booked(p.Attempts[0].Key)) != 0 {
			t.Errorf("never came back: %s %s", p.State(), p.ErrorCode)
		}

		for approve, want := range map[bool]payment.State{true: payment.Completed, false: payment.Declined} {
			p := l.deposit(engine.Create{Method: payment.Blik, Currency: "PLN", Means: &instrument.Code{Digits: "777123"}})
			if p.State() != payment.Pending || p.Attempts[0].Next.Kind != payment.NextWait {
				t.Fatalf("BLIK: %s, %+v", p.State(), p.Attempts[0].Next)
			}
			l.adyen.Finish(p.Attempts[0].Key, approve)
			l.tell()
			if p = l.get(p.ID); p.State() != want {
				t.Errorf("BLIK, %t: %s %s", approve, p.State(), p.ErrorCode)
			}
		}
	})
}

// TestWhatTheSchemeTakesBackIsToldToAHuman: a capture that failed after it had succeeded moves nothing here.
func TestWhatTheSchemeTakesBackIsToldToAHuman(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.deposit(engine.Create{Means: card(t, "4111111111111111"), PreAuth: true})
		if _, err := l.Engine.Capture(t.Context(), l.target(p.ID), money.Amount{}); err != nil {
			t.Fatal(err)
		}
		l.tell()
		p = l.get(p.ID)
		l.adyen.Fail(p.Attempts[1].Key)
		l.adyen.Dispute(p.Attempts[0].Key)
		l.tell()
		if p = l.get(p.ID); p.State() != payment.Completed || !l.alarms()[string(p.ID)] {
			t.Errorf("%s, told of %v", p.State(), l.alarms())
		}
		l.post([]byte(strings.Replace(string(l.adyen.Batch()), "1112", "1113", 1)), http.StatusUnauthorized)
	})
}
