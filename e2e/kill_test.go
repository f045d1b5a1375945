package e2e

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

const (
	merchants   = 24                     // clients at work at the same time
	callLimit   = 2 * time.Second        // of a provider call
	leaseIsOver = 3 * time.Minute        // longer than any lease of a dead process and the checks after it
	shortLife   = 100 * time.Millisecond // a server lives at least so long
	longLife    = 900 * time.Millisecond // and at most so much longer
	pauseBefore = 15 * time.Millisecond  // a repeated request
)

func TestKilledAtRandomNothingIsLostOrChargedTwice(t *testing.T) {
	t.Parallel()
	kills := setting.Number(t, "SLUICE_TEST_KILLS", 12)
	onEach(t, func(t *testing.T, url string) {
		dir := shortDir(t)
		s, sim, w := newLoaded(t, dir, url)
		over := w.begin(t)
		for range kills {
			time.Sleep(shortLife + rand.N(longLife))
			s.kill()
			s.start(t)
		}
		await(t, "as many payments are acknowledged as there were kills", patience, func() bool { return w.acknowledged() >= kills })
		over()
		w.catchUp(t)

		shown := w.client.settle(t, leaseIsOver, w.undone...)
		ledger := sim.readLedger(t)
		found := append(disagreements(shown, ledger, w.undone...), w.contradicted(shown)...)
		for i, why := range found {
			if i < 20 {
				t.Error(why)
			}
		}
		sim.healthy(t)
		t.Logf("%d kills, %d payments acknowledged, %d requests repeated (%d given up until the end), %d cards asked for again, %d rolled back, "+
			"%d ledger entries (%d fences), states %v, %d disagreements", kills, len(w.told), w.repeated.Load(), len(w.owed), w.cardLost.Load(),
			len(w.undone), len(ledger), count(ledger, "fenced"), tally(shown), len(found))
		if len(w.told) < kills {
			t.Errorf("only %d payments were acknowledged: the test did not test", len(w.told))
		}
		s.stop(t)
		searchSecrets(t, dir, url)
	})
}

func count(ledger []booking, what string) (n int) {
	for i := range ledger {
		if ledger[i].Type == what {
			n++
		}
	}
	return n
}

func tally(shown []paid) map[string]int {
	n := map[string]int{}
	for i := range shown {
		n[strings.ToLower(shown[i].PaymentType+" "+shown[i].State)]++
	}
	return n
}

// witness is the merchant's side: it works through crashes by repeating what was not answered, under the same key,
// and remembers all that it was told.
type witness struct {
	client   *client
	quiet    chan struct{}
	pause    time.Duration              // before a request is repeated; 0 is pauseBefore
	more     []func(testing.TB, string) // what merchants do besides
	answered func()                     // told of each answer but "try again"; nil for nobody
	repeated atomic.Int64
	cardLost atomic.Int64

	mu       sync.Mutex
	told     map[string]paid      // by payment
	settled  map[string]time.Time // when it was first told to be final
	owed     []request            // never answered yet
	sent     []string             // references of all creations that were answered
	deposits []string             // completed ones
	tokens   []string             // of chains: see chain
	asked    map[string]bool      // deposits whose rollback was asked for: it may be done though no answer came
	undone   []string             // those whose rollback was acknowledged
	wrong    []string             // contradictions noticed on the way
}

// newLoaded starts a server with a shop that reaches its provider by a way that is slow at times, and the merchant of it.
func newLoaded(t testing.TB, dir, url string) (*server, *simulator, *witness) {
	t.Helper()
	sim := startSimulator(t, dir)
	s := newServer(t, dir, url)
	s.start(t)
	w := &witness{told: map[string]paid{}, quiet: make(chan struct{})}
	sim.bySlowPath(t, func() { w.client = s.newImpatientShop(t, sim, callLimit) })
	return s, sim, w
}

// begin has all merchants work until the function is called that it returns.
func (w *witness) begin(t testing.TB) (over func()) {
	var working sync.WaitGroup
	for n := range merchants {
		working.Go(func() { w.work(t, n) })
	}
	return func() {
		close(w.quiet)
		working.Wait()
	}
}

func (w *witness) work(t testing.TB, n int) {
	jobs := []func(testing.TB, string){w.sale, w.sale, w.hold, w.hold, w.giveBack, w.giveBack, w.payOut, w.decline, w.undo}
	jobs = append(jobs, w.more...)
	for i := 0; ; i++ {
		select {
		case <-w.quiet:
			return
		default:
		}
		jobs[rand.N(len(jobs))](t, fmt.Sprintf("m%d-%d", n, i))
	}
}

