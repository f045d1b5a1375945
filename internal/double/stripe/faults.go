package stripe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Fault is what happens to the next request of an operation.
type Fault struct {
	Op     string
	Kind   Kind
	Before bool          // nothing is carried out
	Code   string        // of Decline
	Lag    time.Duration // how long a search does not find what is made
}

// Kind is a kind of fault.
type Kind string

// The kinds. Unless they say otherwise the request is carried out, and only its answer suffers.
const (
	Hang           Kind = "hang"      // no answer ever
	Drop           Kind = "drop"      // the connection is closed
	ServerError    Kind = "500"       // api_error
	BadGateway     Kind = "502"       // a web page
	Garbage        Kind = "garbage"   // 200 with bytes
	Truncated      Kind = "truncated" // half of the answer
	Huge           Kind = "huge"
	Empty          Kind = "empty"
	ErrorInside    Kind = "error inside" // 200 with an error
	Elsewhere      Kind = "redirect"
	WrongAmount    Kind = "wrong amount"
	WrongCurrency  Kind = "wrong currency"
	WrongID        Kind = "wrong id"
	WrongReference Kind = "wrong reference" // other metadata
	NewStatus      Kind = "new status"      // one that was not published yet
	RateLimited    Kind = "429"             // not carried out
	Unauthorized   Kind = "401"             // not carried out
	Rejected       Kind = "400"             // not carried out
	Pending        Kind = "pending"
	Decline        Kind = "decline"
)

// Strike makes the next request of the operation meet the fault.
func (d *Double) Strike(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, f)
}

// strikes takes the fault for an operation, if one waits.
func (d *Double) strikes(op string) Fault {
	for i, f := range d.faults {
		if f.Op == op {
			d.faults = append(d.faults[:i:i], d.faults[i+1:]...)
			return f
		}
	}
	return Fault{}
}

// misbehave answers, or does what the fault says.
func (d *Double) misbehave(w http.ResponseWriter, q *http.Request, c *call, a answer) {
	switch c.fault.Kind {
	case Hang:
		d.mu.Lock()
		d.hanging++
		d.mu.Unlock()
		if d.c.Wait != nil {
			_ = d.c.Wait(q.Context())
		}
		panic(http.ErrAbortHandler)
	case Drop:
		panic(http.ErrAbortHandler)
	case ServerError:
		write(w, failOf("api_error", http.StatusInternalServerError, "", "Something went wrong on our end"))
	case BadGateway:
		plain(w, http.StatusBadGateway, "text/html", []byte("<html><body>502 Bad Gateway</body></html>"))
	case Garbage:
		plain(w, http.StatusOK, "application/json", []byte("\x00\xff{]"))
	case Empty:
		plain(w, http.StatusOK, "application/json", nil)
	case Elsewhere:
		w.Header().Set("Location", "/elsewhere")
		plain(w, http.StatusTemporaryRedirect, "text/plain", nil)
	case Huge:
		plain(w, http.StatusOK, "application/json", append(bytes.Repeat([]byte(" "), 4<<20), encode(a)...))
	case ErrorInside:
		write(w, answer{http.StatusOK, object{"error": object{"type": "api_error", "message": "late trouble"}}})
	case Truncated:
		whole := encode(a)
		w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
		_, _ = w.Write(whole[:len(whole)/2]) //nolint:gosec // no browser reads it
		panic(http.ErrAbortHandler)
	default:
		write(w, twist(a, c.fault.Kind))
	}
}

// twist makes the answer one about something else.
func twist(a answer, kind Kind) answer {
	swap := map[Kind]func(object){
		WrongAmount: func(o object) {
			for _, name := range []string{"amount", "amount_received", "amount_capturable"} {
				if n, is := o[name].(float64); is && n > 0 {
					o[name] = n + 1
				}
			}
		},
		WrongCurrency: func(o object) { o["currency"] = "chf" },
		WrongID:       func(o object) { o["id"] = fmt.Sprint(o["id"]) + "x" },
		NewStatus:     func(o object) { o["status"] = "quantum" },
		WrongReference: func(o object) {
			all, _ := o["metadata"].(object)
			for name := range all {
				all[name] = "another"
			}
		},
	}[kind]
	if swap == nil {
		return a
	}
	var copied object
	if json.Unmarshal(encode(a), &copied) != nil {
		return a
	}
	if data, is := copied["data"].([]any); is {
		for _, one := range data {
			if o, is := one.(object); is {
				swap(o)
			}
		}
	} else {
		swap(copied)
	}
	return answer{a.status, copied}
}

func encode(a answer) []byte {
	raw, err := json.Marshal(a.body)
	if err != nil {
		return nil
	}
	return raw
}

func plain(w http.ResponseWriter, status int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // no browser reads it, and the client may have gone
}

// Finish ends what was begun under the key and waits for its customer, or is on its way. It reports false where there is no such thing.
func (d *Double) Finish(key string, approve bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, in := range d.intents {
		if in.key == key && (in.status == "requires_action" || in.status == "processing") {
			d.finish(in, approve)
			return true
		}
	}
	for _, in := range d.setups {
		if in.key == key && (in.status == "requires_action" || in.status == "processing") {
			d.finishSetup(in, approve)
			return true
		}
	}
	for _, r := range d.refunds {
		if r.key == key && r.status == "pending" {
			r.status = "succeeded"
			if approve {
				d.book(r.key, Returned, r.amount, r.of.currency)
			} else {
				r.status, r.reason = "failed", "declined"
				r.of.returned -= r.amount
			}
			d.tell("refund.updated", r.view())
			return true
		}
	}
	return false
}

func (d *Double) finish(in *intent, approve bool) {
	now := d.c.Now()
	c := &call{now: now}
	if in.method.kind == "card" && in.status == "requires_action" {
		in.flow = "challenge"
	}
	switch {
	case !approve && in.status == "processing":
		d.refuse(in, c, outcome{decline: "generic_decline"})
	case !approve:
		d.refuse(in, c, outcome{code: map[string]string{"blik": "payment_method_customer_decline", "card": "payment_intent_authentication_failure"}[in.method.kind]})
	case in.method.outcome.decline != "" || in.method.outcome.code != "":
		d.refuse(in, c, in.method.outcome)
	default:
		d.pay(in, now)
	}
}

func (d *Double) finishSetup(in *setup, approve bool) {
	switch {
	case !approve:
		d.refuseSetup(in, outcome{code: "setup_intent_authentication_failure"})
	case in.method.outcome.decline != "":
		d.refuseSetup(in, in.method.outcome)
	default:
		d.keep(in)
	}
}

// Begun tells the id of the intent that was made under the key; empty for none.
func (d *Double) Begun(key string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, in := range d.intents {
		if in.key == key {
			return id
		}
	}
	return ""
}
