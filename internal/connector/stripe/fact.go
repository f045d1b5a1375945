package stripe

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// intent is what the connector reads of a PaymentIntent.
type intent struct {
	Object    string            `json:"object"`
	ID        string            `json:"id"`
	Status    string            `json:"status"`
	Amount    int64             `json:"amount"`
	Received  int64             `json:"amount_received"`
	Currency  string            `json:"currency"`
	Customer  expandable        `json:"customer"`
	Method    expandable        `json:"payment_method"`
	Later     string            `json:"setup_future_usage"`
	Metadata  map[string]string `json:"metadata"`
	LastError *failure          `json:"last_payment_error"`
	Next      *action           `json:"next_action"`
	Charge    expandable        `json:"latest_charge"`
}

// setup is what it reads of a SetupIntent.
type setup struct {
	Object    string            `json:"object"`
	ID        string            `json:"id"`
	Status    string            `json:"status"`
	Usage     string            `json:"usage"`
	Customer  expandable        `json:"customer"`
	Method    expandable        `json:"payment_method"`
	Metadata  map[string]string `json:"metadata"`
	LastError *failure          `json:"last_setup_error"`
	Next      *action           `json:"next_action"`
}

// expandable is an object of Stripe's, or its id alone.
type expandable struct{ raw jsontext.Value }

// UnmarshalJSON keeps a copy.
func (e *expandable) UnmarshalJSON(raw []byte) error {
	e.raw = jsontext.Value(raw).Clone()
	return nil
}

// id is empty for null.
func (e expandable) id() string {
	text := string(e.raw)
	if e.raw.Kind() == '"' {
		if id := strings.Trim(text, `"`); provider.Word(id, 64) {
			return id
		}
		return ""
	}
	var whole struct {
		ID string `json:"id"`
	}
	if e.read(&whole) && provider.Word(whole.ID, 64) {
		return whole.ID
	}
	return ""
}

// read reports whether the object came with it.
func (e expandable) read(into any) bool {
	return e.raw.Kind() == '{' && provider.Read(e.raw, into) == nil
}

// action is what a customer has to do.
type action struct {
	Type     string `json:"type"`
	Redirect *struct {
		URL string `json:"url"`
	} `json:"redirect_to_url"`
}

// errOther is an answer about something else than what was asked for.
var errOther = fmt.Errorf("%w: it is about something else", provider.ErrAnswer)

// mine checks that the intent is the one that our key made.
func (in *intent) mine(key string) error {
	if in.Object != "payment_intent" || !provider.Word(in.ID, 64) || key != "" && in.Metadata[metaKey] != key {
		return errOther
	}
	return nil
}

// sum reads an amount of the intent.
func (in *intent) sum(n int64) (money.Sum, error) {
	currency, err := provider.Currency(strings.ToUpper(in.Currency))
	if err != nil {
		return money.Sum{}, err //nolint:wrapcheck // by each caller
	}
	amount, err := units.Amount(n, currency)
	if err != nil || amount.IsZero() {
		return money.Sum{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
	}
	return money.Sum{Amount: amount, Currency: currency}, nil
}

// fact is what the intent proves about the deposit of that key.
func (in *intent) fact(key string) (payment.Fact, error) {
	if err := in.mine(key); err != nil {
		return payment.Fact{}, err
	}
	if in.Metadata[metaFence] != "" {
		return closed(), nil
	}
	n := in.Amount
	if in.Status == "succeeded" {
		n = in.Received // less than was held, if the capture was partial
	}
	sum, err := in.sum(n)
	if err != nil {
		return payment.Fact{}, err
	}
	f := payment.Fact{ProviderRef: in.ID, Echoed: sum}
	switch in.Status {
	case "succeeded":
		f.Class = payment.ClassApproved
	case "requires_capture":
		f.Class = payment.ClassAuthorized
	case "processing", "requires_confirmation":
		f.Class = payment.ClassWaiting
	case "requires_action":
		f.Class, f.Next = payment.ClassWaiting, in.Next.step()
	case "requires_payment_method":
		if in.LastError == nil {
			return payment.Fact{}, fmt.Errorf("%w: refused without a reason", provider.ErrAnswer)
		}
		refusal := in.LastError.declined()
		refusal.ProviderRef, refusal.Echoed = f.ProviderRef, f.Echoed
		f = refusal
	case "canceled":
		f.Class, f.Code = payment.ClassCancelled, payment.CodeTimeout
		if in.Charge.id() == "" { // it never came to a charge
			f.Class, f.Code = payment.ClassRejected, payment.CodeCommunication
		}
	default:
		return payment.Fact{}, fmt.Errorf("%w: its status is none that was published", provider.ErrAnswer)
	}
	in.describe(&f)
	return f, nil
}

// describe adds what Stripe tells besides: the card, how its holder was authenticated, the fee, and what can be charged later.
func (in *intent) describe(f *payment.Fact) {
	won := f.Class == payment.ClassApproved || f.Class == payment.ClassAuthorized
	if customer, method := in.Customer.id(), in.Method.id(); won && in.Later == "off_session" && customer != "" && method != "" {
		f.Credential = customer + "/" + method
	}
	var c charge
	if !in.Charge.read(&c) {
		return
	}
	f.Instrument, f.Auth = c.Details.Card.masked(), c.Details.Card.proof()
	if f.Class == payment.ClassApproved {
		f.Fee, f.Settled = c.fee()
	}
}

// fact is what the SetupIntent proves about the verification of that key.
func (in *setup) fact(key string) (payment.Fact, error) {
	if in.Object != "setup_intent" || !provider.Word(in.ID, 64) || key != "" && in.Metadata[metaKey] != key {
		return payment.Fact{}, errOther
	}
	if in.Metadata[metaFence] != "" {
		return closed(), nil
	}
	f := payment.Fact{ProviderRef: in.ID}
	switch in.Status {
	case "succeeded":
		f.Class = payment.ClassApproved
		if customer, method := in.Customer.id(), in.Method.id(); in.Usage == "off_session" && customer != "" && method != "" {
			f.Credential = customer + "/" + method
		}
	case "processing", "requires_confirmation":
		f.Class = payment.ClassWaiting
	case "requires_action":
		f.Class, f.Next = payment.ClassWaiting, in.Next.step()
	case "requires_payment_method":
		if in.LastError == nil {
			return payment.Fact{}, fmt.Errorf("%w: refused without a reason", provider.ErrAnswer)
		}
		f = in.LastError.declined()
		f.ProviderRef = in.ID
	case "canceled":
		f.Class, f.Code = payment.ClassRejected, payment.CodeCommunication
	default:
		return payment.Fact{}, fmt.Errorf("%w: its status is none that was published", provider.ErrAnswer)
	}
	return f, nil
}

// step is what the customer does: on a page that Stripe gives, or in the bank's app. Of what nobody here can show nothing is said, and
// the payment ends when its time is over.
func (a *action) step() payment.Next {
	switch {
	case a == nil:
	case a.Type == "redirect_to_url" && a.Redirect != nil && provider.Page(a.Redirect.URL):
		return payment.GoTo(a.Redirect.URL)
	case a.Type == "blik_authorize":
		return payment.Next{Kind: payment.NextWait}
	}
	return payment.Next{}
}

// closed is the fact of a key under which nothing will be done any more.
func closed() payment.Fact {
	return payment.Fact{Class: payment.ClassRejected, Code: payment.CodeCommunication}
}
