package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// awayCall is one call of either API, made while the database is away, and again when it is back.
type awayCall struct {
	gateway *request
	order   *payCall
}

func (c *awayCall) String() string {
	if c.gateway != nil {
		return c.gateway.method + " " + c.gateway.path
	}
	return c.order.method + " " + c.order.path
}

// TestDatabaseAwayIsToldAndMadeGood: while the database is gone every call is answered 503 by its own API, with Retry-After,
// and does nothing. When it is back the same calls are done, and whatever was under way ends right.
func TestDatabaseAwayIsToldAndMadeGood(t *testing.T) {
	t.Parallel()
	c := newCluster(t, false)
	dir := shortDir(t)
	sim := startSimulator(t, dir)
	s := newServer(t, dir, fmt.Sprintf("postgres://postgres@127.0.0.1:%s/sluice?sslmode=disable", c.primary.port), "--private-webhooks")
	s.start(t)
	r := newReceiver(t, nil, nil)
	shop := s.newHookShop(t, sim, object{"webhookUrl": r.URL})
	r.trust("/", shop.signingKey)
	m := s.newMerchant(t, sim, r.URL+"/orders", false)
	calls := awayCalls(t, shop.client, m)
	page := openOrder(t, m, "to pay").PaymentURL

	// One call is at the provider, who has booked it and has not answered, when the database goes.
	sim.control(t, "/scenarios", object{"match": object{"operation": "payment"}, "times": 1, "delayMs": 2000})
	under := shop.must(t, request{method: "POST", path: payments, key: "under-way", body: deposit("under way", "70.00")}).payment
	before := len(sim.readLedger(t))
	var flying sync.WaitGroup
	flying.Go(func() {
		if _, err := shop.do(t.Context(), request{method: "PATCH", path: pathOf(under.ID), key: "under-way-x", body: browser}); err != nil {
			t.Errorf("the call under way is not answered: %v", err)
		}
	})
	awaitLedger(t, sim, before+1)
	booked := len(sim.readLedger(t))
	c.primary.die(t)
	for range 2 { // the second time all that was remembered is too old
		for i := range calls {
			calls[i].isPutOff(t, shop.client, m)
		}
		pageIsPutOff(t, m, page)
		await(t, "the probe tells", patience, func() bool { return probe(t, s) == http.StatusServiceUnavailable })
	}
	if got := len(sim.readLedger(t)); got != booked {
		t.Errorf("%d bookings were made for calls that were put off", got-booked)
	}

	c.primary.serve(t)
	await(t, "the probe tells that it is back", patience, func() bool { return probe(t, s) == http.StatusOK })
	flying.Wait()
	for i := range calls {
		calls[i].isDone(t, shop.client, m)
	}
	if err := m.payAt(t.Context(), page, cardNumber, securityCode); err != nil {
		t.Error(err)
	}
	shown := append(shop.settle(t, leaseIsOver), m.settle(t, leaseIsOver)...)
	for _, why := range disagreements(shown, sim.readLedger(t)) {
		t.Error(why)
	}
	references := map[string]int{}
	for i := range shown {
		p := &shown[i]
		if references[p.PaymentType+p.ReferenceID]++; references[p.PaymentType+p.ReferenceID] > 1 {
			t.Errorf("%s is there twice", p.ReferenceID)
		}
		if p.ID == under.ID && p.State != "COMPLETED" {
			t.Errorf("what was under way is %s", p.State)
		}
	}
	feed := awaitTold(t, shop.client, r, patience)
	found, _ := deliveryFaults(feed, onlyAt(r.all(), "/"), shop.all(t))
	for _, why := range found {
		t.Error(why)
	}
	r.check(t)
	sim.healthy(t)
	s.stop(t)
}

// onlyAt are the posts to one path.
func onlyAt(hooks []hook, path string) (at []hook) {
	for i := range hooks {
		if hooks[i].path == path {
			at = append(at, hooks[i])
		}
	}
	return at
}

// openOrder makes an order that waits for its customer.
func openOrder(t *testing.T, m *merchant, id string) payOrder {
	t.Helper()
	a, err := m.call(t.Context(), newOrderCall(id))
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("order %s: %v %v", id, a, err)
	}
	return payOrder{OrderID: id, PaymentURL: a.data.PaymentURL}
}

func newOrderCall(id string) payCall {
	return payCall{method: "POST", path: "/v1/orders", body: object{"orderId": id, "currencyCode": "RUB", "cart": cartOf("50.00"),
		"redirectUrls": object{"onSuccess": "https://shop.example/ok", "onError": "https://shop.example/no"}}}
}

