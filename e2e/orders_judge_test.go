package e2e

import (
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// orderEnd is an order when all is over, by both APIs and by the provider's ledger.
type orderEnd struct {
	shop       *merchant
	told       *orderTold // nil: it was never acknowledged
	order      payOrder
	operations []payOperation
	payment    *paid
	refunds    []*paid
	books      map[string]*account
}

func (e *orderEnd) account() *account { return accountOf(e.books, e.payment.ID) }

func accountOf(books map[string]*account, id string) *account {
	if a := books[id]; a != nil {
		return a
	}
	return &account{}
}

// refundShown is the operation that shows the refund; nil for one that the engine made.
func (e *orderEnd) refundShown(id string) *payOperation {
	for i := range e.operations {
		if o := &e.operations[i]; o.OperationType == "REFUND" && bare(o.OperationID) == id {
			return o
		}
	}
	return nil
}

// judge waits until everything is over and compares what the merchants were told, by answers and by tokens, with what
// stands and with the provider's books.
func (w *orderWitness) judge(t *testing.T, sim *simulator, r *tokenReceiver, kills int) {
	t.Helper()
	began := time.Now()
	all, undone := w.settle(t)
	settled := time.Since(began)
	ledger := sim.readLedger(t)
	ends := w.ends(t, all, ledger)
	found := append(disagreements(slices.Concat(all...), ledger, undone...), w.contradicted(ends)...)
	statuses, operations := map[string]int{}, map[string]int{}
	for i := range ends {
		e := &ends[i]
		if why := e.wrong(); why != "" {
			found = append(found, fmt.Sprintf("order %s %s (payment %s %s): %s", e.order.OrderID, e.order.PaymentStatus, e.payment.ID, e.payment.State, why))
		}
		statuses[e.order.PaymentStatus]++
		for _, o := range e.operations {
			operations[o.OperationType+" "+o.Status]++
		}
	}
	posts := r.awaitAll(expectedTokens(ends), leaseIsOver)
	faults, events, again := tokenFaults(ends, posts)
	found = append(append(found, faults...), r.faults...)
	for i, why := range found {
		if i < 20 {
			t.Error(why)
		}
	}
	t.Logf("%d kills, %d orders acknowledged, %d in the end; %d calls repeated (%d left until the end), %d met another operation, %d refused by "+
		"rule, %d names that an unanswered call had used, %d rolled back; %d ledger entries (%d fences), statuses %v, operations %v; %d events, "+
		"%d posts, %d refused by the receiver, %d repeated after success; all over after %s; %d disagreements", kills, len(w.orders), len(ends), w.repeated.Load(),
		w.givenUp.Load(), w.busy.Load(), w.refused.Load(), w.duplicates.Load(), len(undone), len(ledger), count(ledger, "fenced"), statuses,
		operations, events, len(posts), refusedTokens(posts), again, settled.Round(time.Millisecond), len(found))
	if len(w.orders) < kills || len(operations) < 5 || len(undone) == 0 {
		t.Errorf("%d orders, operations %v, %d rolled back: the test did not test", len(w.orders), operations, len(undone))
	}
}

// settle waits until nothing is open, and returns the payments of each shop and the ids of those rolled back.
func (w *orderWitness) settle(t *testing.T) (all [][]paid, undone []string) {
	t.Helper()
	for _, m := range w.shops {
		var mine []string
		for _, p := range m.all(t) {
			if o := w.orders[p.ReferenceID]; o != nil && o.shop == m && o.undone && p.PaymentType == "DEPOSIT" {
				mine = append(mine, p.ID)
			}
		}
		all, undone = append(all, m.settle(t, leaseIsOver, mine...)), append(undone, mine...)
	}
	return all, undone
}

// ends reads every order that there is.
func (w *orderWitness) ends(t *testing.T, all [][]paid, ledger []booking) (ends []orderEnd) {
	t.Helper()
	books := accounts(ledger)
	for i, m := range w.shops {
		refunds := map[string][]*paid{}
		for k := range all[i] {
			if p := &all[i][k]; p.PaymentType == "REFUND" {
				refunds[p.Parent] = append(refunds[p.Parent], p)
			}
		}
		for k := range all[i] {
			p := &all[i][k]
			if p.PaymentType != "DEPOSIT" {
				continue
			}
			a, err := m.orderOf(t.Context(), p.ReferenceID)
			if err != nil || a.status != http.StatusOK {
				t.Fatalf("order %s: %v %v", p.ReferenceID, a, err)
			}
			e := orderEnd{shop: m, told: w.orders[p.ReferenceID], order: a.data.Order, operations: a.data.Operations, payment: p,
				refunds: refunds[p.ID], books: books}
			if e.told != nil {
				w.saw(e.told, a)
			}
			ends = append(ends, e)
		}
	}
	return ends
}

// contradicted compares what the merchants were told with what stands in the end.
func (w *orderWitness) contradicted(ends []orderEnd) []string {
	found := slices.Clone(w.wrong)
	orders, ids, names := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i := range ends {
		e := &ends[i]
		if orders[e.order.OrderID] {
			found = append(found, "there are two orders "+e.order.OrderID)
		}
		orders[e.order.OrderID] = true
		for _, o := range e.operations {
			if ids[o.OperationID] || o.ExternalOperationID != "" && names[o.ExternalOperationID] {
				found = append(found, fmt.Sprintf("operation %+v is there twice", o))
			}
			ids[o.OperationID], names[o.ExternalOperationID] = true, true
			if !o.final() {
				found = append(found, fmt.Sprintf("operation %+v is still open", o))
			}
		}
	}
	for id, told := range w.orders {
		if !orders[id] {
			found = append(found, fmt.Sprintf("order %s was acknowledged and does not exist", id))
		}
		for _, o := range told.operations {
			if !ids[o.OperationID] {
				found = append(found, fmt.Sprintf("operation %+v was acknowledged and does not exist", o))
			}
		}
	}
	return found
}

// wrong says what about the order does not agree with the ledger, or nothing.
func (e *orderEnd) wrong() string {
	a := e.account()
	for kind, bookings := range map[string][]booking{
		"AUTHORIZE": a.held, "CAPTURE": a.captured, "RECURRING": a.captured, "VOID": a.voided, "BIND_CARD": a.verified,
	} {
		if kind == "CAPTURE" && e.follows() || kind == "RECURRING" && !e.follows() {
			continue
		}
		if why := e.booked(kind, bookings); why != "" {
			return why
		}
	}
	back, engineMade := new(big.Rat), 0
	for _, r := range e.refunds {
		moved := accountOf(e.books, r.ID).refunded
		o := e.refundShown(r.ID)
		switch {
		case o == nil:
			engineMade++
		case (o.Status == "SUCCESS") != (len(moved) == 1) || r.Amount.String() != "" && number(json.Number(o.Amount)).Cmp(number(r.Amount)) != 0:
			return fmt.Sprintf("operation %+v is refund %+v, booked %+v", *o, *r, moved)
		}
		for _, b := range moved {
			back.Add(back, number(b.Amount))
		}
	}
	if engineMade > 0 && (e.told == nil || !e.told.rollback) {
		return "the engine refunded it, and nobody asked for that"
	}
	return e.amounts(a, back, engineMade > 0)
}

// follows reports a charge that continues a subscription.
func (e *orderEnd) follows() bool {
	return slices.ContainsFunc(e.operations, func(o payOperation) bool { return o.OperationType == "RECURRING" })
}

// booked compares the successful operations of a kind with what the provider did, which it did at most once.
func (e *orderEnd) booked(kind string, bookings []booking) string {
	var done []payOperation
	for _, o := range e.operations {
		if o.OperationType == kind && o.Status == "SUCCESS" {
			done = append(done, o)
		}
	}
	if len(done) != len(bookings) || len(done) > 1 {
		return fmt.Sprintf("%s: shown %+v, booked %+v", kind, done, bookings)
	}
	for i := range done {
		if kind != "BIND_CARD" && number(json.Number(done[i].Amount)).Cmp(number(bookings[i].Amount)) != 0 {
			return fmt.Sprintf("%s: shown %+v, booked %+v", kind, done, bookings)
		}
	}
	return ""
}

// amounts derives status and amount of the order from the ledger.
func (e *orderEnd) amounts(a *account, back *big.Rat, undone bool) string {
	left := new(big.Rat).Neg(back)
	for _, b := range a.captured {
		left.Add(left, number(b.Amount))
	}
	var want []string
	switch {
	case len(a.captured) == 0 && len(a.verified) > 0:
		want = []string{"CAPTURED"}
	case len(a.captured) == 0 && len(a.held) > len(a.voided):
		want = []string{"AUTHORIZED"}
	case len(a.captured) == 0 && len(a.voided) > 0:
		want = []string{"VOIDED"}
	case len(a.captured) == 0:
		want = []string{"PENDING", "FAILED"}
	case left.Sign() == 0 && undone:
		want = []string{"FAILED"}
	case left.Sign() == 0:
		want = []string{"REFUNDED"}
	case back.Sign() == 0:
		want = []string{"CAPTURED"}
	default:
		want = []string{"PARTIALLY_REFUNDED"}
	}
	if !slices.Contains(want, e.order.PaymentStatus) {
		return fmt.Sprintf("should be %v: %+v", want, *a)
	}
	if len(a.captured) > 0 && number(json.Number(e.order.OrderAmount)).Cmp(left) != 0 {
		return fmt.Sprintf("%s of it are left, shown %s", left.FloatString(2), e.order.OrderAmount)
	}
	return ""
}

// tokenPost is one signed event that reached the receiver.
type tokenPost struct {
	id, path string // the event's id
	accepted bool
	body     struct {
		MerchantID, Event, EventTime string

		Order        struct{ OrderID, PaymentStatus string }
		Operation    payOperation
		Subscription struct{ CustomerSubscriptionID, Status string }
	}
}

// about names what the event tells; rank is its place among those of one instant.
func (p *tokenPost) about() (what string, rank int) {
	b := &p.body
	switch b.Event {
	case "OPERATION_STATUS_UPDATED":
		return "operation " + b.Operation.OperationID + " " + b.Operation.Status, 0
	case "ORDER_STATUS_UPDATED":
		return "order " + b.Order.OrderID + " " + b.Order.PaymentStatus, 1
	}
	return "subscription " + b.Subscription.CustomerSubscriptionID + " " + b.Subscription.Status, 2
}

// tokenReceiver is a merchant's server that verifies each token when it comes. It refuses some that it has not seen.
type tokenReceiver struct {
	*receiver
	keys map[string]*ecdsa.PublicKey

	mu     sync.Mutex
	posts  []tokenPost
	faults []string
}

func newTokenReceiver(t testing.TB, s *server) *tokenReceiver {
	t.Helper()
	r := &tokenReceiver{keys: publishedKeys(t, s.base+"/api/jwks")}
	refuse := refuseSome()
	r.receiver = newReceiver(t, nil, func(h *hook) int {
		status := refuse(h)
		r.take(h, status)
		return status
	})
	return r
}

func (r *tokenReceiver) take(h *hook, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := tokenPost{id: h.id(), path: h.path, accepted: status == http.StatusOK}
	claims, err := parseToken(r.keys, h.body)
	if err == nil {
		var raw []byte
		if raw, err = json.Marshal(claims); err == nil {
			err = json.Unmarshal(raw, &p.body)
		}
	}
	if err != nil {
		r.faults = append(r.faults, fmt.Sprintf("%v: %s", err, h.body))
		return
	}
	r.posts = append(r.posts, p)
}

// awaitAll waits until all that is expected was accepted, and returns all posts.
func (r *tokenReceiver) awaitAll(wanted map[string]bool, within time.Duration) []tokenPost {
	for deadline := time.Now().Add(within); ; time.Sleep(100 * time.Millisecond) {
		r.mu.Lock()
		posts := slices.Clone(r.posts)
		r.mu.Unlock()
		missing := maps.Clone(wanted)
		for i := range posts {
			if what, _ := posts[i].about(); posts[i].accepted {
				delete(missing, what)
			}
		}
		if len(missing) == 0 || time.Now().After(deadline) {
			return posts
		}
	}
}

func refusedTokens(posts []tokenPost) (n int) {
	for i := range posts {
		if !posts[i].accepted {
			n++
		}
	}
	return n
}

// expectedTokens are the events that must have come, by what they tell: how each operation of the merchant ended, and
// the present status of each order.
func expectedTokens(ends []orderEnd) map[string]bool {
	wanted := map[string]bool{}
	for i := range ends {
		e := &ends[i]
		if e.order.PaymentStatus != "PENDING" {
			wanted["order "+e.order.OrderID+" "+e.order.PaymentStatus] = true
		}
		held := slices.ContainsFunc(e.operations, func(o payOperation) bool { return o.OperationType == "AUTHORIZE" })
		for _, o := range e.operations {
			switch {
			case o.OperationType == "AUTHORIZE" || o.OperationType == "BIND_CARD":
			case o.OperationType == "CAPTURE" && !held: // the customer's
			case o.OperationType == "VOID" && o.ExternalOperationID == "" && e.told != nil && e.told.rollback: // may be the engine's
			default:
				wanted["operation "+o.OperationID+" "+o.Status] = true
			}
		}
	}
	return wanted
}

// mayFollow are the statuses that an order may come to be told to have after another.
var mayFollow = map[string][]string{
	"":                   {"AUTHORIZED", "CAPTURED", "FAILED"},
	"AUTHORIZED":         {"CAPTURED", "VOIDED"},
	"CAPTURED":           {"PARTIALLY_REFUNDED", "REFUNDED", "FAILED"},
	"PARTIALLY_REFUNDED": {"REFUNDED", "FAILED"},
}

// tokenFaults compares what arrived with what stands: nothing lost, nothing made up, one event for each fact, and all
// of an order in order. again counts how often something came that was accepted before.
func tokenFaults(ends []orderEnd, posts []tokenPost) (found []string, events, again int) {
	missing := expectedTokens(ends)
	ofOperation, ofSubscription, merchants := map[string]string{}, map[string]string{}, map[string]string{}
	status := map[string]string{} // as told last, by order
	for i := range ends {
		e := &ends[i]
		for _, o := range e.operations {
			ofOperation[o.OperationID] = e.order.OrderID
		}
		ofSubscription[dashed(e.payment.ID)] = e.order.OrderID
		merchants[e.order.OrderID], status[e.order.OrderID] = e.shop.id, ""
	}
	facts, accepted, last := map[string]string{}, map[string]bool{}, map[string]string{}
	for i := range posts {
		p := &posts[i]
		what, rank := p.about()
		order := p.body.Order.OrderID + ofOperation[p.body.Operation.OperationID] + ofSubscription[p.body.Subscription.CustomerSubscriptionID]
		if merchants[order] == "" || merchants[order] != p.body.MerchantID || rank == 0 && p.body.Operation.OrderID != order ||
			!strings.HasSuffix(p.path, "/v1/webhook") {
			found = append(found, fmt.Sprintf("%+v is of order %q", *p, order))
			continue
		}
		at := fmt.Sprintf("%s %d", p.body.EventTime, rank)
		if at < last[order] {
			found = append(found, fmt.Sprintf("%s of %s after %s", what, at, last[order]))
		}
		last[order] = max(last[order], at)
		if first := facts[what]; first != "" && first != p.id {
			found = append(found, fmt.Sprintf("%s is told by event %s and %s", what, first, p.id))
		}
		facts[what] = p.id
		if accepted[p.id] {
			again++
		}
		if !p.accepted || accepted[p.id] {
			continue
		}
		accepted[p.id] = true
		delete(missing, what)
		if rank == 1 {
			if now := p.body.Order.PaymentStatus; !slices.Contains(mayFollow[status[order]], now) {
				found = append(found, fmt.Sprintf("%s after %q", what, status[order]))
			}
			status[order] = p.body.Order.PaymentStatus
		}
	}
	for what := range missing {
		found = append(found, what+" was never told")
	}
	return found, len(facts), again
}
