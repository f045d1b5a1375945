package webhook_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/webhook"
)

const (
	shopID     = shop.ID("0193f0c2a7b17c9e8d4f5a6b7c8d9e00")
	signingKey = "k7Qm2VtR9xLcB4nWz8HsD3fJ6yPaE5uG"
)

// clock stands still until it is moved, or runs.
type clock struct {
	mu   sync.Mutex
	t    time.Time
	runs bool
	read time.Time // by the real clock
}

// longestStep is how far a running clock goes on between two looks at it. It is longer than what the deliverer waits for
// within a turn, and far shorter than what a busy machine may take between two lines.
const longestStep = 20 * time.Millisecond

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs {
		now := time.Now()
		c.t, c.read = c.t.Add(min(now.Sub(c.read), longestStep)), now
	}
	return c.t
}

// run has the clock run from now on, or stand again.
func (c *clock) run(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs, c.read = on, time.Now()
}

func (c *clock) to(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.t) {
		c.t = t
	}
}

func (c *clock) forward(d time.Duration) { c.to(c.Now().Add(d)) }

// fixture is a Deliverer on a database of its own.
type fixture struct {
	testing.TB
	db    *store.DB
	clock *clock
	shop  *shop.Shop
	d     *webhook.Deliverer
	log   *strings.Builder
	made  int

	metrics *telemetry.Metrics

	dialect string // of the events
	keys    *webhook.KeyRing
}

// newFixture opens the database with a clock that begins at an instant of our choice; edit may change the deliverer.
func newFixture(t testing.TB, base *storetest.Database, edit func(*webhook.Config), options ...func(*store.Options)) *fixture {
	t.Helper()
	f := &fixture{TB: t, clock: &clock{t: time.Date(2030, 12, 25, 10, 0, 0, 0, time.UTC)}, log: &strings.Builder{}, dialect: "gateway"}
	f.db = base.Open(append(options, func(o *store.Options) { o.Now = f.clock.Now })...)
	f.shop = &shop.Shop{ID: shopID, SigningKey: signingKey, Settings: shop.Defaults(false)}
	f.keys = webhook.NewKeyRing(f.db, testRing.SigningKey, rand.Reader, f.clock.Now)
	f.d = f.deliverer(edit)
	return f
}

