package adyen

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// request is what is read of any request.
type request struct {
	MerchantAccount string            `json:"merchantAccount"`
	Reference       string            `json:"reference"`
	Amount          *amount           `json:"amount"`
	Method          method            `json:"paymentMethod"`
	ReturnURL       string            `json:"returnUrl"`
	More            map[string]string `json:"additionalData"`
	Delay           *int              `json:"captureDelayHours"`
	Store           bool              `json:"storePaymentMethod"`
	Shopper         string            `json:"shopperReference"`
	Interaction     string            `json:"shopperInteraction"`
	Auth            struct {
		Attempt string `json:"attemptAuthentication"`
	} `json:"authenticationData"`
	Details struct {
		RedirectResult string `json:"redirectResult"`
	} `json:"details"`
}

type amount struct {
	Currency string `json:"currency"`
	Value    int64  `json:"value"`
}

func (a amount) view() object { return object{"currency": a.Currency, "value": a.Value} }

// method is what is paid with.
type method struct {
	Type   string `json:"type"`
	Number string `json:"number"`
	Month  string `json:"expiryMonth"`
	Year   string `json:"expiryYear"`
	Code   string `json:"cvc"`
	Holder string `json:"holderName"`
	Stored string `json:"storedPaymentMethodId"`
	BLIK   string `json:"blikCode"`
}

// paid is a payment.
type paid struct {
	ref, key  string
	reference string
	amount    amount
	manual    bool
	kind      string // scheme or blik
	brand     string
	last      string
	back      string
	begun     time.Time
	state     string // redirect, pending, authorised, refused, closed, cancelled
	outcome   string // the code that it will be refused with
	shown     bool   // the holder was authenticated
	result    string // what the customer brings back
	failed    bool   // the customer did not authenticate
	shopper   string
	token     string
	captured  int64
	returned  int64
	hidden    time.Duration // how late its webhook comes
}

// refusals are texts of Adyen's refusal reasons, and the holders' names that choose them on its test platform.
var refusals = map[string]struct{ text, result string }{
	"2": {"Refused", "Refused"}, "3": {"Referral", "Refused"}, "4": {"Acquirer Error", "Error"}, "5": {"Blocked Card", "Refused"},
	"6": {"Expired Card", "Refused"}, "7": {"Invalid Amount", "Refused"}, "8": {"Invalid Card Number", "Refused"}, "9": {"Issuer Unavailable", "Refused"},
	"10": {"Not supported", "Refused"}, "11": {"3D Not Authenticated", "Refused"}, "12": {"Not enough balance", "Refused"}, "14": {"Acquirer Fraud", "Refused"},
	"15": {"Cancelled", "Cancelled"}, "16": {"Shopper Cancelled", "Cancelled"}, "17": {"Invalid Pin", "Refused"}, "18": {"Pin tries exceeded", "Refused"},
	"19": {"Pin validation not possible", "Refused"}, "20": {"FRAUD", "Refused"}, "21": {"Not Submitted", "Refused"}, "22": {"FRAUD-CANCELLED", "Cancelled"},
	"23": {"Transaction Not Permitted", "Refused"}, "24": {"CVC Declined", "Refused"}, "25": {"Restricted Card", "Refused"},
	"26": {"Revocation Of Auth", "Refused"}, "27": {"Declined Non Generic", "Refused"}, "28": {"Withdrawal amount exceeded", "Refused"},
	"29": {"Withdrawal count exceeded", "Refused"}, "31": {"Issuer Suspected Fraud", "Refused"}, "32": {"AVS Declined", "Refused"},
	"33": {"Card requires online pin", "Refused"}, "34": {"No checking account available on Card", "Refused"}, "35": {"No savings account available on Card", "Refused"},
	"36": {"Mobile pin required", "Refused"}, "37": {"Contactless fallback", "Refused"}, "38": {"Authentication required", "Refused"},
	"39": {"RReq not received from DS", "Refused"}, "40": {"Current AID is in Penalty Box", "Refused"}, "41": {"CVM Required Restart Payment", "Refused"},
	"42": {"3DS Authentication Error", "Refused"}, "46": {"Transaction blocked by Adyen to prevent excessive retry fees", "Refused"},
}

