package yandexpay_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// repeatable is a call that may be repeated, on an order that is ready for it.
type repeatable struct {
	name  string
	at    string // what the provider is asked for
	path  string // below the order's, whose version it replaces
	kind  string // operationType
	same  string // arguments without a name of the operation
	other string // likewise, and different
	ready func(t testing.TB, c *client, oid string) string
}

func held(t testing.TB, c *client, oid string) string { return c.paid(t, oid) }

func taken(t testing.TB, c *client, oid string) string {
	path := c.paid(t, oid)
	c.post(t, path+"/capture", "")
	return path
}

var repeatables = []repeatable{
	{"capture", "capture", "/capture", "CAPTURE", `{"orderAmount":"100.00"}`, `{"orderAmount":"90.00"}`, held},
	{"cancel", "void", "/cancel", "VOID", `{"reason":"no stock"}`, `{"reason":"another reason"}`, held},
	{"refund", "refund", "/refund", "REFUND", `{"refundAmount":"40.00"}`, `{"refundAmount":"50.00"}`, taken},
	{"refund of version 1", "refund", "v1/refund", "REFUND", `{"refundAmount":40.0,"orderAmount":0}`, `{"refundAmount":50.0,"orderAmount":0}`, taken},
}

// to is the request: with arguments, a name of the operation where there is one, and headers as pairs.
func (r *repeatable) to(t testing.TB, path, args, name string, headers ...string) request {
	t.Helper()
	target := path + r.path
	switch {
	case strings.HasPrefix(r.path, "v1"):
		target = path + strings.TrimPrefix(r.path, "v1")
	case r.at == "refund":
		target = "/v2" + strings.TrimPrefix(path, "/v1") + r.path
	}
	q := request{method: http.MethodPost, path: target, body: args, header: map[string]string{}}
	if name != "" {
		q.body = with(t, args, "externalOperationId", strconv.Quote(name))
	}
	for i := 0; i < len(headers); i += 2 {
		q.header[headers[i]] = headers[i+1]
	}
	return q
}

// rig strikes every request of an operation at the provider and returns how many there were so far.
func (c *client) rig(t testing.TB, operation string, e simulator.Effect) (calls func() int) {
	t.Helper()
	made, err := c.app.Simulator.AddScenario(simulator.Scenario{Match: simulator.Match{Operation: operation}, Effect: e})
	if err != nil {
		t.Fatal(err)
	}
	return func() int {
		for _, s := range c.app.Simulator.Scenarios() {
			if s.ID == made {
				return s.Struck
			}
		}
		return -1
	}
}

// booked counts the transactions of a kind that the ledger has for an order.
func (c *client) booked(t testing.TB, oid, kind string) int {
	t.Helper()
	met := map[string]bool{}
	for _, e := range c.app.Simulator.Ledger() {
		if e.Kind == kind && strings.Contains(e.OriginalReference, string(c.paymentOf(t, oid))) {
			met[e.TransactionID] = true
		}
	}
	return len(met)
}

// outcome is what an answer says of an operation, or the reason why there is none.
func (a answer) outcome(t testing.TB) string {
	t.Helper()
	if a.status != http.StatusOK {
		return fmt.Sprintf("%d %s", a.status, a.reasonCode(t))
	}
	return a.field(t, "data.operation.operationType") + " " + a.field(t, "data.operation.status")
}

func (a answer) operation(t testing.TB) string {
	t.Helper()
	return a.field(t, "data.operation.operationId")
}

// says sends a request and wants the outcome, and where it is an operation, that one if its id is given.
func (c *client) says(t testing.TB, what string, q request, want, operation string) answer {
	t.Helper()
	a := c.do(t, q)
	if got := a.outcome(t); got != want {
		t.Errorf("%s: %q, want %q\n%s", what, got, want, a.body)
	}
	if got := a.operation(t); a.status == http.StatusOK && operation != "" && got != operation {
		t.Errorf("%s: operation %s, want %s", what, got, operation)
	}
	return a
}

