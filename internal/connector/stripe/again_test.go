package stripe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/stripe"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/stripe"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestWhatIsSentAgainMayMeetEveryFault: whatever becomes of the second time, the books agree in the end, and a refusal of the
// second request is none of the first.
func TestWhatIsSentAgainMayMeetEveryFault(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		l := begin(t, d)
		for _, call := range []string{double.OpCapture, double.OpCancel, double.OpRefund} {
			for _, f := range everyFault {
				if f.Op = call; f.Kind == frame.Decline {
					continue
				}
				what := fmt.Sprintf("%s, sent again: %s, before %t", call, f.Kind, f.Before)
				of := l.followUp(t, call)
				l.stripe.Strike(frame.Fault{Op: call, Kind: frame.Drop, Before: true})
				l.stripe.Strike(f)
				p := l.Settled(l.Follows(call, of).ID)
				l.Agree(what, &p)
			}
		}
	})
}

// followUp is a payment that can be captured, voided or refunded.
func (l *life) followUp(t *testing.T, call string) payment.ID {
	t.Helper()
	return l.Settled(l.deposit(t, "4242424242424242", call != double.OpRefund).ID).ID
}

// TestSendingAgainEnds: too late, by other settings, and after a few times nothing is sent any more; what was never carried out is then
// proved to be so by the slow way.
func TestSendingAgainEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		times int // how often it is sent in all
		then  func(*testing.T, *life)
		fault frame.Fault // of what is sent again
		want  payment.State
	}{
		{name: "the key is forgotten soon", times: 1, then: func(_ *testing.T, l *life) { l.Clock.Advance(23*time.Hour - 2*time.Second) }, want: payment.Authorized},
		{name: "there is time left", times: 2, then: func(_ *testing.T, l *life) { l.Clock.Advance(23*time.Hour - time.Minute) }, want: payment.Completed},
		{name: "the settings are other ones", times: 1, then: otherSettings, want: payment.Authorized},
		{name: "it never arrives", times: 5, fault: frame.Fault{Op: double.OpCapture, Kind: frame.Drop, Before: true}, want: payment.Authorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				l := begin(t, d)
				var sent atomic.Int64
				l.server.RequestsTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost {
						sent.Add(1)
					}
					l.stripe.Handler().ServeHTTP(w, r)
				}))
				id := l.followUp(t, double.OpCapture)
				before := sent.Load()
				l.stripe.Strike(frame.Fault{Op: double.OpCapture, Kind: frame.Drop, Before: true})
				if c.fault.Kind != "" {
					for range 10 {
						l.stripe.Strike(c.fault)
					}
				}
				l.Follows(double.OpCapture, id)
				if c.then != nil {
					c.then(t, l)
				}
				p := l.Settled(id)
				if n := int(sent.Load() - before); p.State() != c.want || n != c.times {
					t.Errorf("%s, sent %d times; want %s and %d", p.State(), n, c.want, c.times)
				}
				l.Agree(c.name, &p)
			})
		})
	}
}

// otherSettings changes the terminal's, by which another account might be meant.
func otherSettings(t *testing.T, l *life) {
	t.Helper()
	err := l.DB.Update(t.Context(), func(tx *store.Tx) error {
		s, err := tx.Shops().Get(l.Shop.ID)
		if err != nil {
			return err
		}
		one := &s.Terminals[0]
		one.Config = append(one.Config[:len(one.Config)-1:len(one.Config)-1], `,"timeoutMs":29000}`...)
		tx.Terminals().Update(l.Shop.ID, one)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Clock.Advance(engine.SettingsAge)
}

// blind is Stripe as it would be if nobody could ask about captures.
type blind struct {
	connector.Connector
	connector.Capturer
}

func (b blind) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	if ref.Kind == payment.AttemptCapture {
		return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
	}
	return b.Connector.Status(ctx, ref)
}

type blindConfig struct{ connector.Config }

func (c blindConfig) Open(d connector.Deps) (connector.Connector, error) {
	s, err := c.Config.Open(d)
	if err != nil {
		return nil, err
	}
	return blind{s, s.(connector.Capturer)}, nil
}

// TestARefusalOfTheSecondRequestIsNoneOfTheFirst: the first was carried out, and only its answer got lost.
func TestARefusalOfTheSecondRequestIsNoneOfTheFirst(t *testing.T) {
	t.Parallel()
	kind := stripe.Type()
	parse := kind.Parse
	kind.Parse = func(raw json.RawMessage) (connector.Config, error) {
		c, err := parse(raw)
		return blindConfig{c}, err
	}
	for _, f := range []frame.Kind{frame.RateLimited, frame.Unauthorized, frame.Rejected, frame.Drop} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				l := begin(t, d, kind)
				id := l.followUp(t, double.OpCapture)
				l.stripe.Strike(frame.Fault{Op: double.OpCapture, Kind: frame.Drop})
				l.stripe.Strike(frame.Fault{Op: double.OpCapture, Kind: f})
				p := l.Settled(l.Follows(double.OpCapture, id).ID)
				if p.State() != payment.Completed {
					t.Errorf("%s, and the money was taken", p.State())
				}
				l.Agree(string(f), &p)
			})
		})
	}
}