// ask repeats a request under one key until it is answered by anything but "try again". What is cut off too often is
// left for catchUp, so that merchants do not spend the test waiting for one payment; the reply is then empty.
func (w *witness) ask(t testing.TB, q request) *reply {
	q.key = fmt.Sprintf("key-%s-%s", q.key, q.method)
	for range 4 {
		began := time.Now()
		r, err := w.client.do(t.Context(), q)
		if err == nil && r.status != http.StatusServiceUnavailable {
			w.saw(r, began)
			if w.answered != nil {
				w.answered()
			}
			return r
		}
		w.repeated.Add(1)
		time.Sleep(cmp.Or(w.pause, pauseBefore))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owed = append(w.owed, q)
	return &reply{}
}

// catchUp repeats, now that the server stays, what was never answered.
func (w *witness) catchUp(t testing.TB) {
	queue := make(chan request, len(w.owed))
	for _, q := range w.owed {
		queue <- q
	}
	close(queue)
	var working sync.WaitGroup
	for range merchants {
		working.Go(func() {
			for q := range queue {
				began := time.Now()
				if r, err := w.client.do(t.Context(), q); err == nil {
					w.saw(r, began)
				} else {
					w.complainf("%s %s is not answered: %v", q.method, q.path, err)
				}
			}
		})
	}
	working.Wait()
}

// refusedByRule is an answer that a merchant may get here: nothing is left to refund, or the hold is gone.
var refusedByRule = regexp.MustCompile(`"message":"1\.0[08] `)

// saw remembers what the answer to a request told that began then, and notices what no later answer may take back. Of two
// requests at the same time the older answer may be the one that is read last.
func (w *witness) saw(r *reply, began time.Time) {
	switch {
	case r.status == http.StatusBadRequest && strings.Contains(string(r.body), `"field":"card"`):
		w.cardLost.Add(1)
		return
	case r.status == http.StatusBadRequest && refusedByRule.Match(r.body):
		return
	case r.status != http.StatusOK:
		w.complainf("unexpected answer: %s", r)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	id, before := r.payment.ID, w.told[r.payment.ID]
	switch {
	case !before.final() || before.State == r.payment.State:
		w.told[id] = r.payment
	case began.After(w.settled[id]):
		w.wrong = append(w.wrong, fmt.Sprintf("payment %s was %s and then %s", id, before.State, r.payment.State))
	}
	if !before.final() && r.payment.final() {
		if w.settled == nil {
			w.settled = map[string]time.Time{}
		}
		w.settled[id] = time.Now()
	}
}

func (w *witness) acknowledged() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.told)
}

func (w *witness) complainf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

func (w *witness) create(t testing.TB, name string, body object) *paid {
	r := w.ask(t, request{method: "POST", path: payments, key: name, body: body})
	if r.status != http.StatusOK {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, name)
	return &r.payment
}

// execute goes ahead with a deposit. A card that died with the server's memory is asked for again: the deposit then
// waits in its checkout for ever.
func (w *witness) execute(t testing.TB, name string, body object) *paid {
	created := w.create(t, name, body)
	if created == nil {
		return nil
	}
	r := w.ask(t, request{method: "PATCH", path: pathOf(created.ID), key: name, body: browser})
	if r.status != http.StatusOK {
		return nil
	}
	return &r.payment
}