// copies sends a request many times at once and wants the same of every one.
func (c *client) copies(t testing.TB, what string, q request, want, operation string) {
	t.Helper()
	got := map[string]int{}
	for _, a := range c.flood(t, 50, func(int) request { return q }) {
		got[strings.TrimSpace(a.outcome(t)+" "+a.operation(t))]++
	}
	if exact := strings.TrimSpace(want + " " + operation); got[exact] != 50 {
		t.Errorf("50 copies of %s: %v, want all %q", what, got, exact)
	}
}

// flood sends n requests that start at the same moment.
func (c *client) flood(t testing.TB, n int, q func(i int) request) []answer {
	t.Helper()
	all := make([]answer, n)
	gate := make(chan struct{})
	var running sync.WaitGroup
	for i := range n {
		mine := q(i)
		running.Go(func() {
			<-gate
			all[i] = c.do(t, mine)
		})
	}
	close(gate)
	running.Wait()
	return all
}

// moments are those at which a request is repeated, with what the provider does to the first.
var moments = []struct {
	name, status string
	effect       simulator.Effect
	again        string // answer to the same arguments under the same name: empty for the operation
}{
	{"while the answer is held back", "PENDING", simulator.Effect{Fault: simulator.FaultHang, AsyncAfterMs: -1, Notice: simulator.NoticeLost}, ""},
	{"while the provider works", "PENDING", simulator.Effect{AsyncAfterMs: -1, Notice: simulator.NoticeLost}, ""},
	{"after success", "SUCCESS", simulator.Effect{ResponseCode: "00"}, "409 DUPLICATE_EXTERNAL_OPERATION_ID"},
	{"after failure", "FAIL", simulator.Effect{ResponseCode: "05", Notice: simulator.NoticeLost}, ""},
}

const duplicate = "409 DUPLICATE_EXTERNAL_OPERATION_ID"

// TestNamedOperationsAreDoneOnce is the table of externalOperationId: capture, cancel and both refunds, repeated with
// the same and with other arguments, alone and fifty times at once, at every moment of the first one's life.
func TestNamedOperationsAreDoneOnce(t *testing.T) {
	t.Parallel()
	for i := range repeatables {
		r := &repeatables[i]
		for _, m := range moments {
			t.Run(r.name+" "+m.name, func(t *testing.T) {
				t.Parallel()
				storetest.Each(t, func(t *testing.T, d *storetest.Database) {
					c := newClient(t, d, twoStage)
					path, second := r.ready(t, c, "A/1"), r.ready(t, c, "B")
					spare := held(t, c, "C")
					calls := c.rig(t, r.at, m.effect)
					q := r.to(t, path, r.same, "name", "X-Request-Id", "one")
					if m.effect.Fault != "" { // the others come while the answer is still held back
						q.header["X-Request-Timeout"] = "1000"
					}
					first := c.says(t, "first", q, r.kind+" "+m.status, "")
					op, again := first.operation(t), r.kind+" "+m.status
					if m.again != "" {
						again = m.again
					}
					same, other := r.to(t, path, r.same, "name"), r.to(t, path, r.other, "name")
					c.says(t, "same arguments", same, again, op)
					c.says(t, "other arguments", other, duplicate, "")
					shown := op
					if m.again != "" {
						shown = ""
					}
					c.copies(t, "same arguments", same, again, shown)
					c.copies(t, "other arguments", other, duplicate, "")
					c.says(t, "on another order", r.to(t, second, r.same, "name"), duplicate, "")
					stranger := &repeatables[1]
					if r.at == "void" {
						stranger = &repeatables[0]
					}
					c.says(t, "as another operation", stranger.to(t, spare, stranger.same, "name"), duplicate, "")
					c.says(t, "same request id", r.to(t, path, r.same, "name", "X-Request-Id", "one"), r.kind+" "+m.status, op)
					c.says(t, "found by its name", request{method: "GET", path: "/v1/operations/name"}, r.kind+" "+m.status, op)
					if n := calls(); n != 1 || c.booked(t, "A/1", r.at) != 1 || c.booked(t, "B", r.at)+c.booked(t, "C", stranger.at) != 0 {
						t.Errorf("%d calls, %d and %d bookings", n, c.booked(t, "A/1", r.at), c.booked(t, "B", r.at))
					}
					c.ends(t, r, "A/1", same, m.status)
				})
			})
		}
	}
}

