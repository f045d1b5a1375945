package gateway

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// entry is one payment.
type entry struct {
	id, reference, kind, state string
	amount, currency           string // as they came; the amount is empty where only a card is verified
	captured                   string // of what was taken
	returned                   *big.Rat
	parent, method             string
	card                       string // the number; only its ends are shown
	account                    string
	hold, begins, asksCustomer bool
	token                      string
	code, raw                  string // of a refusal
	webhook                    string
	created                    time.Time
	hidden                     time.Time // until when no query finds it
}

// The published test cards.
const (
	Good       = "4000000000000408" // approved, without 3-D Secure
	Bad        = "4000000000000416" // declined, without
	Challenged = "4000000000000002" // approved, after 3-D Secure
	Doubted    = "4242424242424242" // declined, after 3-D Secure
)

const (
	deposit    = "DEPOSIT"
	refund     = "REFUND"
	withdrawal = "WITHDRAWAL"
)

var requestFields = []string{
	"referenceId", "paymentType", "paymentMethod", "amount", "currency", "parentPaymentId", "description", "card", "customer", "billingAddress",
	"returnUrl", "webhookUrl", "startRecurring", "preAuth", "recurringToken",
}

var methods = []string{"APPLEPAY", "BASIC_CARD", "BLIK", "GOOGLEPAY", "OPEN_BANKING", "PAY_BY_LINK", "PIX"}

func invalid(field string) *refusal {
	return &refusal{http.StatusBadRequest, "Validation failed for object='paymentRequest'. Error count: 1", field}
}

// wrong is a refusal for the state that something is in.
func wrong() *refusal { return &refusal{http.StatusBadRequest, "1.00 Illegal Workflow State", ""} }

func text(body map[string]any, name string) string {
	s, _ := body[name].(string)
	return s
}

// sum reads an amount, which has to be a number of the published range.
func sum(body map[string]any, name string) (string, *big.Rat, bool) {
	n, is := body[name].(json.Number)
	if !is {
		return "", nil, false
	}
	r, ok := new(big.Rat).SetString(string(n))
	return string(n), r, ok && r.Sign() >= 0 && r.Cmp(big.NewRat(1_000_000_000, 1)) <= 0
}

func rat(amount string) *big.Rat {
	r, ok := new(big.Rat).SetString(amount)
	if !ok {
		return new(big.Rat)
	}
	return r
}

var aCurrency = regexp.MustCompile(`^[A-Z]{3,5}$`)

// checked reads what all payments have in common.
func checked(c *call) (*entry, *refusal) {
	for name := range c.body {
		if !slices.Contains(requestFields, name) {
			return nil, invalid(name)
		}
	}
	e := &entry{
		reference: text(c.body, "referenceId"), kind: text(c.body, "paymentType"), method: text(c.body, "paymentMethod"), currency: text(c.body, "currency"),
		parent: text(c.body, "parentPaymentId"), webhook: text(c.body, "webhookUrl"), created: c.now, returned: new(big.Rat),
	}
	e.hold, _ = c.body["preAuth"].(bool)
	e.begins, _ = c.body["startRecurring"].(bool)
	amount, n, number := sum(c.body, "amount")
	switch {
	case !slices.Contains([]string{deposit, withdrawal, refund}, e.kind):
		return nil, invalid("paymentType")
	case !aCurrency.MatchString(e.currency):
		return nil, invalid("currency")
	case len(e.reference) > 256:
		return nil, invalid("referenceId")
	case e.method != "" && !slices.Contains(methods, e.method):
		return nil, invalid("paymentMethod")
	case !number, n.Sign() == 0 && !(e.hold && e.kind == deposit), n.Sign() > 0 && n.Cmp(big.NewRat(1, 100_000)) < 0:
		return nil, invalid("amount")
	}
	if n.Sign() > 0 {
		e.amount = amount
	}
	return e, payingWith(c, e)
}

func payingWith(c *call, e *entry) *refusal {
	if card, is := c.body["card"].(map[string]any); is {
		if e.card = text(card, "cardNumber"); len(e.card) < 12 || len(text(card, "expiryMonth")) != 2 || len(text(card, "expiryYear")) != 4 {
			return invalid("card.cardNumber")
		}
		e.method = "BASIC_CARD"
	}
	if who, is := c.body["customer"].(map[string]any); is {
		e.account = text(who, "accountNumber")
	}
	return nil
}

func (d *Double) create(c *call) (*entry, *refusal) {
	e, no := checked(c)
	if no != nil {
		return nil, no
	}
	switch c.op {
	case OpRefund:
		no = d.refund(c, e)
	case OpWithdraw:
		if e.card == "" && e.account == "" {
			return nil, invalid("card")
		}
		d.keep(e)
		d.decide(c, e, frame.PaidOut)
	case OpCharge:
		no = d.charge(c, e)
	default:
		e.state = "CHECKOUT"
		d.keep(e)
	}
	return e, no
}

func (d *Double) keep(e *entry) {
	e.id = fmt.Sprintf("0195%028x", len(d.order)+1)
	d.payments[e.id] = e
	d.order = append(d.order, e.id)
}

func (d *Double) refund(c *call, e *entry) *refusal {
	of := d.payments[e.parent]
	switch {
	case of == nil || of.kind != deposit:
		return &refusal{http.StatusBadRequest, "1.01 Not Found", "parentPaymentId"}
	case of.state != "COMPLETED":
		return wrong()
	case of.currency != e.currency:
		return &refusal{http.StatusBadRequest, "1.09 Invalid Currency", "currency"}
	}
	n := rat(e.amount)
	if left := rat(of.captured); n.Cmp(left.Sub(left, of.returned)) > 0 {
		return &refusal{http.StatusBadRequest, "1.08 Invalid Amount", "amount"}
	}
	of.returned.Add(of.returned, n)
	e.method = of.method
	d.keep(e)
	d.decide(c, e, frame.Returned)
	return nil
}

func (d *Double) charge(c *call, e *entry) *refusal {
	i := slices.IndexFunc(d.order, func(id string) bool { return d.payments[id].token == text(c.body, "recurringToken") })
	if i < 0 || e.parent != "" && e.parent != d.order[i] {
		return &refusal{http.StatusBadRequest, "1.06 Recurring Token not Found", "recurringToken"}
	}
	e.method, e.card = "BASIC_CARD", d.payments[d.order[i]].card
	d.keep(e)
	d.decide(c, e, frame.Taken)
	return nil
}

// found is the payment of the address.
func (d *Double) found(c *call) (*entry, *refusal) {
	e := d.payments[c.id]
	if e == nil || c.now.Before(e.hidden) {
		return nil, &refusal{http.StatusNotFound, "Payment not found", ""}
	}
	return e, nil
}

// Begun reports whether anything has that reference.
func (d *Double) Begun(reference string) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	return slices.ContainsFunc(d.order, func(id string) bool { return d.payments[id].reference == reference })
}
