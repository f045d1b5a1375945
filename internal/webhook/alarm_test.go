package webhook_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/webhook"
)

// heard checks that a human is told of the endpoint in the log, by the metric and in the list, and returns the entry.
func (f *fixture) heard(url, why string) store.Alarm {
	f.Helper()
	line := false
	for l := range strings.Lines(f.log.String()) {
		line = line || strings.Contains(l, "level=ERROR") && strings.Contains(l, "a human has to look") && strings.Contains(l, why)
	}
	if !line {
		f.Errorf("no line in the log says %q", why)
	}
	var page bytes.Buffer
	if err := f.metrics.WriteText(&page); err != nil || !strings.Contains(page.String(), `sluice_alarms_total{about="endpoint"}`) {
		f.Errorf("the metric counts nothing: %v", err)
	}
	for _, a := range f.alarms() {
		if a.About == "endpoint" && a.Subject == keyOf(url).ID && a.Shop == shopID && a.Why == why {
			return a
		}
	}
	f.Errorf("no entry says %q among %+v", why, f.alarms())
	return store.Alarm{}
}

func (f *fixture) alarms() (all []store.Alarm) {
	f.Helper()
	err := f.db.View(f.Context(), func(tx *store.Tx) (err error) {
		all, _, err = tx.Alarms().List(store.AlarmFilter{Limit: 100})
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return all
}

// TestWhatIsGivenUpIsHeard: a backlog that is given up is one entry.
func TestWhatIsGivenUpIsHeard(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		r := newReceiver(t, func(message) int { return 500 })
		f.fill(r.URL, 0, 30, 1)
		f.until(f.clock.Now().Add(100 * time.Hour))
		a := f.heard(r.URL, "an event was not delivered within the time that its receivers are given, and is not tried again")
		if n := len(f.alarms()); n != 1 || a.Times < 1 {
			t.Errorf("%d entries", n)
		}
	})
}

func TestADisabledEndpointIsHeard(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		r := newReceiver(t, func(message) int { return http.StatusGone })
		f.tell(r.URL, 1, 1)
		f.drain()
		if a := f.heard(r.URL, "the endpoint says that it is gone and is disabled"); a.Times != 1 || a.Detail != "answered 410" {
			t.Errorf("%+v", a)
		}
	})
}

// TestAnEventThatPanicsIsHeard: what cannot be signed, by a panic, is tried again by its ladder and keeps nothing else from
// being delivered.
func TestAnEventThatPanicsIsHeard(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		var armed atomic.Bool
		armed.Store(true)
		f := newFixture(t, d, func(c *webhook.Config) {
			p := webhook.Gateway()
			sign := p.Sign
			p.Sign = func(ctx context.Context, h http.Header, m webhook.Message) ([]byte, error) {
				if armed.Load() && bytes.Contains(m.Body, []byte(`"Payment":"1"`)) {
					panic("content")
				}
				return sign(ctx, h, m)
			}
			c.Protocols["gateway"] = p
		})
		r := newReceiver(t, func(message) int { return 200 })
		f.tell(r.URL, 1, 1, 2)
		f.tell(r.URL, 2, 1, 2)
		f.drain()
		if _, accepted := r.count(); accepted != 2 {
			t.Errorf("%d accepted", accepted)
		}
		if e := f.endpoint(r.URL); e.State != store.EndpointUp || e.Fails != 0 {
			t.Errorf("endpoint: %+v", e)
		}
		a := f.heard(r.URL, "an event cannot be posted for a reason on our side")
		if !strings.Contains(a.Detail, "alarm_test.go") {
			t.Errorf("no stack in %q", a.Detail)
		}
		armed.Store(false)
		f.until(f.clock.Now().Add(time.Minute))
		if _, accepted := r.count(); accepted != 4 {
			t.Errorf("%d accepted in the end", accepted)
		}
		r.check(t)
	})
}