// ends lets what is open end well, and repeats the request then.
func (c *client) ends(t testing.TB, r *repeatable, oid string, again request, status string) {
	t.Helper()
	if status != "PENDING" {
		return
	}
	c.decide(t, oid, "00")
	c.settles(t, "name")
	c.says(t, "at the end", request{method: "GET", path: "/v1/operations/name"}, r.kind+" SUCCESS", "")
	c.says(t, "repeated at the end", again, duplicate, "")
	if n := c.booked(t, oid, r.at); n != 1 {
		t.Errorf("%d bookings at the end", n)
	}
}

// decide ends what the provider has left open about an order.
func (c *client) decide(t testing.TB, oid, code string) {
	t.Helper()
	pid := string(c.paymentOf(t, oid))
	for _, e := range c.app.Simulator.Ledger() {
		if e.Type != "pending" || !strings.Contains(e.Reference, pid) && !strings.Contains(e.OriginalReference, pid) {
			continue
		}
		body := fmt.Sprintf(`{"reference":%q,"responseCode":%q}`, e.Reference, code)
		resp, err := c.app.Client.Post(c.app.SimulatorURL+"/control/decide", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}

// settles moves the clock until the operation of that name is open no more.
func (c *client) settles(t testing.TB, name string) {
	t.Helper()
	c.app.Engine.Drain()
	for range 10 {
		a := c.get(t, "/v1/operations/"+name)
		if a.field(t, "data.operation.status") != "PENDING" {
			return
		}
		c.later()
	}
	t.Errorf("operation %s is still open", name)
}

// TestFiftyFirstCopiesAreOneOperation sends the first request fifty times at once, with each means against repetition.
func TestFiftyFirstCopiesAreOneOperation(t *testing.T) {
	t.Parallel()
	for i := range repeatables {
		r := &repeatables[i]
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				c := newClient(t, d, twoStage)
				for n, how := range []struct {
					what, name, id string
					effect         simulator.Effect
					allowed        []string
				}{
					{"named, open", "open", "", simulator.Effect{AsyncAfterMs: -1}, []string{" PENDING"}},
					{"named, done", "done", "", simulator.Effect{ResponseCode: "00"}, []string{" PENDING", " SUCCESS", duplicate}},
					{"named, failed", "failed", "", simulator.Effect{ResponseCode: "05"}, []string{" PENDING", " FAIL"}},
					{"by request id, open", "", "x", simulator.Effect{AsyncAfterMs: -1}, []string{" PENDING"}},
					{"by request id, done", "", "x", simulator.Effect{ResponseCode: "00"}, []string{" PENDING", " SUCCESS"}},
					{"by request id, failed", "", "x", simulator.Effect{ResponseCode: "05"}, []string{" PENDING", " FAIL"}},
					{"by both, done", "both", "x", simulator.Effect{ResponseCode: "00"}, []string{" PENDING", " SUCCESS"}},
				} {
					oid := fmt.Sprintf("F-%d", n)
					path := r.ready(t, c, oid)
					c.app.Simulator.ClearScenarios()
					calls := c.rig(t, r.at, how.effect)
					var headers []string
					if how.id != "" {
						headers = []string{"X-Request-Id", how.id}
					}
					q := r.to(t, path, r.same, how.name, headers...)
					got, ids := map[string]int{}, map[string]bool{}
					for _, a := range c.flood(t, 50, func(int) request { return q }) {
						got[strings.TrimPrefix(a.outcome(t), r.kind)]++
						if a.status == http.StatusOK {
							ids[a.operation(t)] = true
						}
					}
					for outcome := range got {
						if !slices.Contains(how.allowed, outcome) {
							t.Errorf("%s: %v, want %q only", how.what, got, how.allowed)
						}
					}
					if n := calls(); len(ids) != 1 || n != 1 || c.booked(t, oid, r.at) != 1 {
						t.Errorf("%s: operations %v, %d calls, %d bookings: %v", how.what, slices.Collect(maps.Keys(ids)), n,
							c.booked(t, oid, r.at), got)
					}
					c.app.Simulator.ClearScenarios()
				}
			})
		})
	}
}

