package yandexpay_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/records"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

const gatewayDialect = "gateway"

// newToldWitness is a witness who is told of events.
func newToldWitness(t *testing.T, d *storetest.Database, two, honours bool) *witness {
	t.Helper()
	w := &witness{t: t}
	w.client = newClient(t, d, func(s *shop.Shop) {
		s.Settings.YandexPay.CallbackURL = "https://shop.example/pay"
		s.Settings.YandexPay.TwoStage, s.Settings.HonourLateSuccess = two, honours
	})
	w.stranger = w.other(t, nil)
	return w
}

// corrects lets the provider change its mind about an attempt of the order's payment, or of its n-th refund, until that has
// been heard, asked about and followed.
func (w *witness) corrects(oid string, refund, attempt int, to, amount string) {
	w.t.Helper()
	h, err := w.app.Engine.History(w.t.Context(), w.shop.ID, w.paymentOf(w.t, oid))
	if err != nil {
		w.t.Fatal(err)
	}
	of := h.Payment
	if refund > 0 {
		of = h.Refunds[refund-1]
	}
	stored := func() payment.Payment {
		p, err := w.app.Engine.Get(w.t.Context(), w.shop.ID, of.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		return p
	}
	if err := w.app.Simulator.Correct(stored().Attempts[attempt-1].Key, to, amount); err != nil {
		w.t.Fatal(err)
	}
	limit := time.Now().Add(30 * time.Second)
	for stored().Ops == of.Ops && time.Now().Before(limit) {
		time.Sleep(5 * time.Millisecond)
	}
	for p := stored(); !p.Due.IsZero() && !p.Due.After(w.app.Clock.Now()); p = stored() {
		if err := w.app.Engine.Work(w.t.Context(), w.shop.ID, of.ID); err != nil || time.Now().After(limit) {
			w.t.Fatal(err)
		}
	}
}

// events are what the merchant was told of an order in a dialect, since the last time.
func (w *witness) events(dialect string, after *int64, oid string) []string {
	w.t.Helper()
	page, err := w.app.Records.Feed(w.t.Context(), records.FeedQuery{Shop: w.shop.ID, Dialect: dialect, After: *after, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	*after = page.Next
	told := []string{}
	for _, e := range page.Events {
		if dialect == gatewayDialect {
			told = append(told, e.Type)
			continue
		}
		var body struct {
			Order     struct{ OrderID, PaymentStatus string }
			Operation struct{ OrderID, OperationType, Status string }
		}
		if err := json.Unmarshal([]byte(e.Body), &body); err != nil {
			w.t.Fatal(err)
		}
		if body.Order.OrderID+body.Operation.OrderID != oid {
			w.t.Errorf("an event of %s%s", body.Order.OrderID, body.Operation.OrderID)
		}
		told = append(told, strings.TrimSpace(body.Operation.OperationType+" "+body.Operation.Status+body.Order.PaymentStatus))
	}
	return told
}

// TestOrderWhoseMoneyChanges is how each end is shown to which the provider's change of mind leads.
func TestOrderWhoseMoneyChanges(t *testing.T) {
	t.Parallel()
	const declined, captured, voided, done = simulator.CorrectDeclined, simulator.CorrectCaptured, simulator.CorrectVoided, simulator.CorrectApproved
	fraud := "Declined by Issuer: Anti-fraud"
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		for _, c := range []struct {
			name            string
			two, honours    bool
			begin           func(w *witness)
			refund, attempt int
			to, amount      string
			status, reason  string
			operations      []string
			told, gateway   []string
		}{
			{name: "sale", begin: func(w *witness) { w.paid(w.t, "sale") }, attempt: 1, to: declined, status: "FAILED", reason: fraud,
				operations: []string{"CAPTURE SUCCESS 180.00"}, told: []string{"FAILED"}, gateway: []string{"payment.declined"}},
			{name: "held", two: true, begin: func(w *witness) { w.paid(w.t, "held") }, attempt: 1, to: declined, status: "FAILED", reason: fraud,
				operations: []string{"AUTHORIZE SUCCESS 180.00"}, told: []string{"FAILED"}, gateway: []string{"payment.declined"}},
			{name: "released", two: true, begin: func(w *witness) { w.paid(w.t, "released") }, attempt: 1, to: voided, status: "VOIDED", reason: "Cancelled by Timeout",
				operations: []string{"AUTHORIZE SUCCESS 180.00"}, told: []string{"VOIDED"}, gateway: []string{"payment.cancelled"}},
			{name: "took", two: true, begin: func(w *witness) { w.paid(w.t, "took") }, attempt: 1, to: captured, status: "CAPTURED",
				operations: []string{"AUTHORIZE SUCCESS 180.00", "CAPTURE SUCCESS 180.00"}, told: []string{"CAPTURED"}, gateway: []string{"payment.completed"}},
			{name: "part", two: true, begin: func(w *witness) { w.paid(w.t, "part") }, attempt: 1, to: captured, amount: "100", status: "CAPTURED",
				operations: []string{"AUTHORIZE SUCCESS 180.00", "CAPTURE SUCCESS 100.00"}, told: []string{"CAPTURED"}, gateway: []string{"payment.completed"}},
			{name: "taken", two: true, begin: func(w *witness) { taken(w.t, w.client, "taken") }, attempt: 1, to: declined, status: "FAILED", reason: fraud,
				operations: []string{"AUTHORIZE SUCCESS 180.00", "CAPTURE SUCCESS 180.00"}, told: []string{"FAILED"}, gateway: []string{"payment.declined"}},
			{name: "uncaptured", two: true, begin: func(w *witness) { taken(w.t, w.client, "uncaptured") }, attempt: 2, to: declined, status: "AUTHORIZED",
				operations: []string{"AUTHORIZE SUCCESS 180.00", "CAPTURE FAIL 180.00 " + fraud}, told: []string{"CAPTURE FAIL", "AUTHORIZED"},
				gateway: []string{"payment.authorized"}},
			{name: "captured after all", two: true, begin: func(w *witness) {
				path := held(w.t, w.client, "captured after all")
				w.strike(w.t, "capture", simulator.Effect{ResponseCode: "51"})
				w.asks(path+"/capture", `{"externalOperationId":"c"}`, "CAPTURE FAIL")
			}, attempt: 2, to: done, status: "CAPTURED", operations: []string{"AUTHORIZE SUCCESS 180.00", "CAPTURE SUCCESS 180.00 c"},
				told: []string{"CAPTURED", "CAPTURE SUCCESS"}, gateway: []string{"payment.completed"}},
			{name: "voided after all", two: true, begin: func(w *witness) {
				path := held(w.t, w.client, "voided after all")
				w.strike(w.t, "void", simulator.Effect{ResponseCode: "51"})
				w.asks(path+"/cancel", `{"reason":"x","externalOperationId":"v"}`, "VOID FAIL")
			}, attempt: 2, to: done, status: "VOIDED", reason: "x", operations: []string{"AUTHORIZE SUCCESS 180.00", "VOID SUCCESS 180.00 v"},
				told: []string{"VOIDED", "VOID SUCCESS"}, gateway: []string{"payment.cancelled"}},
			{name: "unvoided", two: true, begin: func(w *witness) {
				w.asks(held(w.t, w.client, "unvoided")+"/cancel", `{"reason":"x","externalOperationId":"v"}`, "VOID SUCCESS")
			}, attempt: 2, to: declined, status: "AUTHORIZED", operations: []string{"AUTHORIZE SUCCESS 180.00", "VOID FAIL 180.00 v " + fraud},
				told: []string{"VOID FAIL", "AUTHORIZED"}, gateway: []string{"payment.authorized"}},
			{name: "refund", begin: func(w *witness) {
				w.paid(w.t, "refund")
				w.asks("/v2/orders/refund/refund", `{"refundAmount":"180"}`, "REFUND SUCCESS")
			}, refund: 1, attempt: 1, to: declined, status: "CAPTURED", operations: []string{"CAPTURE SUCCESS 180.00", "REFUND FAIL 180.00 " + fraud},
				told: []string{"REFUND FAIL", "CAPTURED"}, gateway: []string{"payment.declined"}},
			{name: "refunded", begin: func(w *witness) {
				w.paid(w.t, "refunded")
				w.strike(w.t, "refund", simulator.Effect{ResponseCode: "51"})
				w.asks("/v2/orders/refunded/refund", `{"refundAmount":"80"}`, "REFUND FAIL")
			}, refund: 1, attempt: 1, to: done, status: "PARTIALLY_REFUNDED", operations: []string{"CAPTURE SUCCESS 180.00", "REFUND SUCCESS 80.00"},
				told: []string{"REFUND SUCCESS", "PARTIALLY_REFUNDED"}, gateway: []string{"payment.completed"}},
			{name: "standing", begin: func(w *witness) {
				w.paid(w.t, "standing")
				w.asks("/v2/orders/standing/refund", `{"refundAmount":"180"}`, "REFUND SUCCESS")
				w.undo(orders + "/standing") // of what has gone back nothing is to be undone, but it binds
			}, refund: 1, attempt: 1, to: declined, status: "REFUNDED", operations: []string{"CAPTURE SUCCESS 180.00", "REFUND FAIL 180.00 " + fraud},
				told: []string{"REFUND FAIL", "CAPTURED", "REFUNDED"}, gateway: []string{"payment.declined", "payment.completed"}},
			{name: "late", honours: true, begin: func(w *witness) {
				w.order(w.t, "late")
				w.pay(w.t, "late", poor)
			}, attempt: 1, to: done, status: "CAPTURED", operations: []string{"CAPTURE SUCCESS 180.00"}, told: []string{"CAPTURED"}, gateway: []string{"payment.completed"}},
			{name: "rolled", honours: true, begin: func(w *witness) {
				w.order(w.t, "rolled")
				w.pay(w.t, "rolled", poor)
				w.undo(orders + "/rolled")
			}, attempt: 1, to: done, status: "FAILED", reason: "Insufficient Funds", operations: []string{}},
			{name: "rolled first", honours: true, begin: func(w *witness) {
				w.undo(w.order(w.t, "rolled first"))
			}, status: "FAILED", reason: "Cancelled by Customer", operations: []string{}},
		} {
			t.Run(c.name, func(t *testing.T) {
				w := newToldWitness(t, storetest.New(t, d.Kind), c.two, c.honours)
				c.begin(w)
				var there, gate int64
				w.events(yandexpay.Dialect, &there, c.name)
				w.events(gatewayDialect, &gate, c.name)
				if c.attempt > 0 {
					w.corrects(c.name, c.refund, c.attempt, c.to, c.amount)
				}
				path := orders + "/" + strings.ReplaceAll(c.name, " ", "%20")
				if c.name == "standing" { // what came again goes back by itself
					w.rest(t, c.name)
				}
				w.sees(path, c.status, c.operations...)
				a := w.get(t, path)
				if reason := a.field(t, "data.order.reason"); reason != c.reason {
					t.Errorf("reason %q, want %q", reason, c.reason)
				}
				if diff := cmp.Diff(slices.Clip(append([]string{}, c.told...)), w.events(yandexpay.Dialect, &there, c.name)); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(append([]string{}, c.gateway...), w.events(gatewayDialect, &gate, c.name)); diff != "" {
					t.Errorf("told in the gateway API (-want +got):\n%s", diff)
				}
			})
		}
	})
}
