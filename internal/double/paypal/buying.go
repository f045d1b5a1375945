package paypal

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// order is a purchase of one unit.
type order struct {
	id, key, status, intent string
	amount                  money
	custom, invoice         string
	reference, description  string
	source                  source
	auto                    bool // PayPal completes it by itself once its payer has approved
	shift, pares, enrolled  string
	back, cancel            string
	fault                   frame.Fault // of the request that made it
	auth                    *move
	moves                   []*move // captures and refunds, oldest first
	created                 time.Time
}

// move is an authorization, a capture or a refund.
type move struct {
	id, key, kind, status string
	amount                money
	custom, invoice       string
	code                  string // the processor's
	of                    string // the capture that a refund is of
	created               time.Time
}

type money struct {
	Currency string `json:"currency_code"`
	Value    string `json:"value"`
}

var value = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,2})?$`)

// currencies are those that PayPal takes (https://developer.paypal.com/api/rest/reference/currency-codes/); those without decimals are true.
var currencies = map[string]bool{
	"AUD": false, "BRL": false, "CAD": false, "CNY": false, "CZK": false, "DKK": false, "EUR": false, "HKD": false, "HUF": true, "ILS": false,
	"JPY": true, "MYR": false, "MXN": false, "TWD": true, "NZD": false, "NOK": false, "PHP": false, "PLN": false, "GBP": false, "SGD": false,
	"SEK": false, "CHF": false, "THB": false, "USD": false,
}

// wrong is the issue for which an amount is refused.
func (m money) wrong() string {
	whole, known := currencies[m.Currency]
	switch {
	case !known:
		return "INVALID_CURRENCY_CODE"
	case !value.MatchString(m.Value):
		return "DECIMAL_PRECISION"
	case whole && strings.Contains(m.Value, "."):
		return "DECIMALS_NOT_SUPPORTED"
	case strings.Trim(m.Value, "0.") == "":
		return "CANNOT_BE_ZERO_OR_NEGATIVE"
	}
	return ""
}

// cents is the amount as a whole number of hundredths.
func (m money) cents() (n int64) {
	whole, fraction, _ := strings.Cut(m.Value, ".")
	for _, c := range whole + (fraction + "00")[:2] {
		n = n*10 + int64(c-'0')
	}
	return n
}

// orderRequest is the published order_request, as far as it is needed.
type orderRequest struct {
	Intent      string `json:"intent"`
	Instruction string `json:"processing_instruction"`
	Units       []struct {
		Reference   string `json:"reference_id"`
		Custom      string `json:"custom_id"`
		Invoice     string `json:"invoice_id"`
		Description string `json:"description"`
		Amount      money  `json:"amount"`
	} `json:"purchase_units"`
	Source *struct {
		Card *cardRequest `json:"card"`
		Blik *blikRequest `json:"blik"`
	} `json:"payment_source"`
}

func (d *Double) create(c *call) answer {
	var r orderRequest
	if !c.read(&r) || len(r.Units) != 1 || r.Intent != "CAPTURE" && r.Intent != "AUTHORIZE" {
		return fail(http.StatusBadRequest, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX")
	}
	u := r.Units[0]
	if issue := u.Amount.wrong(); issue != "" {
		return refuse(issue)
	}
	o := &order{
		key: c.key, status: "CREATED", intent: r.Intent, amount: u.Amount, custom: u.Custom, invoice: u.Invoice, reference: u.Reference,
		description: u.Description, created: c.now, fault: c.fault,
	}
	if o.reference == "" {
		o.reference = "default"
	}
	if r.Source != nil {
		if c.key == "" {
			return fail(http.StatusBadRequest, "INVALID_REQUEST", "PAYPAL_REQUEST_ID_REQUIRED")
		}
		if a, refused := d.pays(o, &r); refused {
			return a
		}
	}
	o.id = d.name()
	d.orders = append(d.orders, o)
	switch {
	case o.source.kind == "":
	case o.source.challenged, o.source.kind == "blik":
		o.status = "PAYER_ACTION_REQUIRED"
	default:
		d.complete(o, c, o.key)
	}
	return ok(http.StatusCreated, d.shown(o, c))
}

// pays takes what the order is paid with.
func (d *Double) pays(o *order, r *orderRequest) (answer, bool) {
	switch {
	case r.Source.Card != nil:
		s, issue := d.card(r.Source.Card)
		if issue != "" {
			return refuse(issue), true
		}
		o.source, o.back, o.cancel = s, r.Source.Card.Experience.Return, r.Source.Card.Experience.Cancel
	case r.Source.Blik != nil:
		b := r.Source.Blik
		switch {
		case b.Country != "PL" || len(b.Name) < 3 || b.Level0 == nil || len(b.Level0.Code) != 6:
			return fail(http.StatusBadRequest, "INVALID_REQUEST", "MISSING_REQUIRED_PARAMETER"), true
		case r.Instruction != "ORDER_COMPLETE_ON_PAYMENT_APPROVAL":
			return refuse("ORDER_COMPLETE_ON_PAYMENT_APPROVAL"), true
		case r.Intent != "CAPTURE" || o.amount.Currency != "PLN":
			return refuse("UNSUPPORTED_INTENT"), true
		}
		o.source, o.auto, o.back = source{kind: "blik", name: b.Name}, true, b.Experience.Return
	default:
		return fail(http.StatusBadRequest, "INVALID_REQUEST", "MISSING_REQUIRED_PARAMETER"), true
	}
	return answer{}, false
}

// complete takes or holds the money. The books have it under the key of the order, which the merchant calls its own, whoever set it off.
func (d *Double) complete(o *order, c *call, key string) {
	m := &move{id: d.name(), key: key, amount: o.amount, custom: o.custom, invoice: o.invoice, created: c.now, code: "0000"}
	refused := o.source.outcome
	if o.fault.Kind == frame.Decline {
		refused = o.fault.Code
	}
	pending := o.fault.Kind == frame.Pending
	o.status = "COMPLETED"
	if o.intent == "AUTHORIZE" {
		o.auth, m.kind, m.status = m, "authorization", "CREATED"
		switch {
		case refused != "":
			m.status, m.code = "DENIED", refused
		case pending:
			m.status = "PENDING"
		default:
			d.Book(key, frame.Held, m.amount.Value, m.amount.Currency)
		}
		d.tell("PAYMENT.AUTHORIZATION."+m.status, "authorization", d.authView(o))
	} else {
		o.moves, m.kind, m.status = append(o.moves, m), "capture", "COMPLETED"
		switch {
		case refused != "":
			m.status, m.code = "DECLINED", refused
		case pending:
			m.status = "PENDING"
		default:
			d.Book(key, frame.Taken, m.amount.Value, m.amount.Currency)
		}
		d.tell("PAYMENT.CAPTURE."+m.status, "capture", d.moveView(o, m))
	}
	if refused == "" && o.source.vaulted != "" {
		d.vault[o.source.vaulted] = o.source
	}
}

func (d *Double) captureOrder(c *call) answer   { return d.completeAs(c, "CAPTURE") }
func (d *Double) authorizeOrder(c *call) answer { return d.completeAs(c, "AUTHORIZE") }

// completeAs takes or holds what the payer of an order has approved.
func (d *Double) completeAs(c *call, intent string) answer {
	o := d.order(c.id)
	switch {
	case o == nil:
		return missing()
	case o.intent != intent:
		return refuse("ACTION_DOES_NOT_MATCH_INTENT")
	case o.status == "COMPLETED":
		return refuse(map[string]string{"CAPTURE": "ORDER_ALREADY_CAPTURED", "AUTHORIZE": "ORDER_ALREADY_AUTHORIZED"}[intent])
	case o.status == "PAYER_ACTION_REQUIRED":
		return refuse("PAYER_ACTION_REQUIRED")
	case o.status != "APPROVED" || o.auto:
		return refuse("ORDER_NOT_APPROVED")
	case c.fault.Kind == frame.Decline:
		return refuse(c.fault.Code)
	}
	d.complete(o, c, o.key)
	return ok(http.StatusCreated, d.shown(o, c))
}

// patch changes the intent and the merchant's own id of an order that is still open.
func (d *Double) patch(c *call) answer {
	var ops []struct {
		Op    string          `json:"op"`
		Path  string          `json:"path"`
		Value json.RawMessage `json:"value"`
	}
	o := d.order(c.id)
	switch {
	case o == nil:
		return missing()
	case !c.read(&ops) || len(ops) == 0:
		return fail(http.StatusBadRequest, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX")
	case o.status == "COMPLETED":
		return refuse("ORDER_ALREADY_COMPLETED")
	case o.status != "CREATED" && o.status != "APPROVED":
		return refuse("NOT_PATCHABLE")
	}
	for _, op := range ops {
		var text string
		if op.Op != "replace" || json.Unmarshal(op.Value, &text) != nil {
			return fail(http.StatusBadRequest, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX")
		}
		switch op.Path {
		case "/intent":
			o.intent = text
		case "/purchase_units/@reference_id=='" + o.reference + "'/custom_id":
			o.custom = text
		default:
			return refuse("NOT_PATCHABLE")
		}
	}
	return answer{Status: http.StatusNoContent, Body: []byte(nil)}
}

func (d *Double) getOrder(c *call) answer {
	o := d.order(c.id)
	if o == nil {
		return missing()
	}
	return ok(http.StatusOK, d.orderView(o))
}

func (d *Double) order(id string) *order {
	i := slices.IndexFunc(d.orders, func(o *order) bool { return o.id == id })
	if i < 0 {
		return nil
	}
	return d.orders[i]
}