// TestRequestIDs is the table of X-Request-Id.
func TestRequestIDs(t *testing.T) {
	t.Parallel()
	for i := range repeatables {
		r := &repeatables[i]
		for _, m := range moments {
			if m.effect.Fault != "" && r.at != "capture" {
				continue // it takes seconds, and is the same for all
			}
			t.Run(r.name+" "+m.name, func(t *testing.T) {
				t.Parallel()
				storetest.Each(t, func(t *testing.T, d *storetest.Database) {
					c := newClient(t, d, twoStage)
					path, second := r.ready(t, c, "A/1"), r.ready(t, c, "B")
					calls := c.rig(t, r.at, m.effect)
					id := []string{"X-Request-Id", "order № 1"}
					same := r.to(t, path, r.same, "", id...)
					outcome := r.kind + " " + m.status
					op := c.says(t, "first", same, outcome, "").operation(t)
					c.says(t, "same content", same, outcome, op)
					c.copies(t, "same content", same, outcome, op)
					if n := calls(); n != 1 {
						t.Errorf("%d calls", n)
					}
					fresh := c.newRequest(r, m.status)
					a := c.says(t, "other content", r.to(t, path, r.other, "", id...), fresh, "")
					if a.status == http.StatusOK && a.operation(t) == op {
						t.Error("other content got the operation of the first")
					}
					c.says(t, "same content once more", same, outcome, op)
					c.says(t, "on another order", r.to(t, second, r.same, "", id...), outcome, "")
					c.app.Simulator.ClearScenarios()
				})
			})
		}
	}
}

// newRequest is the answer to a new request after one that has ended so.
func (c *client) newRequest(r *repeatable, status string) string {
	switch {
	case status == "PENDING":
		return "409 ANOTHER_OPERATION_IN_PROGRESS"
	case status == "SUCCESS" && r.at != "refund":
		return "400 INVALID_PAYMENT_STATUS"
	}
	return r.kind + " " + status
}

// TestRequestIDsCountForADay repeats requests when 24 hours are over.
func TestRequestIDsCountForADay(t *testing.T) {
	t.Parallel()
	for i := range repeatables {
		r := &repeatables[i]
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				c := newClient(t, d, twoStage)
				path, failing, named := r.ready(t, c, "A"), r.ready(t, c, "B"), r.ready(t, c, "C")
				crowded := r.to(t, r.ready(t, c, "D"), r.same, "", "X-Request-Id", "1")
				same := r.to(t, path, r.same, "", "X-Request-Id", "1")
				both := r.to(t, named, r.same, "name", "X-Request-Id", "1")
				bad := r.to(t, failing, r.same, "", "X-Request-Id", "1")
				op, opBoth := c.says(t, "first", same, r.kind+" SUCCESS", "").operation(t), c.says(t, "named", both, r.kind+" SUCCESS", "").operation(t)
				c.strike(t, r.at, simulator.Effect{ResponseCode: "05"})
				failed := c.says(t, "failing", bad, r.kind+" FAIL", "").operation(t)
				c.strike(t, r.at, simulator.Effect{ResponseCode: "05"})
				old := c.says(t, "failing", crowded, r.kind+" FAIL", "").operation(t)

				c.app.Clock.Advance(24*time.Hour - time.Minute)
				c.says(t, "within a day", same, r.kind+" SUCCESS", op)
				c.says(t, "named, within a day", both, r.kind+" SUCCESS", opBoth)
				c.says(t, "failed, within a day", bad, r.kind+" FAIL", failed)

				c.app.Clock.Advance(2 * time.Minute)
				a := c.says(t, "a day later", same, c.newRequest(r, "SUCCESS"), "")
				if a.status == http.StatusOK && a.operation(t) == op {
					t.Error("a day later the first operation came again")
				}
				c.says(t, "named, a day later", both, duplicate, "")
				a = c.says(t, "failed, a day later", bad, r.kind+" SUCCESS", "")
				if a.operation(t) == failed {
					t.Error("what failed was not tried again")
				}
				c.says(t, "what was tried again", bad, r.kind+" SUCCESS", a.operation(t))
				ids := map[string]int{}
				c.strike(t, r.at, simulator.Effect{DelayMs: 50})
				for _, a := range c.flood(t, 50, func(int) request { return crowded }) {
					ids[a.operation(t)]++
				}
				if len(ids) != 1 || ids[old] != 0 || ids[""] != 0 {
					t.Errorf("fifty copies a day after %s failed: %v", old, ids)
				}
				want := map[bool]int{true: 2, false: 1}[r.at == "refund"]
				if n := c.booked(t, "A", r.at); n != want || c.booked(t, "B", r.at) != 2 || c.booked(t, "C", r.at) != 1 || c.booked(t, "D", r.at) != 2 {
					t.Errorf("booked %d, %d, %d", n, c.booked(t, "B", r.at), c.booked(t, "C", r.at))
				}
			})
		})
	}
}

