package yandexpay_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// undo rolls an order back, which has to be accepted and answered with nothing.
func (w *witness) undo(path string) {
	w.t.Helper()
	a := w.want(w.t, 200, request{method: "POST", path: path + "/rollback"})
	if got := strings.ReplaceAll(string(a.body), " ", ""); got != `{"code":200,"status":"success","data":{}}` {
		w.t.Errorf("rollback answers %s", got)
	}
}

// page is what the customer sees.
func (w *witness) page(path string) string {
	w.t.Helper()
	a := w.get(w.t, path)
	resp, err := w.app.Client.Get(a.field(w.t, "data.order.paymentUrl"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// moved wants what the provider did about an order.
func (w *witness) moved(oid string, want till) {
	w.t.Helper()
	if got := w.till(w.t, oid); got != want {
		w.t.Errorf("order %s: the ledger has %+v, want %+v", oid, got, want)
	}
}

// hidden wants the refunds by which an order goes back to be neither among its operations nor readable.
func (w *witness) hidden(oid string) {
	w.t.Helper()
	h, err := w.app.Engine.History(w.t.Context(), w.shop.ID, w.paymentOf(w.t, oid))
	if err != nil {
		w.t.Fatal(err)
	}
	found := 0
	for i := range h.Refunds {
		if r := &h.Refunds[i]; r.Terms.Reversal {
			found++
			w.says(w.t, "a refund of a rollback", request{method: "GET", path: "/v1/operations/" + string(r.ID)}, "404 OPERATION_NOT_FOUND", "")
		}
	}
	if found == 0 {
		w.t.Error("nothing went back")
	}
}

func TestRollbackInEveryStatus(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, true)
		path := w.order(t, "unpaid")
		if !strings.Contains(w.page(path), `name="nonce"`) {
			t.Error("no form to pay by")
		}
		w.undo(path)
		w.sees(path, "FAILED")
		if strings.Contains(w.page(path), `name="number"`) {
			t.Error("the link lives on")
		}
		w.says(t, "the same order again", request{method: "POST", path: orders, body: with(t, tea, "orderId", `"unpaid"`)}, "409 ORDER_ALREADY_EXISTS", "")
		w.moved("unpaid", till{})

		path = w.paid(t, "held")
		w.undo(path)
		w.sees(path, "VOIDED", "AUTHORIZE SUCCESS 180.00", "VOID SUCCESS 180.00")
		w.moved("held", till{held: 18000, voided: 18000, voids: 1})

		path = taken(t, w.client, "taken")
		w.undo(path)
		w.sees(path, "FAILED", "AUTHORIZE SUCCESS 180.00", "CAPTURE SUCCESS 180.00")
		w.moved("taken", till{held: 18000, captured: 18000, captures: 1, refunded: 18000, refunds: 1})
		w.hidden("taken")
		if a := w.get(t, path); a.field(t, "data.order.orderAmount") != "0.00" {
			t.Errorf("%s", a.body)
		}

		path = taken(t, w.client, "partly")
		w.asks("/v2/orders/partly/refund", `{"refundAmount":"50","externalOperationId":"part"}`, "REFUND SUCCESS")
		w.undo(path)
		lived := []string{"AUTHORIZE SUCCESS 180.00", "CAPTURE SUCCESS 180.00", "REFUND SUCCESS 50.00 part"}
		w.sees(path, "FAILED", lived...)
		w.moved("partly", till{held: 18000, captured: 18000, captures: 1, refunded: 18000, refunds: 2})
		w.hidden("partly")

		path = taken(t, w.client, "refunded")
		w.asks("/v2/orders/refunded/refund", `{"refundAmount":"180"}`, "REFUND SUCCESS")
		w.undo(path)
		w.sees(path, "REFUNDED", "AUTHORIZE SUCCESS 180.00", "CAPTURE SUCCESS 180.00", "REFUND SUCCESS 180.00")
		path = held(t, w.client, "voided")
		w.asks(path+"/cancel", `{"reason":"x"}`, "VOID SUCCESS")
		w.undo(path)
		w.sees(path, "VOIDED", "AUTHORIZE SUCCESS 180.00", "VOID SUCCESS 180.00")
		path = w.order(t, "failed")
		w.pay(t, "failed", poor)
		w.undo(path)
		w.sees(path, "FAILED")

		for _, oid := range []string{"unpaid", "held", "taken", "partly", "refunded", "voided", "failed"} {
			before := w.till(t, oid)
			w.undo(orders + "/" + oid) // once more is nothing
			w.rest(t, oid)
			w.moved(oid, before)
			w.agrees(t, oid)
			at := orders + "/" + oid
			w.says(t, "capture of "+oid, request{method: "POST", path: at + "/capture"}, wrongStatus, "")
			w.says(t, "cancel of "+oid, request{method: "POST", path: at + "/cancel", body: `{"reason":"x"}`}, wrongStatus, "")
			w.says(t, "refund of "+oid, request{method: "POST", path: "/v2/orders/" + oid + "/refund", body: `{"refundAmount":"1"}`}, wrongStatus, "")
		}
		w.stranger.says(t, "another shop", request{method: "POST", path: path + "/rollback"}, "404 ORDER_NOT_FOUND", "")
	})
}

