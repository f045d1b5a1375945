package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/webhook"
)

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, d *storetest.Database)) {
	t.Parallel()
	storetest.Each(t, test)
}

func TestAcceptedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, func(c *webhook.Config) { c.Turn = time.Hour }) // on any machine it is one turn
		r := newReceiver(t, func(m message) int { return 200 + m.Seq })
		f.tell(r.URL+"/hook", 1, 1, 2, 3)
		if next := f.run(r.URL + "/hook"); !next.IsZero() {
			t.Errorf("more at %s", next)
		}
		r.check(t)
		if diff := cmp.Diff(map[string][]int{"1": {1, 2, 3}}, r.accepted); diff != "" {
			t.Errorf("accepted (-want +got):\n%s", diff)
		}
		want := []store.Try{{
			DeliveryKey: store.DeliveryKey{Payment: paymentID(1), Seq: 2}, Number: 1, At: f.clock.Now(), Status: 202, Answer: "noted",
		}}
		if diff := cmp.Diff(want, f.tries(r.URL+"/hook", 1, 2)); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

// TestLadder goes through the whole life of a delivery that nobody accepts.
func TestLadder(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		r := newReceiver(t, func(message) int { return 500 })
		started := f.clock.Now()
		f.tell(r.URL, 1, 1)
		f.until(started.Add(100 * time.Hour))
		var waits []time.Duration
		last := started
		for _, try := range f.tries(r.URL, 1, 1) {
			waits, last = append(waits, try.At.Sub(last)), try.At
			if try.Status != 500 || try.Error != "answered 500" || try.Answer != "noted" {
				t.Errorf("try %d is logged as %+v", try.Number, try)
			}
		}
		const h = time.Hour
		want := []time.Duration{
			0, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, h, 3 * h, 6 * h, 12 * h,
			24 * h, 24 * h,
		}
		rest := 75 * h
		for _, w := range want {
			rest -= w
		}
		if diff := cmp.Diff(append(want, rest), waits); diff != "" {
			t.Errorf("waits (-want +got):\n%s", diff)
		}
		failed := f.deliveries(store.DeliveryFilter{State: store.DeliveryFailed})
		if len(failed) != 1 || failed[0].Tries != 13 || !failed[0].Done.Equal(started.Add(75*h)) {
			t.Fatalf("failed: %+v", failed)
		}
		if !strings.Contains(f.log.String(), "given up") {
			t.Error("nothing in the log")
		}
		// An operator has it sent again: under the same id, and the ladder begins anew.
		f.update(func(tx *store.Tx) { tx.Deliveries().Resend(keyOf(r.URL), failed[0].DeliveryKey, tx.Now()) })
		next := f.drain()
		if got := next.Sub(f.clock.Now()); got != 5*time.Second || len(r.ids) != 1 {
			t.Errorf("after resending: next in %s, ids %v", got, r.ids)
		}
		r.answer = nil
		f.drain()
		f.clock.to(next)
		f.drain()
		if tries := f.tries(r.URL, 1, 1); len(tries) != 15 || tries[14].Number != 15 || tries[14].Error != "" {
			t.Errorf("%d tries, last %+v", len(tries), tries[len(tries)-1])
		}
		r.check(t)
	})
}

func TestWaitsAreJitteredDownwards(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, func(c *webhook.Config) { c.Random = strings.NewReader(strings.Repeat("\xff\x00", 1000)) })
		r := newReceiver(t, func(message) int { return 500 })
		f.tell(r.URL, 1, 1)
		if wait := f.drain().Sub(f.clock.Now()); wait < 4*time.Second || wait > 4010*time.Millisecond {
			t.Errorf("waits %s, not about four of the five seconds", wait)
		}
	})
}

// TestFailureHoldsBackItsPaymentOnly: the first event of payment 1 fails twice.
func TestFailureHoldsBackItsPaymentOnly(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		var refused atomic.Int32
		r := newReceiver(t, func(m message) int {
			if m.Payment == "1" && m.Seq == 1 && refused.Add(1) <= 2 {
				return 503
			}
			return 200
		})
		f.tell(r.URL, 1, 1, 2)
		f.tell(r.URL, 2, 1, 2)
		f.drain()
		f.tell(r.URL, 1, 3) // arrives while its payment is held back
		f.drain()
		if diff := cmp.Diff(map[string][]int{"2": {1, 2}}, r.accepted); diff != "" {
			t.Errorf("before the retry (-want +got):\n%s", diff)
		}
		f.until(f.clock.Now().Add(time.Minute))
		if diff := cmp.Diff(map[string][]int{"1": {1, 2, 3}, "2": {1, 2}}, r.accepted); diff != "" {
			t.Errorf("in the end (-want +got):\n%s", diff)
		}
		if e := f.endpoint(r.URL); e.State != store.EndpointUp || e.Fails != 0 {
			t.Errorf("endpoint: %+v", e)
		}
		r.check(t)
	})
}

