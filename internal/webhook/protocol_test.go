package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/webhook"
)

// TestOnly200IsDelivered: of the gateway's receivers any 2xx is consent, of these one status is, and none ends it all.
func TestOnly200IsDelivered(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := yandexPay(t, d)
		for i, status := range []int{200, 201, 202, 204, 301, 400, 404, 410, 429, 500, 503} {
			m := newMailbox(t, status)
			m.body = `{"status":"fail","reasonCode":"ORDER_NOT_FOUND","reason":"no such order"}`
			f.tell(m.URL, i+1, 1)
			next := f.run(m.URL)
			tries := f.tries(m.URL, i+1, 1)
			if len(tries) != 1 || tries[0].Status != status || (tries[0].Error == "") != (status == 200) || next.IsZero() != (status == 200) {
				t.Errorf("%d: next %s, log %+v", status, next, tries)
			}
			if status != 204 && status != 304 && !strings.Contains(tries[0].Answer, "ORDER_NOT_FOUND") {
				t.Errorf("%d: the reasonCode is not kept: %q", status, tries[0].Answer)
			}
			if e := f.endpoint(m.URL); e.State != store.EndpointUp {
				t.Errorf("%d: the endpoint is %s", status, e.State)
			}
		}
	})
}

func TestLadderOfYandexPay(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := yandexPay(t, d)
		m := newMailbox(t, 503)
		began := f.clock.Now()
		f.tell(m.URL, 1, 1)
		f.until(began.Add(30 * time.Hour))
		const s, m60 = time.Second, time.Minute
		want := slices.Concat([]time.Duration{0}, slices.Repeat([]time.Duration{5 * time.Millisecond}, 9), []time.Duration{
			1 * s, 2 * s, 5 * s, 10 * s, 30 * s, 1 * m60, 2 * m60, 5 * m60, 10 * m60, 15 * m60,
		})
		rest := 24 * time.Hour
		for _, w := range want {
			rest -= w
		}
		for ; rest > 15*m60; rest -= 15 * m60 {
			want = append(want, 15*m60)
		}
		want = append(want, rest)
		var waits []time.Duration
		last := began
		for _, try := range f.tries(m.URL, 1, 1) {
			waits, last = append(waits, try.At.Sub(last)), try.At
		}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Errorf("waits (-want +got):\n%s", diff)
		}
		failed := f.deliveries(store.DeliveryFilter{State: store.DeliveryFailed})
		if len(failed) != 1 || !failed[0].Done.Equal(began.Add(24*time.Hour)) {
			t.Errorf("given up: %+v", failed)
		}
		f.update(func(tx *store.Tx) { tx.Deliveries().Resend(keyOf(m.URL), failed[0].DeliveryKey, tx.Now()) })
		m.status = 200
		f.drain()
		if got := f.deliveries(store.DeliveryFilter{State: store.DeliveryDelivered}); len(got) != 1 {
			t.Error("an operator cannot have it sent again")
		}
	})
}

func TestWaitsOfYandexPayAreJitteredToBothSides(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		random string
		want   time.Duration
	}{{"\x00\x00", 800 * time.Millisecond}, {"\x80\x00", time.Second}, {"\xff\xff", 1200 * time.Millisecond}} {
		f := newFixture(t, storetest.New(t, store.SQLite), func(c2 *webhook.Config) {
			c2.Random = strings.NewReader(strings.Repeat(c.random, 1000))
		})
		f.dialect = "yandexpay"
		m := newMailbox(t, 500)
		f.tell(m.URL, 1, 1)
		next := f.drain()
		for m.count() < 10 {
			f.clock.to(next)
			next = f.drain()
		}
		if wait := next.Sub(f.clock.Now()); (wait - c.want).Abs() > 10*time.Millisecond {
			t.Errorf("%q: waits %s, want about %s", c.random, wait, c.want)
		}
	}
}

// TestBurstIsOneTurn: on a clock that runs, ten tries come within one turn, and to the endpoint they are one.
func TestBurstIsOneTurn(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := yandexPay(t, d)
		f.clock.run(true)
		m := newMailbox(t, 500)
		f.tell(m.URL, 1, 1, 2)
		next := f.run(m.URL)
		ended := f.clock.Now()
		tries := f.tries(m.URL, 1, 1)
		if len(tries) != 10 || m.count() != 10 {
			t.Fatalf("%d tries, %d requests", len(tries), m.count())
		}
		for i := 1; i < 10; i++ {
			if apart := tries[i].At.Sub(tries[i-1].At); apart < 5*time.Millisecond || tries[i].Number != i+1 {
				t.Errorf("try %d after %s", tries[i].Number, apart)
			}
		}
		if next.Sub(tries[9].At) < 500*time.Millisecond || next.Sub(ended) > time.Second {
			t.Errorf("then %s after the last try, %s after the turn", next.Sub(tries[9].At), next.Sub(ended))
		}
		if e := f.endpoint(m.URL); e.State != store.EndpointUp || e.Fails != 1 || e.LastError != "answered 500" {
			t.Errorf("endpoint %+v", e)
		}
		t.Logf("ten tries took %s", tries[9].At.Sub(tries[0].At))
	})
}

