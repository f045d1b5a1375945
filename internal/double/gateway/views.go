package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// Event is a webhook as it is to be posted: the body, and its signature for the header Signature.
type Event struct {
	URL       string
	Body      []byte
	Signature string
}

// Signature is what a body is signed with under a shop's signing key.
func Signature(body []byte, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Events lists the webhooks so far, oldest first.
func (d *Double) Events() []Event {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	return slices.Clone(d.events)
}

// tell words the webhook of a state that is told.
func (d *Double) tell(e *entry) {
	body, err := json.Marshal(d.view(e))
	if err != nil {
		return
	}
	d.events = append(d.events, Event{URL: e.webhook, Body: body, Signature: Signature(body, d.c.SigningKey)})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-07:00") }

// view is the payment as answers show it: members that say nothing are left out.
func (d *Double) view(e *entry) frame.Object {
	v := frame.Object{
		"id": e.id, "created": e.created.UTC().Format("2006-01-02T15:04:05"), "paymentType": e.kind, "state": e.state, "currency": e.currency,
	}
	for name, value := range map[string]string{
		"referenceId": e.reference, "parentPaymentId": e.parent, "paymentMethod": e.method, "recurringToken": e.token,
		"externalResultCode": e.raw, "errorCode": e.code,
	} {
		if value != "" {
			v[name] = value
		}
	}
	if e.code != "" {
		v["errorMessage"] = "in words"
	}
	if e.captured != "" {
		v["amount"] = json.Number(e.captured)
	} else if e.amount != "" {
		v["amount"] = json.Number(e.amount)
	}
	if e.hold {
		v["preAuth"] = true
	}
	if e.begins {
		v["startRecurring"] = true
	}
	if e.state == "CHECKOUT" || e.asksCustomer {
		v["redirectUrl"] = d.c.URL + "/payment/" + e.id
	}
	if len(e.card) >= 12 {
		v["paymentMethodDetails"] = frame.Object{
			"customerAccountNumber": e.card[:6] + "***" + e.card[len(e.card)-4:], "cardBrand": "VISA", "cardIssuingCountryCode": "GB",
			"cardholderName": "JANE DOE", "cardExpiryMonth": "12", "cardExpiryYear": "2035",
		}
	}
	if e.state == "COMPLETED" && e.kind == deposit && e.currency == "EUR" {
		v["externalFeeAmount"], v["externalFeeCurrency"], v["terminalName"] = json.Number("0.31"), "EUR", "main"
	}
	return v
}

// list shows the newest first. Without created.gte it goes back for a day, as the sister version publishes.
func (d *Double) list(c *call) frame.Answer {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	query := c.q.URL.Query()
	since := c.now.Add(-24 * time.Hour)
	if text := query.Get("created.gte"); text != "" {
		from, err := time.Parse("2006-01-02T15:04:05", text)
		if err != nil {
			return d.failed(c.q, invalid("created.gte"))
		}
		since = from
	}
	limit, offset := number(query.Get("limit"), 50), number(query.Get("offset"), 0)
	found, more := []any{}, false
	for _, id := range slices.Backward(d.order) {
		e := d.payments[id]
		if c.now.Before(e.hidden) || e.created.Before(since) || query.Has("referenceId.eq") && e.reference != query.Get("referenceId.eq") {
			continue
		}
		if offset--; offset >= 0 {
			continue
		}
		if len(found) == limit {
			more = true
			break
		}
		found = append(found, d.view(e))
	}
	return frame.Answer{Status: http.StatusOK, Body: frame.Object{"timestamp": stamp(c.now), "status": 200, "hasMore": more, "result": found}}
}

func number(text string, otherwise int) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return otherwise
	}
	return n
}

// failed is an answer in the frame of errors.
func (d *Double) failed(q *http.Request, no *refusal) frame.Answer {
	body := frame.Object{
		"timestamp": stamp(d.c.Now()), "status": no.status, "error": http.StatusText(no.status), "message": no.message, "path": q.URL.Path,
	}
	if no.status == http.StatusBadRequest {
		entries := []any{}
		if no.field != "" {
			entries = append(entries, frame.Object{
				"codes": []string{"NotNull"}, "arguments": []any{}, "defaultMessage": "must not be null", "objectName": "paymentRequest", "field": no.field,
				"bindingFailure": false,
			})
		}
		body["errors"] = entries
	}
	return frame.Answer{Status: no.status, Body: body}
}

// spoilt are answers in which the gateway is in trouble.
var spoilt = frame.Spoilt{
	ServerError: frame.Answer{Status: http.StatusInternalServerError, Body: frame.Object{"status": 500, "error": "Internal Server Error"}},
	ErrorInside: frame.Answer{Status: http.StatusOK, Body: frame.Object{"status": 500, "error": "Internal Server Error"}},
}

// twists make answers that are about something else.
var twists = frame.Twists{
	frame.WrongAmount:    each(func(v frame.Object) { v["amount"] = 12.12 }),
	frame.WrongCurrency:  each(func(v frame.Object) { v["currency"] = "CHF" }),
	frame.WrongID:        each(func(v frame.Object) { v["id"] = "ffffffffffffffffffffffffffffffff" }),
	frame.NewStatus:      each(func(v frame.Object) { v["state"] = "QUANTUM" }),
	frame.WrongReference: each(func(v frame.Object) { v["referenceId"] = "another" }),
}

// each goes through what an answer shows.
func each(swap func(frame.Object)) func(frame.Object) {
	return func(whole frame.Object) {
		switch result := whole["result"].(type) {
		case frame.Object:
			swap(result)
		case []any:
			for _, one := range result {
				if v, is := one.(frame.Object); is {
					swap(v)
				}
			}
		}
	}
}
