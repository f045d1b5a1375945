package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

const (
	orderMerchants = 10                     // clients at work at the same time
	orderTries     = 6                      // of a call, then it is left until the server stays
	pauseBusy      = 100 * time.Millisecond // where another operation is under way
)

// TestKilledAtRandomOrdersStandAsTold is TestKilledAtRandomNothingIsLostOrChargedTwice for the other API: orders are
// made, paid, captured, cancelled, refunded, rolled back and continued while the server is killed, and what becomes of
// them is told by signed tokens.
func TestKilledAtRandomOrdersStandAsTold(t *testing.T) {
	t.Parallel()
	kills := setting.Number(t, "SLUICE_TEST_KILLS", 12)
	onEach(t, func(t *testing.T, database string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, database, "--private-webhooks")
		s.start(t)
		r := newTokenReceiver(t, s)
		w := &orderWitness{orders: map[string]*orderTold{}, names: map[string]string{}, quiet: make(chan struct{})}
		sim.bySlowPath(t, func() {
			w.shops = []*merchant{s.newMerchant(t, sim, r.URL+"/one", false), s.newMerchant(t, sim, r.URL+"/two/", true)}
		})

		var working sync.WaitGroup
		for n := range orderMerchants {
			working.Go(func() { w.work(t, n) })
		}
		for range kills {
			time.Sleep(shortLife + rand.N(longLife))
			s.kill()
			s.start(t)
		}
		await(t, "orders of many kinds are acknowledged", leaseIsOver, func() bool { return w.saidEnough(kills) })
		close(w.quiet)
		working.Wait()
		w.catchUp(t)

		w.judge(t, sim, r, kills)
		sim.healthy(t)
		s.stop(t)
		searchSecrets(t, dir, database)
	})
}

// orderTold is what a merchant was told about an order.
type orderTold struct {
	shop       *merchant
	id         string
	cents      int
	url        string // paymentUrl; empty for what has none
	hosted     bool   // it has one
	binding    bool
	parallel   bool // calls for it were sent at the same time: some of them may be refused
	rollback   bool // was asked for
	undone     bool // and acknowledged
	status     string
	operations map[string]payOperation // by operationId
}

// orderWitness is the merchant's side: it repeats what was not answered, as the API's clients do, and remembers all
// that it was told.
type orderWitness struct {
	shops []*merchant
	quiet chan struct{}
	calm  atomic.Bool   // the server stays
	pause time.Duration // before a call is repeated; 0 is pauseBefore

	repeated, busy, refused, duplicates, givenUp atomic.Int64

	mu     sync.Mutex
	orders map[string]*orderTold
	names  map[string]string // operationId by externalOperationId
	owed   []payAsk
	wrong  []string
}

func (w *orderWitness) complainf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// payAsk is a call with what is to be made of its answer. lost: some try of it was not answered.
type payAsk struct {
	shop   *merchant
	call   payCall
	lost   bool
	answer func(a *payAnswer, lost bool)
}

// ask repeats a call until it is answered by anything but "try again", and reports that it was.
func (w *orderWitness) ask(t testing.TB, q payAsk) bool {
	for deadline := time.Now().Add(leaseIsOver); ; q.call.attempt++ {
		a, err := q.shop.call(t.Context(), q.call)
		if err == nil && !a.tryAgain() {
			q.answer(a, q.lost)
			return true
		}
		pause := cmp.Or(w.pause, pauseBefore)
		if err == nil && a.busy() {
			w.busy.Add(1)
			pause = pauseBusy
		} else {
			w.repeated.Add(1)
			q.lost = true
		}
		switch {
		case w.calm.Load() && time.Now().After(deadline):
			w.complainf("%s %s is never answered: %v, %v", q.call.method, q.call.path, err, a)
			return false
		case !w.calm.Load() && q.call.attempt >= orderTries:
			w.givenUp.Add(1)
			w.mu.Lock()
			w.owed = append(w.owed, q)
			w.mu.Unlock()
			return false
		}
		time.Sleep(pause)
	}
}

// saidEnough reports that there is something to judge.
func (w *orderWitness) saidEnough(kills int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	undone, operations := false, map[string]bool{}
	for _, o := range w.orders {
		undone = undone || o.undone
		for _, op := range o.operations {
			if op.final() {
				operations[op.OperationType+" "+op.Status] = true
			}
		}
	}
	return len(w.orders) >= kills && undone && len(operations) >= 5
}

// catchUp repeats, now that the server stays, what was never answered.
func (w *orderWitness) catchUp(t testing.TB) {
	w.calm.Store(true)
	queue := make(chan payAsk, len(w.owed))
	for _, q := range w.owed {
		queue <- q
	}
	close(queue)
	var working sync.WaitGroup
	for range orderMerchants {
		working.Go(func() {
			for q := range queue {
				w.ask(t, q)
			}
		})
	}
	working.Wait()
}

func (w *orderWitness) work(t testing.TB, n int) {
	for i := 0; ; i++ {
		select {
		case <-w.quiet:
			return
		default:
			w.live(t, fmt.Sprintf("%d/№ %d", n, i))
		}
	}
}

