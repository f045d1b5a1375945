package yandexpay_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/yandexpay"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/yandexpay"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/lives"
)

// life is an application whose shop is a merchant of the double.
type life struct {
	*lives.Life
	at      *double.Double
	account *server
	hold    bool
}

// follow says what the calls do that follow a payment.
var follow = map[string]payment.AttemptKind{double.OpCapture: payment.AttemptCapture, double.OpCancel: payment.AttemptVoid, double.OpRefund: payment.AttemptRefund}

func begin(t *testing.T, d *storetest.Database, twoStage bool) *life {
	t.Helper()
	l := &life{hold: twoStage, account: open(t, twoStage)}
	l.Life = lives.Begin(t, d, lives.Account{
		Type: yandexpay.Type(), Methods: []payment.Method{payment.BasicCard}, Currency: "RUB", Read: connectortest.InDecimals, Follow: follow,
		Open: func(at *lives.Life) (lives.Double, json.RawMessage) {
			l.at = double.New(double.Config{
				Now: at.Clock.Now, APIKey: apiKey, Merchant: merchant, URL: l.account.URL, TwoStage: twoStage, Key: l.account.key, KeyID: keyID,
			})
			l.account.RequestsTo(l.at.Handler())
			settings := strings.TrimSuffix(string(settingsFor(l.account.URL)), "}") + fmt.Sprintf(`,"twoStage":%t}`, twoStage)
			return l.at, json.RawMessage(settings)
		},
	})
	return l
}

// order makes a deposit whose customer is sent away: a hold, where the account holds money first.
func (l *life) order(c engine.Create) payment.Payment {
	c.PreAuth, c.Method = l.hold, payment.BasicCard
	return l.Create(c)
}

// paid is a deposit whose customer has been sent away, has paid there, and came back.
func (l *life) paid(t *testing.T, c engine.Create) payment.Payment {
	t.Helper()
	o, err := l.Engine.Execute(t.Context(), engine.Execute{Target: l.Target(l.order(c).ID)})
	if err != nil {
		t.Fatal(err)
	}
	p := o.Payment
	for n := 0; n < 10 && (p.State() != payment.Pending || !p.Attempts[0].Next.Leads()); n++ {
		l.Clock.Advance(time.Minute) // the answer was lost: it is asked for
		p = l.Get(p.ID)
	}
	if p.State() != payment.Pending {
		return p
	}
	l.at.Finish(p.Attempts[0].Key, true)
	return l.Settled(p.ID)
}

func TestEveryFaultOfEveryCallEndsAsTheBooksSay(t *testing.T) {
	t.Parallel()
	faults := lives.Faults(
		frame.Fault{Kind: frame.Drop, Lag: 5 * time.Minute}, frame.Fault{Kind: frame.RateLimited}, frame.Fault{Kind: frame.Decline, Code: "DO_NOT_HONOR"},
	)
	for twoStage, calls := range map[bool][]string{
		false: {double.OpOrder, double.OpRecur, double.OpRefund}, true: {double.OpOrder, double.OpCapture, double.OpCancel},
	} {
		t.Run(fmt.Sprintf("two stages %t", twoStage), func(t *testing.T) {
			t.Parallel()
			lives.EveryFault(t, calls, faults, map[string][]frame.Kind{double.OpOrder: {frame.Decline}}, func(t *testing.T, d *storetest.Database) lives.Story {
				l := begin(t, d, twoStage)
				return lives.Story{Life: l.Life, Under: func(f frame.Fault) payment.Payment { return l.under(t, f) }}
			})
		})
	}
}

// under makes a payment of which one call meets the fault, and lets it come to its end.
func (l *life) under(t *testing.T, f frame.Fault) payment.Payment {
	t.Helper()
	switch f.Op {
	case double.OpOrder:
		l.at.Strike(f)
		return l.Settled(l.paid(t, engine.Create{}).ID)
	case double.OpRecur:
		first := l.paid(t, engine.Create{StartRecurring: true})
		l.at.Strike(f)
		return l.Settled(l.order(engine.Create{RecurringToken: first.RecurringToken}).ID)
	}
	return l.FollowUnder(f, func(bool) payment.Payment { return l.paid(t, engine.Create{}) })
}

