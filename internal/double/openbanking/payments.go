package openbanking

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// consent is what a customer is to agree to.
type consent struct {
	id         string
	status     string
	initiation object
	risk       object
	made       time.Time
}

// payment is a domestic payment.
type payment struct {
	id     string
	key    string
	status string
	reason string
	of     *consent
	made   time.Time
}

// The states of a consent.
const (
	awaiting   = "AWAU"
	authorised = "AUTH"
	rejected   = "RJCT"
	consumed   = "COND"
)

var (
	isAmount  = regexp.MustCompile(`^\d{1,13}$|^\d{1,13}\.\d{1,5}$`).MatchString
	isAccount = regexp.MustCompile(`^\d{14}$`).MatchString
)

func sum(body []byte) [32]byte { return sha256.Sum256(body) }

func encode(body any) []byte {
	if raw, is := body.([]byte); is {
		return raw
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return raw
}

// wrong says what of an initiation is not as published.
func wrong(initiation object) string {
	text := func(in object, name string) string { s, _ := in[name].(string); return s }
	amount, _ := initiation["InstructedAmount"].(object)
	account, _ := initiation["CreditorAccount"].(object)
	for _, name := range []string{"InstructionIdentification", "EndToEndIdentification"} {
		if n := len(text(initiation, name)); n < 1 || n > 35 {
			return name
		}
	}
	switch {
	case !isAmount(text(amount, "Amount")) || strings.Trim(text(amount, "Amount"), "0.") == "":
		return "Amount"
	case text(amount, "Currency") != "GBP":
		return "Currency"
	case text(account, "SchemeName") != "UK.OBIE.SortCodeAccountNumber" || !isAccount(text(account, "Identification")) || text(account, "Name") == "":
		return "CreditorAccount"
	}
	return ""
}

func (d *Double) newConsent(c *call) answer {
	var in struct {
		Data struct {
			Initiation object `json:"Initiation"`
		} `json:"Data"`
		Risk object `json:"Risk"`
	}
	if json.Unmarshal(c.body, &in) != nil || in.Data.Initiation == nil || in.Risk == nil {
		return fail(http.StatusBadRequest, "U004", "a member is missing")
	}
	if what := wrong(in.Data.Initiation); what != "" {
		return fail(http.StatusBadRequest, "U002", what)
	}
	is := &consent{id: d.name("consent-"), status: awaiting, initiation: in.Data.Initiation, risk: in.Risk, made: c.now}
	d.consents[is.id] = is
	return answer{Status: http.StatusCreated, Body: is.view(d)}
}

func (d *Double) consentNow(c *call) answer {
	is := d.consents[c.q.PathValue("id")]
	if is == nil {
		return fail(http.StatusBadRequest, "U011", "no such consent")
	}
	return answer{Status: http.StatusOK, Body: is.view(d)}
}

func (d *Double) newPayment(c *call) answer {
	var in struct {
		Data struct {
			Consent    string `json:"ConsentId"`
			Initiation object `json:"Initiation"`
		} `json:"Data"`
		Risk object `json:"Risk"`
	}
	if json.Unmarshal(c.body, &in) != nil {
		return fail(http.StatusBadRequest, "U004", "a member is missing")
	}
	of := d.consents[in.Data.Consent]
	switch {
	case of == nil || c.token.consent != of.id:
		return fail(http.StatusBadRequest, "U008", "the consent is not the token's")
	case of.status != authorised:
		return fail(http.StatusBadRequest, "U009", "the consent is not authorised")
	case !reflect.DeepEqual(of.initiation, in.Data.Initiation) || !reflect.DeepEqual(of.risk, in.Risk):
		return fail(http.StatusBadRequest, "U008", "not what was consented to")
	}
	of.status = consumed
	p := &payment{id: d.name("payment-"), key: c.q.Header.Get("X-Idempotency-Key"), status: "RCVD", of: of, made: c.now}
	d.payments[p.id] = p
	if c.fault.Kind == frame.Decline {
		p.status, p.reason = "RJCT", c.fault.Code
	}
	return answer{Status: http.StatusCreated, Body: p.view(d)}
}

func (d *Double) paymentNow(c *call) answer {
	p := d.payments[c.q.PathValue("id")]
	if p == nil {
		return fail(http.StatusBadRequest, "U011", "no such payment")
	}
	return answer{Status: http.StatusOK, Body: p.view(d)}
}

// Settle ends a payment by the key of its request. It reports false where there is none, or it has ended.
func (d *Double) Settle(key string, done bool) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, p := range d.payments {
		if p.key != key || p.status != "RCVD" && p.status != "ACSP" {
			continue
		}
		p.status, p.reason = rejected, "AM04"
		if done {
			sum, _ := p.of.initiation["InstructedAmount"].(object)
			amount, _ := sum["Amount"].(string)
			currency, _ := sum["Currency"].(string)
			p.status, p.reason = "ACSC", ""
			d.Book(key, frame.Taken, amount, currency)
		}
		return true
	}
	return false
}

// Stands is the state of the payment that was made under the key; empty for none.
func (d *Double) Stands(key string) string {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, p := range d.payments {
		if p.key == key {
			return p.status
		}
	}
	return ""
}

func (is *consent) view(d *Double) object {
	return object{
		"Data": object{
			"ConsentId": is.id, "CreationDateTime": stamp(is.made), "Status": is.status, "StatusUpdateDateTime": stamp(d.c.Now()), "Initiation": is.initiation,
		},
		"Risk": is.risk, "Links": object{"Self": d.c.URL + Base + "/domestic-payment-consents/" + is.id}, "Meta": object{},
	}
}

func (p *payment) view(d *Double) object {
	data := object{
		"DomesticPaymentId": p.id, "ConsentId": p.of.id, "CreationDateTime": stamp(p.made), "Status": p.status, "StatusUpdateDateTime": stamp(d.c.Now()), "Initiation": p.of.initiation,
	}
	if p.reason != "" {
		data["StatusReason"] = []object{{"StatusReasonCode": p.reason, "StatusReasonDescription": "said by a double"}}
	}
	return object{"Data": data, "Links": object{"Self": d.c.URL + Base + "/domestic-payments/" + p.id}, "Meta": object{}}
}