// TestRollbackTakesAnyBody: some clients send a form, some send nothing that can be read.
func TestRollbackTakesAnyBody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, true)
		for i, q := range []request{
			{}, {body: "{}"}, {body: "[]"}, {body: `{"reason":`}, {body: "a=b", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
			{body: "<a/>", header: map[string]string{"Content-Type": ""}}, {body: strings.Repeat("x", 100<<10), header: map[string]string{"Content-Type": "text/plain"}},
		} {
			oid := string(rune('a' + i))
			q.method, q.path = http.MethodPost, w.paid(t, oid)+"/rollback"
			w.want(t, 200, q)
			w.sees(orders+"/"+oid, "VOIDED", "AUTHORIZE SUCCESS 180.00", "VOID SUCCESS 180.00")
		}
	})
}

// TestRollbackWhileMoneyGoesBack: the status stays until the money is back, also when the provider refuses at first.
func TestRollbackWhileMoneyGoesBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		for name, e := range map[string]simulator.Effect{
			"slow": slow("00"), "refused at first": {ResponseCode: "91", Notice: simulator.NoticeLost}, "unheard": {Fault: simulator.FaultDrop},
			"never arrived": {Fault: simulator.FaultDrop, Stage: simulator.StageBefore}, "held back": {Fault: simulator.FaultHang},
		} {
			t.Run(name, func(t *testing.T) {
				w := newWitness(t, storetest.New(t, d.Kind), true)
				path, hold := taken(t, w.client, "taken"), w.paid(t, "held")
				w.strike(t, "refund", e)
				w.undo(path)
				w.sees(path, "CAPTURED", "AUTHORIZE SUCCESS 180.00", "CAPTURE SUCCESS 180.00")
				w.says(t, "refund", request{method: "POST", path: "/v2/orders/taken/refund", body: `{"refundAmount":"1"}`},
					map[bool]string{true: wrongStatus, false: inProgress}[name == "refused at first"], "")
				w.undo(path)
				w.rest(t, "taken")
				w.sees(path, "FAILED", "AUTHORIZE SUCCESS 180.00", "CAPTURE SUCCESS 180.00")
				w.moved("taken", till{held: 18000, captured: 18000, captures: 1, refunded: 18000, refunds: 1})
				w.hidden("taken")

				w.app.Simulator.ClearScenarios()
				w.strike(t, "void", e)
				w.undo(hold)
				if a := w.get(t, hold); a.field(t, "data.order.paymentStatus") != "AUTHORIZED" {
					t.Errorf("%s", a.body)
				}
				w.undo(hold)
				w.rest(t, "held")
				if got := w.agrees(t, "held"); got != "VOIDED" {
					t.Errorf("the hold is %s", got)
				}
			})
		}
	})
}