// TestTheWholeLifeOfAPayment: the page asks for no card and leads to the provider, an event tells that it was paid, a part of the hold is taken and
// given back in parts, and events tell of all of it once more, late and in the wrong order.
func TestTheWholeLifeOfAPayment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d, true)
		p := l.order(engine.Create{})
		away := l.byPage(t, p.ID)
		if p = l.Get(p.ID); p.State() != payment.Pending || away != p.Attempts[0].Next.URL || !strings.HasPrefix(away, l.account.URL) {
			t.Fatalf("%s, led to %q, %+v", p.State(), away, p.Attempts)
		}
		l.at.Finish(p.Attempts[0].Key, true)
		l.tell(t, false)
		if p = l.Settled(p.ID); p.State() != payment.Authorized || p.Instrument.CardBrand != "MIR" {
			t.Fatalf("told: %s, %+v", p.State(), p.Instrument)
		}
		if p = l.Capture(p.ID, "7.5"); p.State() != payment.Completed || p.Captured != money.MustParse("7.5") {
			t.Fatalf("%s, %s", p.State(), p.Captured)
		}
		for _, part := range []string{"2.5", "5"} {
			if back := l.Refund(p.ID, part); back.State() != payment.Completed {
				t.Errorf("refund of %s: %s", part, back.State())
			}
		}
		l.tell(t, true)
		l.tell(t, false)
		l.Clock.Advance(time.Hour)
		if p = l.Get(p.ID); p.State() != payment.Completed || p.Refunded != money.MustParse("7.5") {
			t.Errorf("%s, %s given back", p.State(), p.Refunded)
		}
		if len(l.at.Books()) != 4 {
			t.Errorf("the books: %v", l.at.Books())
		}
	})
}

// byPage submits the payment's page, which has no field for a card, and returns where it leads.
func (l *life) byPage(t *testing.T, id payment.ID) string {
	t.Helper()
	_, token, _ := strings.Cut(l.Engine.CheckoutURL(l.Shop.ID, id), "/payment/")
	page := l.URL + "/payment/" + token
	client := *l.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	html, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if bytes.Contains(html, []byte("cc-number")) {
		t.Error("the page asks for a card")
	}
	p := l.Get(id)
	form := fmt.Sprintf("nonce=%s", l.Engine.SubmitNonce(&p))
	for range 4 {
		res, err = client.Post(page, "application/x-www-form-urlencoded", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		to := res.Header.Get("Location")
		switch {
		case strings.HasPrefix(to, l.account.URL):
			return to
		case to == "":
			t.Fatalf("status %d", res.StatusCode)
		}
		if i := strings.Index(to, "/payment/"); i >= 0 {
			to = l.URL + to[i:]
		}
		if res, err = client.Get(to); err != nil {
			t.Fatal(err)
		}
		html, _ = io.ReadAll(res.Body)
		_ = res.Body.Close()
		if next := res.Header.Get("Location"); strings.HasPrefix(next, l.account.URL) {
			return next
		}
		if i := bytes.Index(html, []byte(l.account.URL)); i >= 0 {
			rest := string(html[i:])
			return rest[:strings.IndexAny(rest, `"'<`)]
		}
	}
	return ""
}

// tell posts all events to the terminal, as Yandex Pay does.
func (l *life) tell(t *testing.T, backwards bool) {
	t.Helper()
	events := l.at.Events()
	if backwards {
		slices.Reverse(events)
	}
	for _, payload := range events {
		body, err := double.Signed(payload, l.account.key, keyID, l.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		l.Notify("/v1/webhook", http.Header{"Content-Type": {"application/octet-stream"}}, body, http.StatusOK)
	}
}