// TestOneUndigestibleBodyIsNoOutage: the same event failing often does not make the endpoint count as down.
func TestOneUndigestibleBodyIsNoOutage(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		r := newReceiver(t, func(m message) int { return map[bool]int{true: 500, false: 200}[m.Payment == "1"] })
		f.tell(r.URL, 1, 1)
		f.until(f.clock.Now().Add(8 * time.Minute))
		f.tell(r.URL, 2, 1)
		f.drain()
		if posts, accepted := r.count(); accepted != 1 || posts != 6 {
			t.Errorf("%d of %d posts accepted: another event had to wait", accepted, posts)
		}
	})
}

// TestRecoveryFlushes: as soon as one event is accepted, those that failed often come too, long before their time.
func TestRecoveryFlushes(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		var up atomic.Bool
		r := newReceiver(t, func(message) int { return map[bool]int{true: 200, false: 500}[up.Load()] })
		f.fill(r.URL, 0, 8, 1)
		f.until(f.clock.Now().Add(12 * time.Hour))
		if e := f.endpoint(r.URL); e.State != store.EndpointDown || e.DownSince.IsZero() {
			t.Fatalf("endpoint %+v", e)
		}
		up.Store(true)
		f.tell(r.URL, 100, 1)
		f.drain()
		if _, accepted := r.count(); accepted != 9 {
			t.Errorf("%d of 9 accepted at the first sign of life", accepted)
		}
		if log := f.log.String(); !strings.Contains(log, "is down") || !strings.Contains(log, "up again") {
			t.Errorf("log: %s", log)
		}
	})
}

func TestGoneDisablesTheEndpoint(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, func(c *webhook.Config) { c.Parallel = 1 })
		r := newReceiver(t, func(message) int { return http.StatusGone })
		f.fill(r.URL, 0, 1500, 1)
		if next := f.drain(); !next.IsZero() {
			t.Errorf("still something to do at %s", next)
		}
		posts, _ := r.count()
		failed := f.deliveries(store.DeliveryFilter{State: store.DeliveryFailed})
		if e := f.endpoint(r.URL); e.State != store.EndpointDisabled || posts != 1 || len(failed) != 1500 {
			t.Errorf("%s after %d posts, %d failed", e.State, posts, len(failed))
		}
		if !strings.Contains(f.log.String(), "level=ERROR") {
			t.Error("no alarm in the log")
		}
		f.tell(r.URL, 9000, 1) // later events are listed as undelivered at once
		f.drain()
		if posts, _ := r.count(); posts != 1 {
			t.Error("posted to a disabled endpoint")
		}
		r.answer = nil
		f.update(func(tx *store.Tx) {
			tx.Endpoints().Switch(keyOf(r.URL), store.EndpointUp)
			tx.Deliveries().Resend(keyOf(r.URL), store.DeliveryKey{Payment: paymentID(9000), Seq: 1}, tx.Now())
		})
		f.drain()
		if _, accepted := r.count(); accepted != 1 {
			t.Errorf("%d accepted after enabling and resending", accepted)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	date := time.Date(2030, 12, 25, 10, 7, 0, 0, time.UTC).Format(http.TimeFormat)
	for _, c := range []struct {
		name, header string
		status       int
		want         time.Duration
	}{
		{"seconds", "120", 429, 2 * time.Minute},
		{"seconds of a 503", " 90 ", 503, 90 * time.Second},
		{"date", date, 503, 7 * time.Minute},
		{"shorter than the ladder", "1", 429, 5 * time.Second},
		{"too long", "864000", 429, time.Hour},
		{"more than any number", strings.Repeat("9", 40), 429, time.Hour},
		{"in the past", "Mon, 01 Jan 2001 00:00:00 GMT", 429, 5 * time.Second},
		{"negative", "-5", 429, 5 * time.Second},
		{"nonsense", "soon", 429, 5 * time.Second},
		{"other status", "120", 500, 5 * time.Second},
		{"with a page that is too long", "120", 503, 2 * time.Minute},
		{"with a page that breaks off", "120", 429, 2 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, storetest.New(t, store.SQLite), func(c *webhook.Config) { c.Parallel = 1 })
			posts := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				posts++
				w.Header().Set("Retry-After", c.header)
				if strings.HasSuffix(c.name, "breaks off") {
					w.Header().Set("Content-Length", "1000")
				}
				w.WriteHeader(c.status)
				if strings.HasSuffix(c.name, "too long") {
					_, _ = w.Write(make([]byte, 200<<10)) // it is cut
				}
			}))
			defer srv.Close()
			f.tell(srv.URL, 1, 1)
			started := f.clock.Now()
			if got := f.run(srv.URL).Sub(started); got != c.want {
				t.Errorf("next try in %s, want %s", got, c.want)
			}
			f.clock.forward(time.Millisecond)
			f.tell(srv.URL, 2, 1) // a hold is the endpoint's: another event waits too
			f.run(srv.URL)
			if held := c.want > 5*time.Second || c.name == "shorter than the ladder"; (posts == 1) != held {
				t.Errorf("%d posts", posts)
			}
		})
	}
}