var holders = map[string]string{
	"DECLINED": "2", "REFERRAL": "3", "ERROR": "4", "BLOCK_CARD": "5", "CARD_EXPIRED": "6", "INVALID_AMOUNT": "7", "INVALID_CARD_NUMBER": "8",
	"ISSUER_UNAVAILABLE": "9", "NOT_SUPPORTED": "10", "NOT_3D_AUTHENTICATED": "11", "NOT_ENOUGH_BALANCE": "12", "ACQUIRER_FRAUD": "14",
	"CANCELLED": "15", "SHOPPER_CANCELLED": "16",
}

// asked are Adyen's test cards whose holders are asked by redirect.
var asked = []string{"4212345678901237", "5212345678901234"}

func (d *Double) pay(c *call) answer {
	in := &c.in
	if a, wrong := d.valid(in); wrong {
		return a
	}
	p := &paid{
		ref: d.name(), key: c.key, reference: in.Reference, amount: *in.Amount, kind: in.Method.Type, back: in.ReturnURL, begun: c.now,
		manual: in.More["manualCapture"] == "true", outcome: holders[in.Method.Holder], shopper: in.Shopper, hidden: c.fault.Lag,
	}
	if c.fault.Kind == frame.Decline {
		p.outcome = c.fault.Code
	}
	d.payments[p.ref] = p
	if p.kind == "scheme" {
		p.brand, p.last = "visa", last(in.Method.Number)
		if strings.HasPrefix(in.Method.Number, "5") {
			p.brand = "mc"
		}
	}
	if in.Store && in.Shopper != "" {
		p.token = d.name()
	}
	switch {
	case c.fault.Kind == frame.Pending || p.kind == "blik":
		p.state = "pending"
		return ok(d.waits(p))
	case in.Interaction != "ContAuth" && (slices.Contains(asked, in.Method.Number) || in.Auth.Attempt == "always" && p.kind == "scheme"):
		p.state = "redirect"
		return ok(d.waits(p))
	}
	return ok(d.decide(p))
}

// valid checks a payment's form.
func (d *Double) valid(in *request) (answer, bool) {
	invalid := func(code, message string) (answer, bool) {
		return fail(http.StatusUnprocessableEntity, code, "validation", message), true
	}
	m := &in.Method
	switch {
	case in.Amount == nil || in.Amount.Value < 0:
		return invalid("137", "Invalid amount specified")
	case len(in.Amount.Currency) != 3 || strings.ToUpper(in.Amount.Currency) != in.Amount.Currency:
		return invalid("138", "Unsupported currency specified")
	case in.Reference == "" || len(in.Reference) > 80:
		return invalid("130", "Reference Missing")
	case in.ReturnURL == "":
		return invalid("14_030", "Return URL is missing.")
	case m.Type == "blik" && (len(m.BLIK) != 6 || in.Amount.Currency != "PLN"):
		return invalid("14_004", "Missing or invalid BLIK code")
	case m.Type == "blik":
	case m.Type != "scheme":
		return fail(http.StatusInternalServerError, "905", "configuration", "Payment details are not supported"), true
	case m.Stored != "" && d.tokens[m.Stored] != in.Shopper:
		return invalid("803", "PaymentDetail not found")
	case m.Stored != "":
	case !luhn(m.Number):
		return invalid("101", "Invalid card number")
	case m.Code != "" && len(m.Code) != 3 && len(m.Code) != 4:
		return invalid("103", "CVC is not the right length")
	case len(m.Month) != 2 || len(m.Year) != 4:
		return invalid("129", "Expiry Date Invalid")
	}
	return answer{}, false
}

