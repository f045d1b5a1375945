package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/id"
)

// status is the order's, by the model.
func (l *life) status() string {
	back := l.sum("COMPLETED")
	switch {
	case l.state == "CHECKOUT", l.state == "PENDING" && !l.held:
		return "PENDING"
	case l.state == "PENDING", l.state == "AUTHORIZED":
		return "AUTHORIZED"
	case l.state == "CANCELLED":
		return "VOIDED"
	case l.state == closed:
		return "FAILED"
	case back == 0:
		return "CAPTURED"
	case back < l.captured:
		return "PARTIALLY_REFUNDED"
	case l.rolled:
		return "FAILED"
	}
	return "REFUNDED"
}

// statusBy is the order's, by what the gateway tells of the payment alone.
func statusBy(state string, held, undone bool, captured, back int) string {
	switch {
	case state == "AUTHORIZED", state == "PENDING" && held:
		return "AUTHORIZED"
	case state == "CHECKOUT", state == "PENDING":
		return "PENDING"
	case state == "CANCELLED" && held:
		return "VOIDED"
	case state != "COMPLETED", back == captured && undone:
		return "FAILED"
	case back == 0:
		return "CAPTURED"
	case back < captured:
		return "PARTIALLY_REFUNDED"
	}
	return "REFUNDED"
}

// compare reads everything by both dialects and fails where they disagree with the model or with each other. What a
// notice of the provider is about to change is looked at again.
func (l *life) compare() {
	l.Helper()
	var wrong string
	for range tries(20 * time.Millisecond) {
		if wrong = l.disagreement(); wrong == "" {
			l.met[l.status()] = true
			l.isolated()
			return
		}
	}
	l.Fatalf("payment %s, order %q: %s", l.pid, l.order, wrong)
}

func (l *life) disagreement() string {
	l.Helper()
	p, o := l.gateway("GET", "/"+l.pid, ""), l.yandex("GET", "/v1"+l.path(), "")
	if p.status != 200 || o.status != 200 {
		return fmt.Sprintf("the gateway says %d, yandexpay %d", p.status, o.status)
	}
	for _, check := range []func(p, o said) string{l.states, l.sums, l.operations, l.refunds, l.called, l.reasons} {
		if wrong := check(p, o); wrong != "" {
			return fmt.Sprintf("%s\ngateway %v\nyandexpay %v", wrong, p.doc, o.doc)
		}
	}
	return ""
}

// log is the gateway's log of a payment, oldest first.
func (l *life) log(pid string) []any {
	l.Helper()
	all := l.gateway("GET", "/"+pid+"/operations", "").list("result")
	slices.SortFunc(all, func(a, b any) int { return l.whole(textAt(a, "id")) - l.whole(textAt(b, "id")) })
	return all
}

func (l *life) whole(text string) int {
	l.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		l.Fatal(err)
	}
	return n
}

func (l *life) states(p, o said) string {
	state, status := p.at("result.state"), o.at("data.order.paymentStatus")
	if state != l.state && (l.state != closed || state != "DECLINED" && state != "CANCELLED") {
		return "the gateway's state, the model has " + l.state
	}
	if status != l.status() {
		return "paymentStatus, the model has " + l.status()
	}
	held, undone := false, false
	last := ""
	for _, op := range l.log(l.pid) {
		held = held || textAt(op, "paymentState") == "AUTHORIZED"
		undone = undone || l.rolled && textAt(op, "operation") == "CANCEL" // of what had gone back before nothing is undone
		last = textAt(op, "paymentState")
	}
	if last != state {
		return "the log ends in " + last
	}
	if by := statusBy(state, held, undone, l.kopecks(p.at("result.amount")), l.sum("COMPLETED")); by != status {
		return "the gateway's story makes it " + by
	}
	return ""
}

func (l *life) sums(p, o said) string {
	shown, left, cart := l.amount, l.amount, l.amount
	if l.captured > 0 {
		if shown, left = l.captured, l.captured-l.sum("COMPLETED"); left == 0 {
			cart = 0 // it went back whole
		}
	}
	switch {
	case l.kopecks(p.at("result.amount")) != shown:
		return "the gateway's amount, want " + amountOf(shown)
	case o.at("data.order.orderAmount") != amountOf(left):
		return "orderAmount, want " + amountOf(left)
	case p.at("result.currency") != "RUB" || o.at("data.order.currencyCode") != "RUB":
		return "currency"
	case o.at("data.order.cart.total.amount") != amountOf(cart):
		return "no refund named a cart, which should be of " + amountOf(cart)
	}
	paid := l.authorised > 0
	method := o.at("data.order.paymentMethod.methodType") + o.at("data.order.paymentMethod.cardLast4")
	if want := map[bool]string{true: "CARD" + l.card[12:]}[paid]; method != want {
		return fmt.Sprintf("paymentMethod %q, want %q", method, want)
	}
	if paid && !strings.HasSuffix(p.at("result.paymentMethodDetails.customerAccountNumber"), l.card[12:]) {
		return "the gateway's card"
	}
	return ""
}