func TestRedirectsAreFailures(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		target := newReceiver(t, nil)
		for i, status := range []int{301, 302, 303, 307, 308, 304} {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", target.URL)
				w.WriteHeader(status)
			}))
			defer srv.Close()
			f.tell(srv.URL, i+1, 1)
			f.run(srv.URL)
			if tries := f.tries(srv.URL, i+1, 1); len(tries) != 1 || tries[0].Status != status || tries[0].Error == "" {
				t.Errorf("%d is logged as %+v", status, tries)
			}
		}
		if posts, _ := target.count(); posts != 0 {
			t.Errorf("%d redirects followed", posts)
		}
	})
}

// TestHugeAnswersAreCut: the head accepts, the body never ends. The bytes that leave the receiver are bounded.
func TestHugeAnswersAreCut(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		var sent atomic.Int64
		var posts atomic.Int32
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			posts.Add(1)
			block := []byte(strings.Repeat("x", 32<<10))
			for range 1 << 15 { // a gigabyte
				n, err := w.Write(block)
				sent.Add(int64(n))
				if err != nil {
					return
				}
			}
		}))
		defer srv.Close()
		for p := range 3 {
			f.tell(srv.URL, p+1, 1)
			f.until(f.clock.Now().Add(time.Minute))
		}
		srv.Close()
		if got := f.deliveries(store.DeliveryFilter{State: store.DeliveryDelivered}); len(got) != 3 {
			t.Errorf("%d delivered", len(got))
		}
		if posts.Load() > 4 || sent.Load() > int64(posts.Load())*(16<<20) {
			t.Errorf("%d posts, %d bytes left the receiver", posts.Load(), sent.Load())
		}
	})
}

func TestSlowAnswersAreCut(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		release := make(chan struct{})
		f := newFixture(t, d, func(c *webhook.Config) {
			c.Client = outbound.New(outbound.Options{Timeout: 50 * time.Millisecond, Guard: outbound.GuardNone, Now: c.Now})
		})
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
		defer srv.Close()
		defer close(release)
		f.tell(srv.URL, 1, 1)
		next := f.run(srv.URL)
		tries := f.tries(srv.URL, 1, 1)
		if len(tries) != 1 || tries[0].Status != 0 || tries[0].Error == "" || next.Sub(f.clock.Now()) != 5*time.Second {
			t.Errorf("next %s, log %+v", next, tries)
		}
	})
}

func TestLogKeepsAnswersBoundedAndClean(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		answers := []struct{ body, want string }{
			{"plain", "plain"},
			{"a\x00b\x1b[31mc\r\nd\u202ee\xff", "a b [31mc  d e?"},
			{strings.Repeat("é", 2000), strings.Repeat("é", 512)},
			{"x" + strings.Repeat("é", 2000), "x" + strings.Repeat("é", 511)},
			{"card 4111111111111111", "card 411111******1111"},
		}
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			n, _ := strconv.Atoi(q.URL.Path[1:])
			w.WriteHeader(400)
			_, _ = io.WriteString(w, answers[n].body)
		}))
		defer srv.Close()
		for i, c := range answers {
			url := fmt.Sprintf("%s/%d", srv.URL, i)
			f.tell(url, i, 1)
			f.run(url)
			got := f.tries(url, i, 1)[0].Answer
			if i == 4 {
				if strings.Contains(got, "4111111111111111") {
					t.Errorf("a card number is kept: %q", got)
				}
			} else if got != c.want {
				t.Errorf("%.40q is kept as %.60q (%d bytes), want %.60q", c.body, got, len(got), c.want)
			}
		}
	})
}