// awayCalls are calls of every kind, on payments and orders that are made here.
func awayCalls(t *testing.T, shop *client, m *merchant) []awayCall {
	t.Helper()
	paidOne := shop.pay(t, deposit("paid", "10.00"))
	captured, voided := shop.pay(t, with(deposit("held", "20.00"), "preAuth", true)), shop.pay(t, with(deposit("let go", "30.00"), "preAuth", true))
	waiting := shop.must(t, request{method: "POST", path: payments, body: deposit("waits", "40.00")}).payment
	bought := openOrder(t, m, "bought")
	if err := m.payAt(t.Context(), bought.PaymentURL, cardNumber, securityCode); err != nil {
		t.Fatal(err)
	}
	await(t, "the order is paid", patience, func() bool {
		a, err := m.orderOf(t.Context(), "bought")
		return err == nil && a.data.Order.PaymentStatus == "CAPTURED"
	})
	openOrder(t, m, "given up")
	refundOne := payCall{method: "POST", path: "/v2/orders/bought/refund", body: object{"refundAmount": "5.00",
		"externalOperationId": "back"}}
	rollback, another := payCall{method: "POST", path: ordersPath("given up") + "/rollback"}, newOrderCall("another")
	reading := payCall{method: "GET", path: ordersPath("bought")}
	return []awayCall{
		{gateway: &request{"POST", payments, "a1", deposit("new", "50.00")}},
		{gateway: &request{"PATCH", pathOf(waiting.ID), "a2", browser}},
		{gateway: &request{"POST", pathOf(captured.ID) + "/capture", "a3", object{}}},
		{gateway: &request{"POST", pathOf(voided.ID) + "/void", "a4", nil}},
		{gateway: &request{"POST", payments, "a5", refund("back", paidOne.ID, "1.00")}},
		{gateway: &request{"POST", payments, "a6", withdrawal("out", "60.00")}},
		{gateway: &request{"GET", pathOf(paidOne.ID), "", nil}},
		{gateway: &request{"GET", payments, "", nil}},
		{gateway: &request{"GET", pathOf(paidOne.ID) + "/operations", "", nil}},
		{gateway: &request{"GET", "/api/v1/events?limit=5", "", nil}},
		{order: &another}, {order: &refundOne}, {order: &rollback}, {order: &reading},
	}
}

// isPutOff makes the call, which has to be answered as its API words "later".
func (c *awayCall) isPutOff(t *testing.T, shop *client, m *merchant) {
	t.Helper()
	var header http.Header
	if c.gateway != nil {
		a, err := shop.do(t.Context(), *c.gateway)
		if err != nil {
			t.Errorf("%s: %v", c, err)
			return
		}
		var body struct {
			Status                          int
			Error, Message, Timestamp, Path string
		}
		path, _, _ := strings.Cut(c.gateway.path, "?")
		err = json.Unmarshal(a.body, &body)
		if err != nil || a.status != 503 || body.Status != 503 || body.Error != "Service Unavailable" || body.Message == "" || body.Path != path {
			t.Errorf("%s: %v, %s", c, err, a)
		}
		header = a.header
	} else {
		a, err := m.call(t.Context(), *c.order)
		if err != nil || a.status != 503 || a.code == "" {
			t.Errorf("%s: %v, %s", c, err, a)
			return
		}
		header = a.header
	}
	wait, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || wait < 1 || !strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		t.Errorf("%s: Retry-After %q, Content-Type %q", c, header.Get("Retry-After"), header.Get("Content-Type"))
	}
}

// isDone makes the call, which has to succeed, as a merchant who repeats it does.
func (c *awayCall) isDone(t *testing.T, shop *client, m *merchant) {
	t.Helper()
	status, said := 0, ""
	for deadline := time.Now().Add(patience); status != http.StatusOK && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if c.gateway != nil {
			a, err := shop.do(t.Context(), *c.gateway)
			if err != nil {
				t.Fatal(err)
			}
			status, said = a.status, a.String()
		} else {
			a, err := m.call(t.Context(), *c.order)
			if err != nil {
				t.Fatal(err)
			}
			status, said = a.status, a.String()
		}
		if status != http.StatusOK && status != http.StatusServiceUnavailable {
			break
		}
	}
	if status != http.StatusOK {
		t.Errorf("%s, when the database is back: %s", c, said)
	}
}

func pageIsPutOff(t *testing.T, m *merchant, page string) {
	t.Helper()
	res, err := m.http.Get(page)
	if err != nil {
		t.Error(err)
		return
	}
	defer res.Body.Close()
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		t.Errorf("the page is answered %d, %v", res.StatusCode, res.Header)
	}
}

// probe is what those who send requests to the node are told.
func probe(t *testing.T, s *server) int {
	t.Helper()
	res, err := http.Get(s.base + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}
