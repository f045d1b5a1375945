package payu

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// The published states of an order.
const (
	isNew     = "NEW"
	pending   = "PENDING"
	waiting   = "WAITING_FOR_CONFIRMATION"
	completed = "COMPLETED"
	canceled  = "CANCELED"
)

// order is one, and what became of it.
type order struct {
	id, ext  string
	amount   string
	currency string
	state    string
	method   object
	reason   string // why it was not paid
	until    time.Time
	back     string
	notify   string
	given    int64
	about    string
}

// create takes an order. Its merchant's name may be used once.
func (d *Double) create(c *call) frame.Answer {
	in := c.in
	for _, name := range []string{"customerIp", "merchantPosId", "description", "currencyCode", "totalAmount", "extOrderId"} {
		if text(in, name) == "" {
			return fail(http.StatusBadRequest, "ERROR_VALUE_MISSING", name)
		}
	}
	n, err := strconv.ParseInt(text(in, "totalAmount"), 10, 64)
	products, _ := in["products"].([]any)
	life, lifeErr := strconv.Atoi(text(in, "validityTime"))
	switch {
	case text(in, "merchantPosId") != d.c.POS:
		return fail(http.StatusForbidden, "ERROR_VALUE_INVALID", "INVALID_AUTH_FOR_THIS_ORDER")
	case err != nil || n < 1 || len(products) == 0 || lifeErr != nil || life < 1 || len(text(in, "currencyCode")) != 3:
		return fail(http.StatusBadRequest, "ERROR_VALUE_INVALID", "One or more required values are incorrect")
	case d.by(func(o *order) bool { return o.ext == text(in, "extOrderId") }) != nil:
		return fail(http.StatusBadRequest, "ERROR_ORDER_NOT_UNIQUE", "Order already exists")
	}
	o := &order{
		ext: text(in, "extOrderId"), amount: text(in, "totalAmount"), currency: text(in, "currencyCode"), state: isNew, until: c.now.Add(time.Duration(life) * time.Second),
		method: inner(inner(in, "payMethods"), "payMethod"), back: text(in, "continueUrl"), notify: text(in, "notifyUrl"), about: text(in, "description"),
	}
	byCode := text(o.method, "type") == "BLIK_AUTHORIZATION_CODE"
	code := text(o.method, "value")
	if byCode && (len(code) != 6 || strings.Trim(code, "0123456789") != "") {
		return fail(http.StatusBadRequest, "ERROR_VALUE_INVALID", "INVALID_BLIK_CODE")
	}
	d.seq++
	o.id = fmt.Sprintf("D0UB1E%08dGUEST000P01", d.seq)
	d.orders = append(d.orders, o)
	if !byCode {
		page := d.c.URL + "/pay/?orderId=" + o.id + "&token=pagetoken." + o.id
		return frame.Answer{Status: http.StatusFound, Header: http.Header{"Location": {page}}, Body: success(object{"redirectUri": page, "orderId": o.id, "extOrderId": o.ext})}
	}
	d.move(o, pending)
	if why := refusedCodes[code]; why != "" || c.fault.Kind == frame.Decline {
		o.reason = why
		if c.fault.Kind == frame.Decline {
			o.reason = c.fault.Code
		}
		d.move(o, canceled)
	}
	return frame.Answer{Status: http.StatusCreated, Body: success(object{"orderId": o.id, "extOrderId": o.ext})}
}

// refusedCodes are those of the sandbox.
var refusedCodes = map[string]string{
	"500500": "AUT_ERROR_ISSUER_DECLINED", "700701": "REG_ERROR_AUTH_CODE_EXPIRED", "700702": "REG_ERROR_AUTH_CODE_CANCELLED", "700703": "REG_ERROR_AUTH_CODE_USED",
}

// move changes the state of an order and tells it.
func (d *Double) move(o *order, to string) {
	if to == completed && o.state != completed {
		d.Book(o.ext, frame.Taken, o.amount, o.currency)
	}
	o.state = to
	d.tell(o)
}

// by is the order that is meant, after those whose time is over were cancelled.
func (d *Double) by(meant func(*order) bool) *order {
	now := d.c.Now()
	for _, o := range d.orders {
		if (o.state == isNew || o.state == pending) && !now.Before(o.until) {
			d.move(o, canceled)
		}
	}
	if i := slices.IndexFunc(d.orders, meant); i >= 0 {
		return d.orders[i]
	}
	return nil
}

func (d *Double) named(c *call) *order { return d.by(func(o *order) bool { return o.id == c.id }) }