// live leads one order through some life. It ends early where an answer is owed.
func (w *orderWitness) live(t testing.TB, name string) {
	m := w.shops[rand.N(len(w.shops))]
	var o *orderTold
	kind := rand.N(8)
	switch kind {
	case 0:
		o = w.payByCard(t, m, name)
	case 1, 2:
		o = w.open(t, m, name, "/v1/subscriptions", kind == 2)
	default:
		o = w.open(t, m, name, "/v1/orders", false)
	}
	if o == nil {
		return
	}
	switch rand.N(10) {
	case 0:
		w.rollBack(t, o)
		return
	case 1:
		w.atOnce(o, func() { w.pay(t, o) }, func() { time.Sleep(rand.N(usualDelay)); w.rollBack(t, o) })
		return
	case 2:
		w.atOnce(o, func() { w.pay(t, o) }, func() { w.pay(t, o) })
	default:
		w.pay(t, o)
	}
	status := w.look(t, o)
	if (status == "AUTHORIZED" || status == "CAPTURED") && (kind == 1 || kind == 2) {
		w.recur(t, o)
	}
	if status == "AUTHORIZED" {
		w.end(t, o)
		status = w.look(t, o)
	}
	if status == "CAPTURED" && !o.binding {
		w.giveBack(t, o)
	}
}

// atOnce runs calls for one order at the same time.
func (w *orderWitness) atOnce(o *orderTold, calls ...func()) {
	w.mu.Lock()
	o.parallel = true
	w.mu.Unlock()
	var all sync.WaitGroup
	for _, call := range calls {
		all.Go(call)
	}
	all.Wait()
}

// begun is a new entry for an order that was acknowledged.
func (w *orderWitness) begun(m *merchant, id string, cents int) *orderTold {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.orders[id]
	if o == nil {
		o = &orderTold{shop: m, id: id, cents: cents, operations: map[string]payOperation{}}
		w.orders[id] = o
	}
	return o
}

// open makes an order or a subscription; a binding has no amount.
func (w *orderWitness) open(t testing.TB, m *merchant, id, path string, binding bool) (o *orderTold) {
	cents := 5000 + rand.N(5000)
	body := object{"orderId": id, "currencyCode": "RUB", "cart": cartOf(amountOf(cents)),
		"redirectUrls": object{"onSuccess": "https://shop.example/ok", "onError": "https://shop.example/no"}}
	switch {
	case binding:
		delete(body, "cart")
		body, cents = with(body, "isBinding", true), 0
	case path == "/v1/subscriptions":
		body = with(with(body, "intervalUnit", "MONTH"), "intervalCount", 1)
	}
	q := payAsk{shop: m, call: payCall{method: "POST", path: path, body: body}, answer: func(a *payAnswer, _ bool) {
		if a.status != http.StatusOK || a.data.PaymentURL == "" {
			w.complainf("order %s: %s", id, a)
			return
		}
		o = w.begun(m, id, cents)
		w.mu.Lock()
		defer w.mu.Unlock()
		if o.url != "" && o.url != a.data.PaymentURL {
			w.wrong = append(w.wrong, fmt.Sprintf("order %s is paid at %s and at %s", id, o.url, a.data.PaymentURL))
		}
		o.url, o.hosted, o.binding = a.data.PaymentURL, true, binding
	}}
	if !w.ask(t, q) || o == nil {
		return nil
	}
	switch rand.N(8) {
	case 0:
		first := q.answer
		q.answer = func(a *payAnswer, lost bool) {
			if w.calm.Load() && a.status == http.StatusConflict && a.code == "ORDER_ALREADY_EXISTS" {
				return // it was left until the end, and by then the order is not to be paid any more
			}
			first(a, lost)
		}
		w.ask(t, q)
	case 1:
		q.call.body = with(body, "purpose", "something else")
		q.answer = func(a *payAnswer, _ bool) {
			if a.status != http.StatusConflict || a.code != "ORDER_ALREADY_EXISTS" {
				w.complainf("order %s with other content: %s", id, a)
			}
		}
		w.ask(t, q)
	}
	return o
}

// payByCard makes and executes a deposit by the gateway API: it is an order, too.
func (w *orderWitness) payByCard(t testing.TB, m *merchant, id string) *orderTold {
	cents := 5000 + rand.N(5000)
	body := with(deposit(id, amountOf(cents)), "preAuth", m.twoStage)
	r := w.askGateway(t, m, request{method: "POST", path: payments, key: "c-" + url.PathEscape(id), body: body})
	if r == nil {
		return nil
	}
	o := w.begun(m, id, cents)
	w.askGateway(t, m, request{method: "PATCH", path: pathOf(r.payment.ID), key: "x-" + url.PathEscape(id), body: browser})
	return o
}

func (w *orderWitness) askGateway(t testing.TB, m *merchant, q request) *reply {
	for range orderTries {
		r, err := m.do(t.Context(), q)
		if err == nil && r.status == http.StatusOK {
			return r
		}
		if err == nil && r.status != http.StatusServiceUnavailable {
			if q.method == "POST" { // a card may die with the server
				w.complainf("%s %s: %s", q.method, q.path, r)
			}
			return nil
		}
		w.repeated.Add(1)
		time.Sleep(cmp.Or(w.pause, pauseBefore))
	}
	return nil
}