func amountOf(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

func (w *witness) sale(t testing.TB, name string) {
	p := w.execute(t, name, deposit(name, amountOf(1000+rand.N(9000))))
	if p == nil || p.State != "COMPLETED" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deposits = append(w.deposits, p.ID)
}

// chain charges a card that is kept once more, or pays with one that is kept from then on.
func (w *witness) chain(t testing.TB, name string) {
	w.mu.Lock()
	token := ""
	if len(w.tokens) > 0 && rand.N(3) > 0 {
		token = w.tokens[rand.N(len(w.tokens))]
	}
	w.mu.Unlock()
	if token != "" {
		w.create(t, name, with(order("DEPOSIT", name, amountOf(1000+rand.N(9000))), "recurringToken", token))
		return
	}
	p := w.execute(t, name, with(deposit(name, amountOf(1000+rand.N(9000))), "startRecurring", true))
	if p == nil || p.RecurringToken == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens = append(w.tokens, p.RecurringToken)
}

func (w *witness) decline(t testing.TB, name string) {
	body := with(deposit(name, "12.34"), "card", card("4000000000000416", "123"))
	if p := w.execute(t, name, body); p != nil && p.State == "COMPLETED" {
		w.complainf("a card that is always declined was charged: %+v", *p)
	}
}

// hold authorises, and then captures all, captures a part, voids, or does both at the same time.
func (w *witness) hold(t testing.TB, name string) {
	cents := 1000 + rand.N(9000)
	p := w.execute(t, name, with(deposit(name, amountOf(cents)), "preAuth", true))
	if p == nil || p.State != "AUTHORIZED" {
		return
	}
	capture := request{method: "POST", path: pathOf(p.ID) + "/capture", key: name + "-capture", body: object{}}
	void := request{method: "POST", path: pathOf(p.ID) + "/void", key: name + "-void"}
	switch rand.N(4) {
	case 0:
		w.ask(t, capture)
	case 1:
		capture.body = object{"amount": cents / 200}
		w.ask(t, capture)
	case 2:
		w.ask(t, void)
	case 3:
		var both sync.WaitGroup
		both.Go(func() { w.ask(t, capture) })
		both.Go(func() { w.ask(t, void) })
		both.Wait()
	}
}

// giveBack refunds a part of some deposit, which others may be doing too.
func (w *witness) giveBack(t testing.TB, name string) {
	w.mu.Lock()
	parent := ""
	if n := len(w.deposits); n > 0 {
		parent = w.deposits[n-1-rand.N(min(n, 20))] // few enough that several want the same
	}
	w.mu.Unlock()
	if parent != "" {
		w.giveBackOf(t, name, parent)
	}
}

func (w *witness) giveBackOf(t testing.TB, name, parent string) {
	w.create(t, name, refund(name, parent, amountOf(100+rand.N(3000))))
}

// undo pays or holds and rolls that back by the other API, which works on any deposit, at some time of its life.
func (w *witness) undo(t testing.TB, name string) {
	body := with(deposit(name, amountOf(1000+rand.N(9000))), "preAuth", rand.N(2) == 0)
	created := w.create(t, name, body)
	if created == nil {
		return
	}
	execute := request{method: "PATCH", path: pathOf(created.ID), key: name, body: browser}
	switch rand.N(3) {
	case 0: // unpaid
	case 1:
		if w.ask(t, execute).status != http.StatusOK {
			return
		}
	case 2:
		var both sync.WaitGroup
		both.Go(func() { w.ask(t, execute) })
		defer both.Wait()
		time.Sleep(rand.N(usualDelay))
	}
	if rand.N(2) == 0 {
		w.giveBackOf(t, name+"-part", created.ID)
	}
	w.rollBack(t, created)
}

// rollBack repeats until the merchant is told that the deposit is rolled back; what is cut off too often stays.
func (w *witness) rollBack(t testing.TB, p *paid) {
	m := &merchant{client: w.client}
	w.mu.Lock()
	if w.asked == nil {
		w.asked = map[string]bool{}
	}
	w.asked[p.ID] = true
	w.mu.Unlock()
	for range 20 {
		a, err := m.call(t.Context(), payCall{method: "POST", path: ordersPath(p.ReferenceID) + "/rollback"})
		switch {
		case err == nil && a.status == http.StatusOK:
			w.mu.Lock()
			w.undone = append(w.undone, p.ID)
			w.mu.Unlock()
			return
		case err == nil && !a.tryAgain():
			w.complainf("rollback of %s: %s", p.ID, a)
			return
		}
		w.repeated.Add(1)
		time.Sleep(cmp.Or(w.pause, pauseBefore))
	}
}

func (w *witness) payOut(t testing.TB, name string) {
	w.create(t, name, withdrawal(name, amountOf(100+rand.N(5000))))
}

// contradicted compares what the merchant was told with what stands in the end.
func (w *witness) contradicted(shown []paid) []string {
	found := slices.Clone(w.wrong)
	byID, byReference := map[string]paid{}, map[string]int{}
	for i := range shown {
		byID[shown[i].ID] = shown[i]
	}
	for i := range shown {
		if p := &shown[i]; p.ReferenceID == "" {
			// The engine makes refunds, to give deposits back that are rolled back, and nothing else has no name.
			if p.PaymentType != "REFUND" || !w.asked[p.Parent] {
				found = append(found, fmt.Sprintf("%+v: nobody asked for it; it is of %+v", *p, byID[p.Parent]))
			}
			continue
		}
		byReference[shown[i].ReferenceID]++
	}
	for id, told := range w.told {
		now, exists := byID[id]
		switch {
		case !exists:
			found = append(found, fmt.Sprintf("payment %s was acknowledged and does not exist", id))
		case told.final() && told.State != now.State:
			found = append(found, fmt.Sprintf("payment %s was told to be %s and is %s", id, told.State, now.State))
		case told.State == "AUTHORIZED" && (now.State == "DECLINED" || now.State == "CHECKOUT"):
			found = append(found, fmt.Sprintf("payment %s was told to be %s and is %s", id, told.State, now.State))
		}
	}
	for _, reference := range w.sent {
		if n := byReference[reference]; n != 1 {
			found = append(found, fmt.Sprintf("reference %s: %d payments under one idempotency key", reference, n))
		}
	}
	for reference, n := range byReference {
		if n > 1 {
			found = append(found, fmt.Sprintf("reference %s: %d payments", reference, n))
		}
	}
	return found
}
