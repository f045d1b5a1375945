package adyen_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector/adyen"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	double "github.com/sluicepay/sluice/internal/double/adyen"
	"github.com/sluicepay/sluice/internal/double/frame"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/lives"
)

// life is an application whose shop has its account at the double.
type life struct {
	*lives.Life
	adyen *double.Double
}

func begin(t *testing.T, d *storetest.Database) *life {
	t.Helper()
	l, s := new(life), open(t)
	l.Life = lives.Begin(t, d, lives.Account{
		Type: adyen.Type(), Methods: []payment.Method{payment.BasicCard, payment.Blik}, Currency: "EUR", Read: connectortest.InWholes(nil), Stays: true,
		Follow: map[string]payment.AttemptKind{double.OpCapture: payment.AttemptCapture, double.OpCancel: payment.AttemptVoid, double.OpRefund: payment.AttemptRefund},
		Open: func(at *lives.Life) (lives.Double, json.RawMessage) {
			l.adyen = double.New(double.Config{
				Now: at.Clock.Now, APIKey: apiKey, MerchantAccount: account, HMACKey: hmacKey, URL: s.URL, NoticeURL: at.NoticeURL(),
			})
			s.RequestsTo(l.adyen.Handler())
			return l.adyen, settingsFor(s.URL)
		},
		Meanwhile: func(*payment.Payment) { l.tell(t) },
	})
	return l
}

func (l *life) deposit(c engine.Create) payment.Payment { return l.Pay(c, engine.Execute{}) }

// tell has Adyen post what it has to tell, and wants each webhook taken in the words that Adyen wants.
func (l *life) tell(t *testing.T) {
	t.Helper()
	if err := l.adyen.Deliver(t.Context(), l.Client); err != nil {
		t.Error(err)
	}
}

// TestEveryFaultOfEveryCallEndsAsTheBooksSay. A change that never arrived is sent again. A payment with a card that never arrived stays open,
// because Adyen can be asked nothing and the card is not kept, and a human is told.
func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	calls := []string{double.OpPay, double.OpCapture, double.OpCancel, double.OpRefund}
	faults := lives.Faults(
		frame.Fault{Kind: frame.Drop, Lag: time.Hour}, frame.Fault{Kind: frame.WrongCurrency}, frame.Fault{Kind: frame.WrongID}, frame.Fault{Kind: frame.Decline, Code: "2"},
	)
	never := map[string][]frame.Kind{double.OpCapture: {frame.Decline}, double.OpCancel: {frame.Decline}, double.OpRefund: {frame.Decline}}
	lives.EveryFault(t, calls, faults, never, func(t *testing.T, d *storetest.Database) lives.Story {
		l := begin(t, d)
		open := map[payment.ID]bool{}
		sell := func(hold bool) payment.Payment {
			return l.deposit(engine.Create{Means: connectortest.Card(t, "4111111111111111"), PreAuth: hold})
		}
		under := func(f frame.Fault) payment.Payment {
			if f.Op != double.OpPay {
				return l.FollowUnder(f, sell)
			}
			l.adyen.Strike(f)
			return l.Settled(sell(false).ID)
		}
		check := func(what string, f frame.Fault, p *payment.Payment, _ time.Duration) {
			live := p.LiveAttempt() != nil
			if stays := f.Op == double.OpPay && f.Before; live != stays {
				t.Errorf("%s: open %t, want %t", what, live, stays)
			}
			open[p.ID] = live
		}
		return lives.Story{Life: l.Life, Under: under, Check: check, End: func() {
			told := l.Told()
			for id, is := range open {
				if is && !told[id] {
					t.Errorf("payment %s is open, and nobody was told", id)
				}
			}
		}}
	})
}

// TestAWholeLife: a customer is sent to Adyen's page and comes back, a part is captured, and given back in two parts, each told by a webhook;
// what is told twice and late changes nothing.
func TestAWholeLife(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		p := l.deposit(engine.Create{Means: connectortest.Card(t, "4212345678901237"), PreAuth: true})
		next := p.Attempts[0].Next
		if p.State() != payment.Pending || !strings.Contains(next.URL, "/threeDS/") {
			t.Fatalf("%s, %+v", p.State(), next)
		}
		l.comesBack(t, next.URL, "complete")
		if p = l.Get(p.ID); p.State() != payment.Authorized || p.Instrument.CardBrand != instrument.BrandVisa {
			t.Fatalf("%s, %+v", p.State(), p.Instrument)
		}
		if told := p.Attempts[0].Auth.Read(); told.Result != instrument.AuthYes || told.ECI != "05" {
			t.Errorf("%+v", told)
		}
		l.tell(t)
		l.Capture(p.ID, "10")
		if p = l.Get(p.ID); p.Captured.String() != "0" {
			t.Errorf("captured %s before it was told", p.Captured)
		}
		l.tell(t)
		if p = l.Get(p.ID); p.State() != payment.Completed || p.Captured != money.MustParse("10") {
			t.Fatalf("%s, captured %s", p.State(), p.Captured)
		}
		for _, part := range []string{"4", "6"} {
			r := l.Refund(p.ID, part)
			if r.State() != payment.Pending {
				t.Fatal(r.State())
			}
			l.tell(t)
			if r = l.Get(r.ID); r.State() != payment.Completed {
				t.Errorf("refund of %s: %s", part, r.State())
			}
		}
		for range 2 { // once more, and in one
			l.Notify("", nil, l.adyen.Batch(), http.StatusOK)
		}
		if p = l.Get(p.ID); p.State() != payment.Completed || p.Refunded != money.MustParse("10") || len(p.Attempts) != 2 {
			t.Errorf("%s, %s given back, %d attempts", p.State(), p.Refunded, len(p.Attempts))
		}
		if books := l.adyen.Books(); len(books) != 4 {
			t.Errorf("%v", books)
		}
	})
}