// TestRequestIDsTogetherWithNames: the request's id is looked at first, and the name is part of the content.
func TestRequestIDsTogetherWithNames(t *testing.T) {
	t.Parallel()
	for i := range repeatables {
		r := &repeatables[i]
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				c := newClient(t, d, twoStage)
				path := r.ready(t, c, "A")
				one, two := []string{"X-Request-Id", "1"}, []string{"X-Request-Id", "2"}
				op := c.says(t, "first", r.to(t, path, r.same, "n", one...), r.kind+" SUCCESS", "").operation(t)
				c.says(t, "both the same", r.to(t, path, r.same, "n", one...), r.kind+" SUCCESS", op)
				c.says(t, "another request id", r.to(t, path, r.same, "n", two...), duplicate, "")
				c.says(t, "no request id", r.to(t, path, r.same, "n"), duplicate, "")
				c.says(t, "other arguments", r.to(t, path, r.other, "n", one...), duplicate, "")
				c.says(t, "another name", r.to(t, path, r.same, "m", one...), c.newRequest(r, "SUCCESS"), "")
				c.says(t, "no name", r.to(t, path, r.same, "", one...), c.newRequest(r, "SUCCESS"), "")
				want := map[bool]int{true: 3, false: 1}[r.at == "refund"]
				if r.at == "refund" { // 40 and 40 and 40 of 180
					if got := c.get(t, path); got.field(t, "data.order.orderAmount") != "60.00" {
						t.Errorf("left %s", got.field(t, "data.order.orderAmount"))
					}
				}
				if n := c.booked(t, "A", r.at); n != want {
					t.Errorf("booked %d, want %d", n, want)
				}
			})
		})
	}
}