// operations compares the order's list with the model, with each operation by itself, and with the gateway's log.
func (l *life) operations(_, o said) string {
	var want, got []string
	kinds := map[string]int{}
	for _, d := range l.deeds {
		want = append(want, strings.Join([]string{d.kind, d.status, amountOf(d.amount), d.name}, " "))
		kinds[d.kind]++
	}
	ids := map[string]bool{}
	for i, op := range o.list("data.operations") {
		got = append(got, strings.Join([]string{textAt(op, "operationType"), textAt(op, "status"), textAt(op, "amount"),
			textAt(op, "externalOperationId")}, " "))
		id := textAt(op, "operationId")
		ids[id] = true
		if i < len(l.deeds) {
			if d := l.deeds[i]; d.id != "" && d.id != id {
				return fmt.Sprintf("operation %d was %s and is %s", i, d.id, id)
			}
		}
		for _, name := range []string{id, textAt(op, "externalOperationId")} {
			if wrong := l.alone(op, name); wrong != "" {
				return wrong
			}
		}
		if fail := textAt(op, "status") == "FAIL"; fail != (textAt(op, "reason") != "") {
			return "a reason is given for failures only"
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return "operations (-model +shown):\n" + diff
	}
	if len(ids) != len(got) {
		return "two operations have one id"
	}
	for i, op := range o.list("data.operations") {
		l.deeds[i].id = textAt(op, "operationId")
	}
	logged := map[string]int{}
	for _, op := range l.log(l.pid) {
		logged[textAt(op, "operation")]++
	}
	if l.preAuth && kinds["CAPTURE"] != logged["CAPTURE"] || kinds["VOID"] != logged["VOID"] {
		return fmt.Sprintf("operations %v, the log has %v", kinds, logged)
	}
	return ""
}

// alone compares an operation of the order with what is found by a name of it.
func (l *life) alone(op any, name string) string {
	if name == "" {
		return ""
	}
	in, _ := op.(map[string]any) // nil is different from any operation
	delete(in, "approvalCode")
	a := l.yandex("GET", "/v1/operations/"+url.PathEscape(name), "")
	data, _ := a.doc["data"].(map[string]any) // likewise
	if diff := cmp.Diff(in, data["operation"]); diff != "" {
		return fmt.Sprintf("operation %s (-in the order +alone):\n%s", name, diff)
	}
	return ""
}

// refundsAtGateway lists the payment's refunds as the gateway shows them, oldest first.
func (l *life) refundsAtGateway() []any {
	l.Helper()
	var all []any
	for _, p := range l.gateway("GET", "?limit=50", "").list("result") {
		if textAt(p, "parentPaymentId") == l.pid {
			all = append(all, p)
		}
	}
	slices.Reverse(all)
	return all
}

func (l *life) refunds(_, _ said) string {
	shown := l.refundsAtGateway()
	if len(shown) != len(l.backs) {
		return fmt.Sprintf("the gateway has %d refunds, want %d", len(shown), len(l.backs))
	}
	for i, b := range l.backs {
		r := shown[i]
		id, state := textAt(r, "id"), textAt(r, "state")
		if b.id != "" && b.id != id || l.kopecks(textAt(r, "amount")) != b.amount || textAt(r, "paymentType") != "REFUND" {
			return fmt.Sprintf("refund %d is %v", i, r)
		}
		if state != b.state && (b.state != closed || state != "DECLINED" && state != "CANCELLED") {
			return fmt.Sprintf("refund %d is %s, want %s", i, state, b.state)
		}
		dashed := fmt.Sprintf("%s-%s-4%s-%s-%s", id[:8], id[8:12], id[13:16], id[16:20], id[20:])
		switch a := l.yandex("GET", "/v1/operations/"+dashed, ""); {
		case b.deed == nil && a.status != 404:
			return "the refund of a rollback can be read as an operation"
		case b.deed != nil && (b.deed.id != dashed || a.at("data.operation.operationId") != dashed):
			return fmt.Sprintf("refund %s is shown as operation %s", id, b.deed.id)
		}
		log := l.log(id)
		if len(log) == 0 || textAt(log[len(log)-1], "paymentState") != state {
			return fmt.Sprintf("the log of refund %d: %v", i, log)
		}
	}
	return ""
}

// bare is the engine's id of what the Yandex Pay API shows as a UUID of version 4.
func bare(shown string) string { return id.FromVersion4(strings.ReplaceAll(shown, "-", "")) }

// called compares by what the payment is called, and that each name leads to it.
func (l *life) called(p, o said) string {
	dashed := o.at("data.order.cart.cartId")
	called := o.at("data.order.orderId")
	switch {
	case p.at("result.id") != l.pid || bare(dashed) != l.pid:
		return "cartId"
	case l.order != l.pid && (p.at("result.referenceId") != l.order || called != l.order):
		return "referenceId and orderId"
	case o.at("data.order.merchantId") == "" || o.at("data.order.merchantId") != l.shop.MerchantID():
		return "merchantId"
	case !strings.HasPrefix(o.at("data.order.created"), p.at("result.created")):
		return "created"
	}
	for _, op := range o.list("data.operations") {
		if textAt(op, "orderId") != called {
			return "orderId of an operation"
		}
	}
	if again := l.yandex("GET", "/v1/orders/"+url.PathEscape(called), ""); again.at("data.order.cart.cartId") != dashed {
		return "the order is not found by its orderId"
	}
	if byID := l.yandex("GET", "/v1/orders/"+dashed, ""); (byID.status == 200) != (l.order == l.pid) {
		return fmt.Sprintf("by the payment's id: %d", byID.status)
	}
	return ""
}

// reasons: what one calls errorMessage, the other calls reason, unless the merchant gave one.
func (l *life) reasons(p, o said) string {
	status := o.at("data.order.paymentStatus")
	want := ""
	if status == "FAILED" || status == "VOIDED" {
		if want = p.at("result.errorMessage"); status == "VOIDED" && l.word != "" {
			want = l.word
		}
	}
	if got := o.at("data.order.reason"); got != want {
		return fmt.Sprintf("reason %q, want %q", got, want)
	}
	return ""
}

// isolated wants nobody else to see or to move anything of the payment.
func (l *life) isolated() {
	l.Helper()
	mine := l.shop
	l.shop = l.w.stranger
	defer func() { l.shop = mine }()
	for _, path := range []string{"/" + l.pid, "/" + l.pid + "/operations"} {
		if a := l.gateway("GET", path, ""); a.status != 404 {
			l.Fatalf("another shop sees %s: %v", path, a.doc)
		}
	}
	what := l.pick("stranger", "capture", "cancel", "rollback", "refund")
	for path, method := range map[string]string{"": "GET", "/" + what: "POST"} {
		if a := l.yandex(method, "/v1"+l.path()+path, `{"reason":"x","refundAmount":"1"}`); a.at("reasonCode") != "ORDER_NOT_FOUND" {
			l.Fatalf("another shop: %s %s%s: %v", method, l.path(), path, a.doc)
		}
	}
	for _, d := range l.deeds {
		for _, name := range []string{d.id, d.name} {
			if name == "" {
				continue
			}
			if a := l.yandex("GET", "/v1/operations/"+url.PathEscape(name), ""); a.at("reasonCode") != "OPERATION_NOT_FOUND" {
				l.Fatalf("another shop sees operation %s: %v", name, a.doc)
			}
		}
	}
}

// judge holds the end of the life against the provider's ledger.
func (l *life) judge() {
	l.Helper()
	held, captured, voided, back := 0, 0, 0, 0
	for _, e := range l.w.app.Simulator.Ledger() {
		if !strings.Contains(e.Reference, l.pid) && !strings.Contains(e.OriginalReference, l.pid) {
			continue
		}
		n := l.kopecks(e.Amount)
		switch e.Type {
		case "authorized":
			held += n
		case "captured":
			captured += n
			if e.Kind == "sale" {
				held += n
			}
		case "voided", "expired":
			voided += n
		case "refunded":
			back += n
		}
	}
	wantVoid := 0
	if l.state == "CANCELLED" {
		wantVoid = l.authorised
	}
	if held != l.authorised || captured != l.captured || back != l.sum("COMPLETED") || voided != wantVoid {
		l.Fatalf("payment %s: the ledger held %d, captured %d, voided %d, refunded %d; want %d, %d, %d, %d", l.pid, held, captured,
			voided, back, l.authorised, l.captured, wantVoid, l.sum("COMPLETED"))
	}
	if wrong := l.w.app.Simulator.Breaches(); len(wrong) > 0 {
		l.Fatalf("the simulator's books: %v", wrong)
	}
}