// pay is the customer's part.
func (w *orderWitness) pay(t testing.TB, o *orderTold) {
	if o.url == "" {
		return
	}
	number, code := cardNumber, securityCode
	if rand.N(10) == 0 {
		number, code = "4000000000000416", "123"
	}
	for range orderTries {
		err := o.shop.payAt(t.Context(), o.url, number, code)
		if err == nil {
			return
		}
		if errors.Is(err, errPage) {
			w.complainf("order %s: %v", o.id, err)
			return
		}
		w.repeated.Add(1)
		time.Sleep(cmp.Or(w.pause, pauseBefore))
	}
}

// look reads the order until it is not PENDING any more, or for a while.
func (w *orderWitness) look(t testing.TB, o *orderTold) string {
	for range 20 {
		a, err := o.shop.orderOf(t.Context(), o.id)
		switch {
		case err != nil || a.tryAgain():
		case a.status != http.StatusOK:
			w.complainf("order %s was acknowledged: %s", o.id, a)
			return ""
		default:
			w.saw(o, a)
			if status := a.data.Order.PaymentStatus; status != "PENDING" {
				return status
			}
		}
		time.Sleep(2 * pauseBefore)
	}
	return ""
}

// saw remembers what an order looked like, and notices what no later look may take back.
func (w *orderWitness) saw(o *orderTold, a *payAnswer) {
	for i := range a.data.Operations {
		w.remember(o, a.data.Operations[i])
	}
	shown := &a.data.Order
	w.mu.Lock()
	defer w.mu.Unlock()
	if shown.OrderID != o.id || shown.MerchantID != o.shop.id || o.hosted && shown.PaymentURL != o.url {
		w.wrong = append(w.wrong, fmt.Sprintf("order %s at %s: %+v", o.id, o.url, *shown))
	}
	if isLast(o.status) && o.status != shown.PaymentStatus {
		w.wrong = append(w.wrong, fmt.Sprintf("order %s was %s and then %s", o.id, o.status, shown.PaymentStatus))
	}
	o.status = shown.PaymentStatus
}

// isLast: no status follows this one.
func isLast(status string) bool {
	return status == "FAILED" || status == "VOIDED" || status == "REFUNDED"
}

// remember notes an operation. An answer that was under way for long may be older than what is known.
func (w *orderWitness) remember(o *orderTold, op payOperation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if name := op.ExternalOperationID; name != "" {
		if known := w.names[name]; known != "" && known != op.OperationID {
			w.wrong = append(w.wrong, fmt.Sprintf("%s is operation %s and %s", name, known, op.OperationID))
		}
		w.names[name] = op.OperationID
	}
	before, known := o.operations[op.OperationID]
	if known && changed(before, op) {
		w.wrong = append(w.wrong, fmt.Sprintf("operation %+v became %+v", before, op))
	}
	if !known || !before.final() {
		o.operations[op.OperationID] = op
	}
}

// changed reports what must not: anything but the status, and that once it is final.
func changed(before, after payOperation) bool {
	if before.final() && after.final() && before.Status != after.Status {
		return true
	}
	after.Status = before.Status
	return before != after
}

// rollBack closes the order whatever its state.
func (w *orderWitness) rollBack(t testing.TB, o *orderTold) {
	w.mu.Lock()
	o.rollback = true
	w.mu.Unlock()
	w.ask(t, payAsk{shop: o.shop, call: payCall{method: "POST", path: ordersPath(o.id) + "/rollback"}, answer: func(a *payAnswer, _ bool) {
		if a.status != http.StatusOK {
			w.complainf("rollback of %s: %s", o.id, a)
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		o.undone = true
	}})
}

// recur goes on with a subscription a few times. What it makes are orders.
func (w *orderWitness) recur(t testing.TB, parent *orderTold) {
	for n := range rand.N(3) {
		id, cents := parent.id+"-"+strconv.Itoa(n), 5000+rand.N(5000)
		var o *orderTold
		q := payAsk{shop: parent.shop, call: payCall{method: "POST", path: "/v1/subscriptions/recur", body: object{
			"orderId": id, "parentOrderId": parent.id, "currencyCode": "RUB", "amount": amountOf(cents), "cart": cartOf(amountOf(cents)),
		}}, answer: func(a *payAnswer, _ bool) {
			if a.status != http.StatusOK || a.data.OperationID == "" {
				w.complainf("recur %s: %s", id, a)
				return
			}
			o = w.begun(parent.shop, id, cents)
			w.remember(o, payOperation{OperationID: a.data.OperationID, OperationType: "RECURRING", OrderID: id,
				Amount: amountOf(cents), Status: "PENDING"})
		}}
		if !w.ask(t, q) || o == nil || rand.N(3) == 0 && !w.ask(t, q) {
			return
		}
		if w.look(t, o) == "CAPTURED" {
			w.giveBack(t, o)
		}
	}
}