// comesBack does what a customer does at Adyen's page, and follows back to ours.
func (l *life) comesBack(t *testing.T, page, result string) {
	t.Helper()
	for _, q := range []func() (*http.Response, error){
		func() (*http.Response, error) { return l.Client.PostForm(page, url.Values{"result": {result}}) },
		func() (*http.Response, error) { return l.Client.Get(page) },
	} {
		res, err := q()
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		if to, err := res.Location(); err == nil {
			page = to.String() + "&long=" + strings.Repeat("x", 20_000) // a result may be that long
		}
	}
}

// TestWhatCustomersDo: refuse at the bank's page, bring back what is another's, never come back, and confirm or refuse in the bank's app.
func TestWhatCustomersDo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		refused := l.deposit(engine.Create{Means: connectortest.Card(t, "4212345678901237")})
		l.comesBack(t, refused.Attempts[0].Next.URL, "fail")
		if p := l.Get(refused.ID); p.State() != payment.Declined || p.ErrorCode != "5.00" {
			t.Errorf("refused: %s %s", p.State(), p.ErrorCode)
		}

		one, two := l.deposit(engine.Create{Means: connectortest.Card(t, "4212345678901237")}), l.deposit(engine.Create{Means: connectortest.Card(t, "4212345678901237")})
		res, err := l.Client.PostForm(one.Attempts[0].Next.URL, url.Values{"result": {"fail"}})
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		back, err := res.Location()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Engine.Return(t.Context(), l.Target(two.ID), func() payment.Brought { return payment.Brought{Query: back.Query()} }); err != nil {
			t.Fatal(err)
		}
		if p := l.Get(two.ID); p.State() != payment.Pending {
			t.Errorf("by another's refusal: %s", p.State())
		}
		l.tell(t) // it was handed over all the same
		if p := l.Get(one.ID); p.State() != payment.Declined {
			t.Errorf("the one whose it was: %s", p.State())
		}
		l.comesBack(t, two.Attempts[0].Next.URL, "complete")
		if p := l.Get(two.ID); p.State() != payment.Completed {
			t.Errorf("and then by its own: %s", p.State())
		}

		gone := l.deposit(engine.Create{Means: connectortest.Card(t, "4212345678901237")})
		if p := l.Settled(gone.ID); p.State() != payment.Declined && p.State() != payment.Cancelled || len(l.adyen.Booked(p.Attempts[0].Key)) != 0 {
			t.Errorf("never came back: %s %s", p.State(), p.ErrorCode)
		}

		for approve, want := range map[bool]payment.State{true: payment.Completed, false: payment.Declined} {
			p := l.deposit(engine.Create{Method: payment.Blik, Currency: "PLN", Means: &instrument.Code{Digits: "777123"}})
			if p.State() != payment.Pending || p.Attempts[0].Next.Kind != payment.NextWait {
				t.Fatalf("BLIK: %s, %+v", p.State(), p.Attempts[0].Next)
			}
			l.adyen.Finish(p.Attempts[0].Key, approve)
			l.tell(t)
			if p = l.Get(p.ID); p.State() != want {
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
		p := l.deposit(engine.Create{Means: connectortest.Card(t, "4111111111111111"), PreAuth: true})
		l.Capture(p.ID, "")
		l.tell(t)
		p = l.Get(p.ID)
		l.adyen.Fail(p.Attempts[1].Key)
		l.adyen.Dispute(p.Attempts[0].Key)
		l.tell(t)
		if p = l.Get(p.ID); p.State() != payment.Completed || !l.Told()[p.ID] {
			t.Errorf("%s, told of %v", p.State(), l.Told())
		}
		l.Notify("", nil, []byte(strings.Replace(string(l.adyen.Batch()), "1112", "1113", 1)), http.StatusUnauthorized)
	})
}
