package yandexpay

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math/big"
	"net/http"
	"reflect"
	"regexp"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// order is one order.
type order struct {
	id, status, currency string
	amount               *big.Rat // of the cart, then what was taken
	returned             *big.Rat
	begins               bool // a subscription
	metadata             string
	reasonCode           string
	content              map[string]any
	created              time.Time
	hidden               time.Time // until when no query finds it
	ends                 time.Time // with its ttl
}

var orderFields = []string{
	"cart", "currencyCode", "orderId", "redirectUrls", "availablePaymentMethods", "ttl", "metadata", "purpose", "billingPhone", "fiscalContact",
}

var (
	aCurrency = regexp.MustCompile(`^[A-Z]{3}$`)
	anAmount  = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
)

func amountOf(v any) (*big.Rat, bool) {
	s, is := v.(string)
	if !is || !anAmount.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// total checks a cart: its lines add up.
func total(v any) (*big.Rat, *failure) {
	cart, _ := v.(map[string]any)
	whole, _ := cart["total"].(map[string]any)
	sum, ok := amountOf(whole["amount"])
	items, _ := cart["items"].([]any)
	if !ok || len(items) == 0 {
		return nil, bad("cart")
	}
	lines := new(big.Rat)
	for _, one := range items {
		item, _ := one.(map[string]any)
		n, ok := amountOf(item["total"])
		quantity, _ := item["quantity"].(map[string]any)
		if !ok || text(item, "productId") == "" || quantity["count"] == nil {
			return nil, bad("cart.items")
		}
		lines.Add(lines, n)
	}
	if lines.Cmp(sum) != 0 {
		return nil, &failure{http.StatusBadRequest, "ORDER_AMOUNT_MISMATCH", "Cart total amount mismatch"}
	}
	return sum, nil
}

// begun reads what orders of all kinds have.
func (d *Double) begun(c *call) (*order, *failure) {
	o := &order{
		id: text(c.body, "orderId"), currency: text(c.body, "currencyCode"), status: "PENDING", metadata: text(c.body, "metadata"), content: c.body,
		created: c.now, returned: new(big.Rat), ends: c.now.Add(30 * time.Minute),
	}
	sum, no := total(c.body["cart"])
	switch {
	case no != nil:
		return nil, no
	case o.id == "" || len(o.id) > 2048 || !aCurrency.MatchString(o.currency):
		return nil, bad("orderId or currencyCode")
	case o.currency == "RUB" && sum.Cmp(big.NewRat(1, 1)) < 0:
		return nil, bad("cart.total.amount")
	}
	if n, is := c.body["ttl"].(json.Number); is {
		seconds, err := n.Int64()
		if err != nil || seconds < 180 || seconds > 604800 {
			return nil, bad("ttl")
		}
		o.ends = c.now.Add(time.Duration(seconds) * time.Second)
	}
	o.amount = sum
	return o, nil
}

func (d *Double) order(c *call) (frame.Object, *failure) {
	o, no := d.begun(c)
	if no != nil {
		return nil, no
	}
	urls, _ := c.body["redirectUrls"].(map[string]any)
	if text(urls, "onSuccess") == "" || text(urls, "onError") == "" {
		return nil, bad("redirectUrls")
	}
	if was := d.orders[o.id]; was != nil {
		if was.status != "PENDING" || !reflect.DeepEqual(was.content, o.content) {
			return nil, &failure{http.StatusConflict, "ORDER_ALREADY_EXISTS", "orderId must be unique"}
		}
		o = was
	}
	if d.orders[o.id] = o; c.fault.Lag > 0 {
		o.hidden = c.now.Add(c.fault.Lag)
	}
	return frame.Object{"paymentUrl": d.page(o)}, nil
}

// page is the short link of an order.
func (d *Double) page(o *order) string {
	return fmt.Sprintf("%s/l/%x", d.c.URL, crc32.ChecksumIEEE([]byte(o.id)))
}

func (d *Double) subscribe(c *call) (frame.Object, *failure) {
	if text(c.body, "intervalUnit") == "" || c.body["intervalCount"] == nil || len(text(c.body, "title")) > 30 {
		return nil, bad("interval")
	}
	data, no := d.order(c)
	if no != nil {
		return nil, no
	}
	d.orders[text(c.body, "orderId")].begins = true
	data["subscriptionId"] = identifier(len(d.orders))
	return data, nil
}

func (d *Double) recur(c *call) (frame.Object, *failure) {
	parent := d.orders[text(c.body, "parentOrderId")]
	amount, ok := amountOf(c.body["amount"])
	o, no := d.begun(c)
	switch {
	case no != nil:
		return nil, no
	case parent == nil || !parent.begins || parent.status == "PENDING" || parent.status == "FAILED":
		return nil, &failure{http.StatusNotFound, "SUBSCRIPTION_NOT_FOUND", "no such subscription"}
	case !ok || amount.Cmp(o.amount) != 0:
		return nil, bad("amount")
	case d.orders[o.id] != nil:
		return nil, &failure{http.StatusConflict, "ORDER_ALREADY_EXISTS", "orderId must be unique"}
	}
	if d.orders[o.id] = o; c.fault.Lag > 0 {
		o.hidden = c.now.Add(c.fault.Lag)
	}
	op := d.operate(o, "RECURRING", "", o.amount)
	switch c.fault.Kind {
	case frame.Decline:
		o.status, o.reasonCode = "FAILED", c.fault.Code
		d.end(op, false)
	case frame.Pending:
	default:
		o.status = "CAPTURED"
		d.Book(o.id, frame.Taken, plain(o.amount), o.currency)
		d.end(op, true)
	}
	d.tellOrder(o)
	return frame.Object{"operationId": op.id}, nil
}

func (d *Double) found(c *call) (*order, *failure) {
	o := d.orders[c.id]
	if o == nil || c.now.Before(o.hidden) {
		return nil, &failure{http.StatusNotFound, "ORDER_NOT_FOUND", "no such order"}
	}
	if o.status == "PENDING" && c.now.After(o.ends.Add(15*time.Minute)) {
		o.status, o.reasonCode = "FAILED", "CANCELLED_BY_TIMEOUT"
		d.tellOrder(o)
	}
	return o, nil
}

// Finish has the customer of an order pay or be refused, or ends an operation that is on its way, by its external id. It reports false where
// there is nothing of either.
func (d *Double) Finish(id string, approve bool) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, op := range d.operations {
		if op.external == id && op.status == "PENDING" {
			d.carryOut(op, approve)
			return true
		}
	}
	o := d.orders[id]
	if o == nil || o.status != "PENDING" {
		return false
	}
	switch {
	case !approve:
		o.status, o.reasonCode = "FAILED", "DO_NOT_HONOR"
	case d.c.TwoStage:
		o.status = "AUTHORIZED"
		d.end(d.operate(o, "AUTHORIZE", "", o.amount), true)
		d.Book(o.id, frame.Held, plain(o.amount), o.currency)
	default:
		o.status = "CAPTURED"
		d.end(d.operate(o, "CAPTURE", "", o.amount), true)
		d.Book(o.id, frame.Taken, plain(o.amount), o.currency)
	}
	d.tellOrder(o)
	return true
}

// Refuse ends an order of whose payment the code is the reason that it failed.
func (d *Double) Refuse(id, code string) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	if o := d.orders[id]; o != nil {
		o.status, o.reasonCode = "FAILED", code
		d.tellOrder(o)
	}
}

// Begun reports whether there is such an order or operation.
func (d *Double) Begun(id string) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	return d.orders[id] != nil || d.named(id) != nil
}