func notFound() frame.Answer {
	return fail(http.StatusNotFound, "DATA_NOT_FOUND", "Could not find data for given criteria")
}

func (d *Double) query(c *call) frame.Answer {
	o := d.named(c)
	if o == nil {
		return notFound()
	}
	return frame.Answer{Status: http.StatusOK, Body: object{
		"orders": []object{o.view(d.c.POS)}, "properties": []object{{"name": "PAYMENT_ID", "value": "5000000001"}}, "status": object{"statusCode": "SUCCESS", "statusDesc": "Request processing successful"},
	}}
}

func (o *order) view(pos string) object {
	return object{
		"orderId": o.id, "extOrderId": o.ext, "orderCreateDate": "2026-11-30T12:00:00.000+01:00", "notifyUrl": o.notify, "customerIp": "203.0.113.7", "merchantPosId": pos,
		"description": o.about, "validityTime": "1800", "currencyCode": o.currency, "totalAmount": o.amount, "status": o.state,
		"products": []object{{"name": "x", "unitPrice": o.amount, "quantity": "1"}},
	}
}

func (d *Double) cancel(c *call) frame.Answer {
	o := d.named(c)
	switch {
	case o == nil:
		return notFound()
	case o.state == completed:
		return fail(http.StatusBadRequest, "ERROR_VALUE_INVALID", "The order is completed")
	case o.state != canceled:
		d.move(o, canceled)
	}
	return frame.Answer{Status: http.StatusOK, Body: success(object{"orderId": o.id, "extOrderId": o.ext})}
}

// confirm takes what was paid, of a point of sale that does not take it by itself.
func (d *Double) confirm(c *call) frame.Answer {
	o := d.named(c)
	switch {
	case o == nil:
		return notFound()
	case o.state != waiting || text(c.in, "orderStatus") != completed || text(c.in, "orderId") != o.id:
		return fail(http.StatusBadRequest, "ERROR_VALUE_INVALID", "The order cannot be confirmed")
	}
	d.move(o, completed)
	return frame.Answer{Status: http.StatusOK, Body: object{"status": object{"statusCode": "SUCCESS", "statusDesc": "Status was updated"}}}
}

func (d *Double) reasons(c *call) frame.Answer {
	o := d.named(c)
	if o == nil {
		return notFound()
	}
	t := object{"payMethod": object{"value": "blik"}, "paymentFlow": "BLIK_AUTHORIZATION_CODE"}
	if o.reason != "" {
		t["resultCode"] = o.reason
	}
	return frame.Answer{Status: http.StatusOK, Body: object{"transactions": []object{t}}}
}

// Finish ends what waits under the merchant's name of an order or refund. It reports false where nothing does.
func (d *Double) Finish(key string, approve bool) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	if o := d.by(func(o *order) bool { return o.ext == key }); o != nil && (o.state == isNew || o.state == pending) {
		d.end(o, approve)
		return true
	}
	for _, r := range d.refunds {
		if r.ext == key && r.state == pending {
			d.done(r, approve)
			return true
		}
	}
	return false
}

func (d *Double) end(o *order, approve bool) {
	switch {
	case !approve:
		o.reason = "AUT_ERROR_USER_DECLINED"
		d.move(o, canceled)
	case d.c.Manual:
		d.move(o, waiting)
	default:
		d.move(o, completed)
	}
}

// State is the state of an order by its merchant's name; empty where there is none.
func (d *Double) State(key string) string {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	if o := d.by(func(o *order) bool { return o.ext == key }); o != nil {
		return o.state
	}
	return ""
}

func (d *Double) banks(_ *call) frame.Answer {
	one := func(value, name, status string) object {
		return object{"value": value, "brandImageUrl": "https://static.example/" + value + ".png", "name": name, "status": status, "minAmount": 50, "maxAmount": 99999999}
	}
	return frame.Answer{Status: http.StatusOK, Body: success(object{"cardTokens": []object{}, "blikTokens": []object{}, "payByLinks": []object{
		one("m", "mTransfer", "ENABLED"), one("ipko", "PKO BP", "ENABLED"), one("p", "Bank Pekao", "TEMPORARY_DISABLED"), one("wc", "Santander", "DISABLED"),
		one("c", "Płatność kartą", "ENABLED"), one("blik", "BLIK", "ENABLED"), one("jp", "Apple Pay", "ENABLED"), one("dpt", "Klarna", "ENABLED"), one("b", "Przelew bankowy", "ENABLED"),
	}})}
}
