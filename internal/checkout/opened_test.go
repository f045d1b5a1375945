package checkout_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// lasts is how long a payment lasts from its creation on.
func (k *desk) lasts(id payment.ID) time.Duration {
	p := k.payment(id)
	return p.CheckoutUntil.Sub(p.Created)
}

func TestAPageThatIsSeenLastsLongerOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		k := newDesk(t, d, nil)
		id, page := k.order()
		for _, nobody := range []struct{ method, header, value string }{
			{"HEAD", "Accept", "*/*"},
			{"GET", "Sec-Purpose", "prefetch;prerender"},
			{"GET", "Purpose", "prefetch"},
			{"GET", "X-Moz", "prefetch"},
			{"GET", "X-Purpose", "preview"},
		} {
			if a := k.do(nobody.method, page, nil, nobody.header, nobody.value); a.status != http.StatusOK {
				t.Errorf("%v: status %d", nobody, a.status)
			}
			if got := k.lasts(id); got != 30*time.Minute {
				t.Errorf("%v makes it last %s", nobody, got)
			}
		}
		for range 3 {
			k.do("GET", page, nil)
			if got := k.lasts(id); got != 45*time.Minute {
				t.Errorf("it lasts %s", got)
			}
		}
		k.Clock.Advance(44 * time.Minute)
		k.do("GET", page, nil).wants(t, `name="number"`)
		k.Clock.Advance(2 * time.Minute)
		k.do("GET", page, nil).wants(t, "Time ran out")
		if got := k.lasts(id); got != 45*time.Minute {
			t.Errorf("after its end it lasts %s", got)
		}
	})
}

func TestAPageThatNobodySeesLastsNoLonger(t *testing.T) {
	t.Parallel()
	k := newDesk(t, storetest.New(t, store.SQLite), nil)
	id, page := k.order()
	k.Clock.Advance(31 * time.Minute)
	k.do("GET", page, nil).wants(t, "Time ran out")
	if got := k.lasts(id); got != 30*time.Minute {
		t.Errorf("it lasts %s", got)
	}

	id, page = k.order(func(c *engine.Create) { c.Terms.Grace = 0 })
	k.do("GET", page, nil)
	if got := k.lasts(id); got != 30*time.Minute {
		t.Errorf("without grace it lasts %s", got)
	}

	id, page = k.order()
	stopped := *k.shop.Shop
	stopped.Active = false
	if err := k.DB.Update(context.Background(), func(tx *store.Tx) error { tx.Shops().Update(&stopped); return nil }); err != nil {
		t.Fatal(err)
	}
	k.Clock.Advance(time.Minute) // the engine keeps shops in mind for less than that
	if a := k.do("GET", page, nil); a.status != http.StatusForbidden || k.lasts(id) != 30*time.Minute {
		t.Errorf("of a shop that was stopped: status %d, it lasts %s", a.status, k.lasts(id))
	}
}

// TestAPageIsShownThoughNothingCanBeWritten: that a page was opened is not worth an error to the customer.
func TestAPageIsShownThoughNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		k := newDesk(t, d, nil)
		id, page := k.order()
		k.broken.Store(true)
		k.do("GET", page, nil).wants(t, "Pay ₽180.00")
		k.broken.Store(false)
		if got := k.lasts(id); got != 30*time.Minute {
			t.Errorf("it lasts %s", got)
		}
		k.do("GET", page, nil)
		if got := k.lasts(id); got != 45*time.Minute {
			t.Errorf("it lasts %s", got)
		}
	})
}