// TestBurstBesideSlowPosts: another payment's answer takes its time, and the burst does not wait for it.
func TestBurstBesideSlowPosts(t *testing.T) {
	t.Parallel()
	f := yandexPay(t, storetest.New(t, store.SQLite))
	f.clock.run(true)
	release := make(chan struct{})
	posts := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if body, _ := io.ReadAll(q.Body); strings.Contains(string(body), "eyJQYXltZW50IjoiMSIs") { // {"Payment":"1",
			select {
			case <-release:
			case <-time.After(time.Minute): // the test has failed
			}
			return
		}
		if posts++; posts == 10 {
			close(release)
		}
		w.WriteHeader(500)
	}))
	defer srv.Close()
	f.tell(srv.URL, 1, 1)
	f.tell(srv.URL, 2, 1)
	began := time.Now()
	f.run(srv.URL)
	if posts != 10 || len(f.tries(srv.URL, 2, 1)) != 10 {
		t.Errorf("%d posts", posts)
	}
	t.Logf("ten tries took %s", time.Since(began))
}

// TestDownEndpointIsNotHammered: of a hundred events a few have their burst, then the endpoint is left alone for as long
// as it has been down, and the first that gets through brings the others along.
func TestDownEndpointIsNotHammered(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := yandexPay(t, d)
		m := newMailbox(t, 500)
		f.clock.run(true)
		f.fill(m.URL, 0, 100, 1)
		f.run(m.URL)
		f.clock.run(false)
		began := f.clock.Now()
		if n := m.count(); n < 50 || n > 130 {
			t.Errorf("%d posts at once", n)
		}
		posts := func(until time.Duration) int {
			before := m.count()
			f.until(began.Add(until))
			return m.count() - before
		}
		e := f.endpoint(m.URL)
		if e.State != store.EndpointDown {
			t.Fatalf("endpoint %+v", e)
		}
		if n := posts(time.Minute); n < 5 || n > 10 {
			t.Errorf("%d probes in the first minute", n)
		}
		if n := posts(time.Hour); n < 13 || n > 18 {
			t.Errorf("%d probes in the first hour", n)
		}
		m.status = 200
		if n := posts(time.Hour + 5*time.Minute); n != 100 {
			t.Errorf("%d posts when it is back, want 100", n)
		}
		if got := f.deliveries(store.DeliveryFilter{State: store.DeliveryDelivered}); len(got) != 100 {
			t.Errorf("%d delivered", len(got))
		}
	})
}

// TestShortBreakCostsLittle: a receiver that restarts within twenty seconds has everything soon after.
func TestShortBreakCostsLittle(t *testing.T) {
	t.Parallel()
	f := yandexPay(t, storetest.New(t, store.SQLite))
	m := newMailbox(t, 502)
	f.fill(m.URL, 0, 30, 1)
	began := f.clock.Now()
	f.until(began.Add(20 * time.Second))
	m.status = 200
	f.until(began.Add(45 * time.Second))
	if got := f.deliveries(store.DeliveryFilter{State: store.DeliveryDelivered}); len(got) != 30 {
		t.Errorf("%d of 30 delivered", len(got))
	}
}

// TestRetryAfterGoesBeforeTheBurst: who asks for time gets it.
func TestRetryAfterGoesBeforeTheBurst(t *testing.T) {
	t.Parallel()
	f := yandexPay(t, storetest.New(t, store.SQLite))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(429)
	}))
	defer srv.Close()
	f.tell(srv.URL, 1, 1)
	if wait := f.run(srv.URL).Sub(f.clock.Now()); wait != 90*time.Second {
		t.Errorf("next try in %s", wait)
	}
}

// TestDialectsShareAnEndpoint: each keeps its own protocol at the same address.
func TestDialectsShareAnEndpoint(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		m := newMailbox(t, 202)
		f.tell(m.URL, 1, 1)
		f.dialect = "yandexpay"
		f.tell(m.URL, 2, 1)
		f.run(m.URL)
		got := map[string]store.DeliveryState{}
		for _, i := range f.deliveries(store.DeliveryFilter{}) {
			got[string(i.Payment[31:])] = i.State
		}
		if diff := cmp.Diff(map[string]store.DeliveryState{"1": store.DeliveryDelivered, "2": store.DeliveryWaiting}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