func luhn(number string) bool {
	total := 0
	for i := range len(number) {
		n := int(number[len(number)-1-i] - '0')
		if n < 0 || n > 9 {
			return false
		}
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		total += n
	}
	return len(number) >= 12 && total%10 == 0
}

func last(number string) string { return number[max(0, len(number)-4):] }

// decide authorises or refuses, books it, tells it, and is the answer.
func (d *Double) decide(p *paid) object {
	if p.outcome != "" {
		p.state = "refused"
	} else {
		p.state = "authorised"
		moved := frame.Taken
		switch {
		case p.amount.Value == 0:
		case p.manual:
			moved = frame.Held
			fallthrough
		default:
			d.Book(p.key, moved, strconv.FormatInt(p.amount.Value, 10), p.amount.Currency)
		}
		if !p.manual {
			p.captured = p.amount.Value
		}
		if p.token != "" {
			d.tokens[p.token] = p.shopper
		}
	}
	d.tellPayment(p)
	return d.view(p)
}

// view is a payment that is decided, as its answer shows it.
func (d *Double) view(p *paid) object {
	v := object{"pspReference": p.ref, "merchantReference": p.reference, "resultCode": "Authorised", "additionalData": d.more(p)}
	if p.state != "refused" {
		v["amount"] = p.amount.view()
		if p.kind == "scheme" {
			v["paymentMethod"] = object{"type": "scheme", "brand": p.brand}
		}
		return v
	}
	reason, known := refusals[p.outcome]
	if !known {
		reason.text, reason.result = "Never heard of "+p.outcome, "Refused"
	}
	v["resultCode"], v["refusalReason"], v["refusalReasonCode"] = reason.result, reason.text, p.outcome
	return v
}

// more is what an answer or a webhook tells besides.
func (d *Double) more(p *paid) object {
	m := object{"merchantReference": p.reference}
	if p.kind == "scheme" {
		m["paymentMethod"], m["cardIssuingCountry"] = p.brand, "NL"
		if p.last != "" {
			m["cardSummary"] = p.last
		}
	}
	if p.shown {
		m["threeDAuthenticated"], m["threeDAuthenticatedResponse"], m["threeDSVersion"], m["eci"] = "true", "Y", "2.2.0", "05"
		m["dsTransID"] = "5dd1f0a0-0000-4000-8000-000000000000"
	}
	if p.state == "authorised" && p.token != "" {
		m["tokenization.shopperReference"], m["tokenization.storedPaymentMethodId"] = p.shopper, p.token
		m["tokenization.store.operationType"] = "created"
	}
	return m
}

// waits is a payment whose customer is not done, as its answer shows it.
func (d *Double) waits(p *paid) object {
	if p.state == "redirect" {
		return object{"pspReference": p.ref, "resultCode": "RedirectShopper", "action": object{
			"type": "redirect", "method": "GET", "paymentMethodType": "scheme", "url": d.c.URL + "/threeDS/" + p.ref,
		}}
	}
	v := object{"pspReference": p.ref, "resultCode": "Pending", "merchantReference": p.reference}
	if p.kind == "blik" {
		v["action"] = object{"type": "await", "paymentMethodType": "blik", "url": d.c.URL + "/await", "paymentData": "Ab02b4c0"}
	}
	return v
}

// details goes on with what the customer has brought back.
func (d *Double) details(c *call) answer {
	for _, p := range d.payments {
		if p.result == "" || p.result != c.in.Details.RedirectResult {
			continue
		}
		switch {
		case p.state != "redirect":
			return ok(d.view(p))
		case p.failed:
			p.outcome = "11"
		default:
			p.shown = true
		}
		p.hidden = c.fault.Lag
		return ok(d.decide(p))
	}
	return fail(http.StatusUnprocessableEntity, "14_006", "validation", "Unable to process the redirectResult")
}

func ok(body object) answer { return answer{Status: http.StatusOK, Body: body} }