// TestCrashBetweenPostAndCommit: what was posted but not recorded is posted again, under the same id, and nothing newer
// of its payment went out in between.
func TestCrashBetweenPostAndCommit(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		var broken atomic.Bool
		f := newFixture(t, d, nil, func(o *store.Options) {
			o.Fault = func(p store.FaultPoint, writes []string) error {
				if broken.Load() && p == store.FaultBeforeGroup && slices.Contains(writes, "delivery.finish") {
					return errors.New("crash")
				}
				return nil
			}
		})
		r := newReceiver(t, nil)
		f.tell(r.URL, 1, 1, 2)
		broken.Store(true)
		if _, err := f.d.Run(context.Background(), keyOf(r.URL)); err == nil {
			t.Fatal("the lost commit was not noticed")
		}
		broken.Store(false)
		f.d = f.deliverer(nil) // another process
		f.drain()
		if diff := cmp.Diff(map[string][]int{"1": {1, 1, 2}}, r.accepted); diff != "" || len(r.ids) != 2 {
			t.Errorf("%d ids, accepted (-want +got):\n%s", len(r.ids), diff)
		}
		r.check(t)
	})
}

// TestLostAcknowledgementOfTheCommit counts no try twice.
func TestLostAcknowledgementOfTheCommit(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		var lost atomic.Int32
		f := newFixture(t, d, nil, func(o *store.Options) {
			o.Fault = func(p store.FaultPoint, writes []string) error {
				if p == store.FaultAfterCommit && slices.Contains(writes, "delivery.retry") && lost.Add(1) == 1 {
					return errors.New("lost")
				}
				return nil
			}
		})
		r := newReceiver(t, func(message) int { return 500 })
		f.tell(r.URL, 1, 1)
		f.run(r.URL)
		if got := f.deliveries(store.DeliveryFilter{}); got[0].Tries != 1 || len(f.tries(r.URL, 1, 1)) != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestEndOfTheContextRecordsNothingFalse(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		ctx, cancel := context.WithCancel(context.Background())
		release := make(chan struct{})
		var once sync.Once
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			once.Do(cancel)
			<-release
		}))
		defer srv.Close()
		defer close(release)
		f.fill(srv.URL, 0, 20, 1)
		if _, err := f.d.Run(ctx, keyOf(srv.URL)); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if e := f.endpoint(srv.URL); e.Fails != 0 || len(f.tries(srv.URL, 0, 1)) != 0 {
			t.Errorf("the breaking off counts against the receiver: %+v", e)
		}
	})
}

func TestOneRunOfAnEndpointAtATime(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		inside, release := make(chan struct{}), make(chan struct{})
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			inside <- struct{}{}
			<-release
		}))
		defer srv.Close()
		if f.d.Wake(keyOf(srv.URL)) {
			t.Error("a run that is not there was woken")
		}
		f.tell(srv.URL, 1, 1)
		done := make(chan error)
		go func() {
			_, err := f.d.Run(context.Background(), keyOf(srv.URL))
			done <- err
		}()
		<-inside
		if _, err := f.d.Run(context.Background(), keyOf(srv.URL)); !errors.Is(err, webhook.ErrRunning) {
			t.Errorf("error %v", err)
		}
		f.tell(srv.URL, 2, 1) // found by the run that waits for a slow answer
		if !f.d.Wake(keyOf(srv.URL)) {
			t.Error("the run was not woken")
		}
		<-inside
		close(release)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestUnknownDialectAndUnknownEndpoint(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, func(c *webhook.Config) { c.Protocols = nil })
		r := newReceiver(t, nil)
		f.tell(r.URL, 1, 1)
		f.run(r.URL)
		if tries := f.tries(r.URL, 1, 1); len(tries) != 1 || !strings.Contains(tries[0].Error, "gateway") {
			t.Errorf("log %+v", tries)
		}
		if e := f.endpoint(r.URL); e.Fails != 0 {
			t.Errorf("our mistake counts against the receiver: %+v", e)
		}
		if next := f.run("http://nobody.example/"); !next.IsZero() {
			t.Errorf("an endpoint that does not exist is due at %s", next)
		}
	})
}