// TestRollbackOfWhatIsUnknown: the link is dead at once, and money that is found later goes back. The provider neither
// tells what became of the payment nor closes it until then.
func TestRollbackOfWhatIsUnknown(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		lost := simulator.Effect{Fault: simulator.FaultDrop}
		nothing := simulator.Effect{Fault: simulator.FaultDrop, Stage: simulator.StageBefore}
		for name, tc := range map[string]struct {
			two    bool
			effect simulator.Effect
			card   string
			button string
			status string
			ledger till
		}{
			"taken":              {false, lost, approved, "", "FAILED", till{held: 18000, captured: 18000, captures: 1, refunded: 18000, refunds: 1}},
			"held":               {true, lost, approved, "", "VOIDED", till{held: 18000, voided: 18000, voids: 1}},
			"never arrived":      {false, nothing, approved, "", "FAILED", till{}},
			"held: never came":   {true, nothing, approved, "", "FAILED", till{}},
			"slow":               {false, slow("00"), approved, "", "FAILED", till{held: 18000, captured: 18000, captures: 1, refunded: 18000, refunds: 1}},
			"slow and refused":   {false, slow("51"), approved, "", "FAILED", till{}},
			"at the bank":        {false, simulator.Effect{Notice: simulator.NoticeLost}, challenge, "approve", "FAILED", till{held: 18000, captured: 18000, captures: 1, refunded: 18000, refunds: 1}},
			"at the bank, held":  {true, simulator.Effect{Notice: simulator.NoticeLost}, challenge, "approve", "VOIDED", till{held: 18000, voided: 18000, voids: 1}},
			"refused at the end": {true, simulator.Effect{Notice: simulator.NoticeLost}, challenge, "decline", "FAILED", till{}},
		} {
			t.Run(name, func(t *testing.T) {
				w := newWitness(t, storetest.New(t, d.Kind), tc.two)
				path := w.order(t, "A")
				heal := w.deaf()
				w.strike(t, "payment", tc.effect)
				w.pay(t, "A", tc.card)
				w.sees(path, "PENDING")
				bank := ""
				if tc.button != "" {
					bank = w.bank(t, "A")
				}
				w.undo(path)
				w.undo(path)
				if got := w.get(t, path); got.field(t, "data.order.paymentStatus") != "PENDING" {
					t.Errorf("unknown is not %s", got.field(t, "data.order.paymentStatus"))
				}
				if text := w.page(path); strings.Contains(text, `name="number"`) || strings.Contains(text, "/continue") {
					t.Error("the link lives on")
				}
				w.says(t, "the order again", request{method: "POST", path: orders, body: with(t, tea, "orderId", `"A"`)}, "409 ORDER_ALREADY_EXISTS", "")
				w.says(t, "refund", request{method: "POST", path: "/v2/orders/A/refund", body: `{"refundAmount":"1"}`}, wrongStatus, "")
				if bank != "" {
					w.decides(t, bank, tc.button)
				}
				w.later()
				heal()
				w.rest(t, "A")
				if got := w.agrees(t, "A"); got != tc.status {
					t.Errorf("in the end %s, want %s", got, tc.status)
				}
				w.moved("A", tc.ledger)
			})
		}
	})
}

// deaf makes the provider answer no question about payments, and close none, until it is healed.
func (w *witness) deaf() (heal func()) {
	w.t.Helper()
	var broken []string
	for _, operation := range []string{"status", "cancel"} {
		id, err := w.app.Simulator.AddScenario(simulator.Scenario{
			Match:  simulator.Match{Operation: operation},
			Effect: simulator.Effect{Fault: simulator.FaultServerError, Stage: simulator.StageBefore},
		})
		if err != nil {
			w.t.Fatal(err)
		}
		broken = append(broken, id)
	}
	return func() {
		for _, id := range broken {
			w.app.Simulator.DeleteScenario(id)
		}
	}
}