// TestOperationsWithoutANameOrRequestID: a second capture or cancel fails on the status, a second refund is one more.
func TestOperationsWithoutANameOrRequestID(t *testing.T) {
	t.Parallel()
	for i := range repeatables {
		r := &repeatables[i]
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				c := newClient(t, d, twoStage)
				path, fresh := r.ready(t, c, "A"), r.ready(t, c, "B")
				q := r.to(t, path, r.same, "")
				op := c.says(t, "first", q, r.kind+" SUCCESS", "").operation(t)
				if a := c.says(t, "second", q, c.newRequest(r, "SUCCESS"), ""); a.operation(t) == op {
					t.Error("the same operation twice")
				}
				want := map[bool]int{true: 2, false: 1}[r.at == "refund"]
				if n := c.booked(t, "A", r.at); n != want {
					t.Errorf("booked %d, want %d", n, want)
				}
				// Fifty at once: each is a request of its own, and every one of them is answered as one. What the provider
				// takes long for is PENDING, and then done, too.
				q = r.to(t, fresh, r.same, "")
				done := 0
				for _, a := range c.flood(t, 50, func(int) request { return q }) {
					switch got := a.outcome(t); got {
					case r.kind + " SUCCESS", r.kind + " PENDING":
						done++
					case "409 ANOTHER_OPERATION_IN_PROGRESS", "400 INVALID_PAYMENT_STATUS", "400 REFUND_AMOUNT_TOO_LARGE":
					default:
						t.Errorf("one of fifty: %s", got)
					}
				}
				c.app.Engine.Drain()
				if n := c.booked(t, "B", r.at); n != done || done == 0 || r.at != "refund" && done != 1 || done > 4 {
					t.Errorf("%d answers with success, %d bookings", done, n)
				}
			})
		})
	}
}

// TestOrdersAreMadeOnce: an orderId is used once for ever, by as many copies of the request as there may be.
func TestOrdersAreMadeOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		q := request{method: "POST", path: orders, body: tea}
		links := map[string]bool{}
		for _, a := range c.flood(t, 50, func(int) request { return q }) {
			if a.status != http.StatusOK {
				t.Errorf("%s", a.outcome(t))
			}
			links[a.field(t, "data.paymentUrl")] = true
		}
		if len(links) != 1 {
			t.Errorf("%d links", len(links))
		}
		const taken = "409 ORDER_ALREADY_EXISTS"
		other := request{method: "POST", path: orders, body: with(t, tea, "metadata", `"x"`)}
		c.says(t, "other content", other, taken, "")
		c.copies(t, "an order with other content", other, taken, "")
		c.app.Clock.Advance(25 * time.Minute)
		if a := c.do(t, q); !links[a.field(t, "data.paymentUrl")] {
			t.Errorf("later: %d %s", a.status, a.body)
		}
		c.pay(t, "A-1", approved)
		c.says(t, "paid", q, taken, "")
		c.app.Clock.Advance(48 * time.Hour)
		c.says(t, "two days later", q, taken, "")
		if list, _, err := c.app.Records.List(t.Context(), payment.Filter{Shop: c.shop.ID, Limit: 10}); err != nil || len(list) != 1 {
			t.Errorf("%d payments, %v", len(list), err)
		}
		other2 := c.other(t, nil)
		if a := other2.do(t, q); a.status != http.StatusOK || links[a.field(t, "data.paymentUrl")] {
			t.Errorf("another shop: %d %s", a.status, a.body)
		}
	})
}

// TestChargesAreMadeOnce: a charge that continues a subscription is one by its orderId, however often it is sent.
func TestChargesAreMadeOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		c.post(t, "/v1/subscriptions", `{"orderId":"bind","currencyCode":"RUB","isBinding":true}`)
		c.pay(t, "bind", approved)
		for _, effect := range []simulator.Effect{{}, {DelayMs: 100}, {AsyncAfterMs: -1}, {ResponseCode: "51"}, {Fault: simulator.FaultDrop}} {
			c.app.Simulator.ClearScenarios()
			calls := c.rig(t, "payment", effect)
			oid := "m-" + fmt.Sprint(effect)
			q := request{method: "POST", path: "/v1/subscriptions/recur", body: recurring(oid, "bind")}
			got := map[string]int{}
			for _, a := range c.flood(t, 50, func(int) request { return q }) {
				got[fmt.Sprint(a.status, a.field(t, "data.operationId"))]++
			}
			if n := calls(); len(got) != 1 || n != 1 {
				t.Errorf("%+v: %v, %d calls", effect, got, n)
			}
			other := request{method: "POST", path: q.path, body: with(t, q.body, "metadata", `"x"`)}
			if a := c.do(t, other); a.outcome(t) != "409 ORDER_ALREADY_EXISTS" {
				t.Errorf("%+v: other content: %d %s", effect, a.status, a.body)
			}
		}
	})
}