func (f *fixture) deliverer(edit func(*webhook.Config)) *webhook.Deliverer {
	c := webhook.Config{
		DB: f.db, Client: webhook.NewClient(outbound.GuardNone, f.clock.Now), Now: f.clock.Now,
		Shop:      func(context.Context, shop.ID) (*shop.Shop, error) { return f.shop, nil },
		Protocols: map[string]webhook.Protocol{"gateway": webhook.Gateway(), "yandexpay": webhook.YandexPay(f.keys)},
		Random:    strings.NewReader(""), // no jitter
		Log:       slog.New(slog.NewTextHandler(&lockedWriter{w: f.log}, nil)),
	}
	f.metrics = telemetry.NewMetrics()
	c.Bell = &alarm.Notifier{DB: f.db, IDs: id.NewSource(f.clock.Now, rand.Reader), Now: f.clock.Now, Log: c.Log, Metrics: f.metrics}
	if edit != nil {
		edit(&c)
	}
	return webhook.New(c)
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func allShards() []int64 {
	shards := make([]int64, store.Shards)
	for i := range shards {
		shards[i] = int64(i)
	}
	return shards
}

// message is what the events of these tests say.
type message struct {
	Payment string
	Seq     int
}

func paymentID(n int) payment.ID { return payment.ID(fmt.Sprintf("%032x", n)) }

// tell writes events to be posted to url: the given seqs of one payment, in one transaction.
func (f *fixture) tell(url string, p int, seqs ...int) {
	f.Helper()
	f.update(func(tx *store.Tx) {
		for _, seq := range seqs {
			f.queue(tx, url, p, seq)
		}
	})
}

func (f *fixture) queue(tx *store.Tx, url string, p, seq int) {
	f.made++
	e := store.Event{
		Shop: shopID, ID: eventID(p, seq), Dialect: f.dialect, Payment: paymentID(p), Seq: seq, Type: "payment.completed",
		ContentType: "application/json", Body: fmt.Sprintf(`{"Payment":"%d","Seq":%d}`, p, seq),
		Created: f.clock.Now().Add(time.Duration(seq-100) * time.Microsecond),
	}
	tx.Events().Insert(&e)
	tx.Deliveries().Insert(&e, url)
}

func eventID(p, seq int) string { return fmt.Sprintf("%024x%08x", p, seq) }

// fill writes one event for each of n payments, 500 at a time.
func (f *fixture) fill(url string, from, n, seq int) {
	f.Helper()
	for at := from; at < from+n; at += 500 {
		f.update(func(tx *store.Tx) {
			for p := at; p < min(at+500, from+n); p++ {
				f.queue(tx, url, p, seq)
			}
		})
	}
}

func (f *fixture) update(body func(*store.Tx)) {
	f.Helper()
	if err := f.db.Update(context.Background(), func(tx *store.Tx) error { body(tx); return nil }); err != nil {
		f.Fatal(err)
	}
}

// view reads one thing.
func view[T any](f *fixture, read func(*store.Tx) (T, error)) T {
	f.Helper()
	var v T
	err := f.db.View(context.Background(), func(tx *store.Tx) (err error) {
		v, err = read(tx)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return v
}

func (f *fixture) endpoint(url string) store.Endpoint {
	f.Helper()
	return view(f, func(tx *store.Tx) (store.Endpoint, error) { return tx.Endpoints().Get(keyOf(url)) })
}

func keyOf(url string) store.EndpointKey {
	return store.EndpointKey{Shop: shopID, ID: store.EndpointID(shopID, url)}
}

// deliveries returns the states of all deliveries, as "payment/seq state".
func (f *fixture) deliveries(filter store.DeliveryFilter) []store.DeliveryInfo {
	f.Helper()
	filter.Shop, filter.Limit = shopID, 10000
	return view(f, func(tx *store.Tx) ([]store.DeliveryInfo, error) { return tx.Deliveries().List(filter) })
}

func (f *fixture) tries(url string, p, seq int) []store.Try {
	f.Helper()
	return view(f, func(tx *store.Tx) ([]store.Try, error) {
		return tx.Deliveries().Tries(keyOf(url), store.DeliveryKey{Payment: paymentID(p), Seq: seq})
	})
}

// run makes one turn for one endpoint.
func (f *fixture) run(url string) time.Time {
	f.Helper()
	next, err := f.d.Run(context.Background(), keyOf(url))
	if err != nil {
		f.Fatal(err)
	}
	return next
}

// drain does what is due now, everywhere.
func (f *fixture) drain() time.Time {
	f.Helper()
	next, err := f.d.Drain(context.Background(), allShards())
	if err != nil {
		f.Fatal(err)
	}
	return next
}

// until goes from one instant with work to the next until the given one.
func (f *fixture) until(end time.Time) {
	f.Helper()
	for {
		next := f.drain()
		if next.IsZero() || next.After(end) {
			f.clock.to(end)
			return
		}
		f.clock.to(next)
	}
}

// receiver is a merchant's server that notes what it accepts and in which order.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	posts    int
	accepted map[string][]int    // payment to seqs, in order of arrival
	ids      map[string]string   // webhook-id to body
	faults   []string            // what broke a promise
	inside   map[string]struct{} // payments of which a post is being served
	answer   func(message) int   // nil: 200
	delay    time.Duration
}

func newReceiver(t testing.TB, answer func(message) int) *receiver {
	r := &receiver{
		accepted: map[string][]int{}, ids: map[string]string{}, inside: map[string]struct{}{}, answer: answer,
	}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	var m message
	if err != nil || json.Unmarshal(body, &m) != nil {
		return
	}
	r.mu.Lock()
	r.posts++
	if _, twice := r.inside[m.Payment]; twice {
		r.faults = append(r.faults, "two at a time of payment "+m.Payment)
	}
	r.inside[m.Payment] = struct{}{}
	id := q.Header.Get("Webhook-Id")
	if was, ok := r.ids[id]; ok && was != string(body) {
		r.faults = append(r.faults, "one id, two bodies: "+id)
	}
	r.ids[id] = string(body)
	status := http.StatusOK
	if r.answer != nil {
		status = r.answer(m)
	}
	if got := r.accepted[m.Payment]; len(got) > 0 && got[len(got)-1] > m.Seq {
		r.faults = append(r.faults, fmt.Sprintf("payment %s: %d after %v", m.Payment, m.Seq, got))
	}
	if status < 300 {
		r.accepted[m.Payment] = append(r.accepted[m.Payment], m.Seq)
	}
	delay := r.delay
	r.mu.Unlock()
	if delay > 0 {
		time.Sleep(delay)
	}
	r.mu.Lock()
	delete(r.inside, m.Payment)
	r.mu.Unlock()
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "noted")
}

// check fails the test for every broken promise.
func (r *receiver) check(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, f := range r.faults {
		if i == 5 {
			t.Errorf("… and %d more", len(r.faults)-5)
			break
		}
		t.Error(f)
	}
}

func (r *receiver) count() (posts, accepted int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, seqs := range r.accepted {
		accepted += len(seqs)
	}
	return r.posts, accepted
}