// TestRollbackClosesWhatIsOpen: the provider is told that nobody wants the payment any more, so that the order is over at
// once and nobody can pay it any more. What was paid goes back.
func TestRollbackClosesWhatIsOpen(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		lost := simulator.Effect{Fault: simulator.FaultDrop, Notice: simulator.NoticeLost}
		never := simulator.Effect{Fault: simulator.FaultDrop, Stage: simulator.StageBefore}
		silent := simulator.Effect{Notice: simulator.NoticeLost}
		for name, tc := range map[string]struct {
			two    bool
			effect simulator.Effect
			card   string
			status string
			ledger till
		}{
			"taken":             {false, lost, approved, "FAILED", till{held: 18000, captured: 18000, captures: 1, refunded: 18000, refunds: 1}},
			"held":              {true, lost, approved, "VOIDED", till{held: 18000, voided: 18000, voids: 1}},
			"never arrived":     {false, never, approved, "FAILED", till{}},
			"slow":              {false, slow("00"), approved, "FAILED", till{}},
			"slow hold":         {true, slow("00"), approved, "FAILED", till{}},
			"at the bank":       {false, silent, challenge, "FAILED", till{}},
			"at the bank, held": {true, silent, challenge, "FAILED", till{}},
		} {
			t.Run(name, func(t *testing.T) {
				w := newWitness(t, storetest.New(t, d.Kind), tc.two)
				path := w.order(t, "A")
				heal := w.deaf() // so that it is still open when it is rolled back
				w.strike(t, "payment", tc.effect)
				w.pay(t, "A", tc.card)
				w.sees(path, "PENDING")
				bank := ""
				if tc.card == challenge {
					bank = w.bank(t, "A")
				}
				heal()
				w.undo(path)
				if a := w.get(t, path); tc.ledger == (till{}) && a.field(t, "data.order.paymentStatus") != tc.status {
					t.Errorf("at once: %s", a.body)
				}
				if bank != "" {
					resp, err := w.app.Client.Post(bank, "application/x-www-form-urlencoded", strings.NewReader("decision=approve"))
					if err != nil {
						t.Fatal(err)
					}
					_ = resp.Body.Close() // it is refused, or too late
				}
				w.later()
				w.rest(t, "A")
				if got := w.agrees(t, "A"); got != tc.status {
					t.Errorf("in the end %s, want %s", got, tc.status)
				}
				w.moved("A", tc.ledger)
			})
		}
	})
}

// TestRollbackDuringAnOperation is refused until the operation has ended.
func TestRollbackDuringAnOperation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, true)
		for i := range repeatables {
			r := &repeatables[i]
			oid := "O-" + string(rune('a'+i))
			path := r.ready(t, w.client, oid)
			w.strike(t, r.at, slow("05"))
			w.says(t, "operation", r.to(t, path, r.same, ""), r.kind+" PENDING", "")
			w.says(t, "rollback during "+r.name, request{method: "POST", path: path + "/rollback"}, inProgress, "")
			w.later()
			w.get(t, path)
			w.undo(path)
			w.rest(t, oid)
			if got := w.agrees(t, oid); got != "VOIDED" && got != "FAILED" {
				t.Errorf("after %s: %s", r.name, got)
			}
		}
	})
}

// TestFiftyRollbacksAreOne undoes paid and held orders fifty times at once.
func TestFiftyRollbacksAreOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, true)
		for oid, ready := range map[string]func(testing.TB, *client, string) string{
			"held": held, "taken": taken, "unpaid": func(t testing.TB, c *client, oid string) string { return c.order(t, oid) },
		} {
			path := ready(t, w.client, oid)
			tally := map[string]int{}
			for _, a := range w.flood(t, 50, func(int) request { return request{method: "POST", path: path + "/rollback"} }) {
				a.counted(t, tally)
			}
			w.rest(t, oid)
			if got := w.agrees(t, oid); got != "VOIDED" && got != "FAILED" {
				t.Errorf("%s: %s", oid, got)
			}
			if l := w.till(t, oid); l.refunds > 1 || l.voids > 1 {
				t.Errorf("%s: %+v", oid, l)
			}
		}
	})
}

// TestExpiredOrdersAndHolds: what nobody pays fails, what nobody captures goes back.
func TestExpiredOrdersAndHolds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, true)
		unpaid, hold := w.order(t, "unpaid"), w.paid(t, "held")
		work := func(oid string) {
			if err := w.app.Engine.Work(t.Context(), w.shop.ID, w.paymentOf(t, oid)); err != nil {
				t.Fatal(err)
			}
		}
		w.app.Clock.Advance((29) * time.Minute)
		work("unpaid")
		w.sees(unpaid, "PENDING")
		w.app.Clock.Advance((2) * time.Minute)
		work("unpaid")
		w.sees(unpaid, "FAILED")
		if a := w.get(t, unpaid); a.field(t, "data.order.reasonCode") != "CANCELLED_BY_TIMEOUT" {
			t.Errorf("%s", a.body)
		}
		w.app.Clock.Advance((5*24*60 - 60) * time.Minute)
		work("held")
		w.sees(hold, "AUTHORIZED", "AUTHORIZE SUCCESS 180.00")
		w.app.Clock.Advance((60) * time.Minute)
		work("held")
		w.rest(t, "held")
		w.sees(hold, "VOIDED", "AUTHORIZE SUCCESS 180.00", "VOID SUCCESS 180.00")
		w.agrees(t, "held")
	})
}
