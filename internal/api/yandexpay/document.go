package yandexpay

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
)

// document is what this dialect keeps beside a payment, as JSON in engine.Order. It never changes: what comes later is
// kept with the instructions that brought it.
type document struct {
	Subscription *subscription `json:"subscription,omitempty"` // the payment begins a subscription
	Recurring    bool          `json:"recurring,omitempty"`    // the payment continues one
	Parent       string        `json:"parent,omitempty"`       // the orderId by which the one that it continues began

	Cart          *cart      `json:"cart,omitempty"` // as it was at first
	Redirect      *redirects `json:"redirect,omitempty"`
	Offered       []string   `json:"offered,omitempty"` // availablePaymentMethods
	TTL           int        `json:"ttl,omitempty"`     // seconds
	Metadata      string     `json:"metadata,omitempty"`
	Purpose       string     `json:"purpose,omitempty"`
	BillingPhone  string     `json:"billingPhone,omitempty"`
	FiscalContact string     `json:"fiscalContact,omitempty"`

	// What is only kept, in one spelling.
	OrderSource json.RawMessage `json:"orderSource,omitempty"`
	Constructor json.RawMessage `json:"publicConstructor,omitempty"`
	Extensions  json.RawMessage `json:"extensions,omitempty"`
	Risk        json.RawMessage `json:"risk,omitempty"`
	Unique      json.RawMessage `json:"uniqrMetadata,omitempty"`
}

// redirects are where the customer goes afterwards.
type redirects struct {
	Success string `json:"success,omitempty"`
	Error   string `json:"error,omitempty"`
	Abort   string `json:"abort,omitempty"`
}

// subscription is what the merchant asked for when the subscription began.
type subscription struct {
	PlanID   string    `json:"planId"`  // UUID
	Binding  bool      `json:"binding"` // only a card is bound, nothing is paid
	Unit     string    `json:"unit,omitempty"`
	Count    int       `json:"count,omitempty"`
	TrialEnd time.Time `json:"trialEnd,omitzero"`

	TrialUnit  string        `json:"trialUnit,omitempty"`
	TrialCount int           `json:"trialCount,omitempty"`
	NextAmount *money.Amount `json:"nextAmount,omitempty"` // of later charges, as announced
	Title      string        `json:"title,omitempty"`
}

// detail is what this dialect keeps with a capture, void or refund, as JSON in engine.Instruction.
type detail struct {
	Params   map[string]string `json:"params,omitempty"`   // what the operation shows as params
	Cart     *cart             `json:"cart,omitempty"`     // what is left of the cart if the operation succeeds
	Shipping *money.Amount     `json:"shipping,omitempty"` // what the delivery costs then
	Delivery json.RawMessage   `json:"delivery,omitempty"` // shipping as it was given, only kept
	External *money.Amount     `json:"external,omitempty"` // what goes back elsewhere, only kept
}

// documentOf reads the document of an order; an empty one where there is no order.
func documentOf(o *engine.Order) (document, error) {
	var d document
	if o == nil {
		return d, nil
	}
	if err := json.Unmarshal([]byte(o.Document), &d); err != nil {
		return d, fmt.Errorf("document of payment %s: %w", o.Payment, err)
	}
	return d, nil
}

// detailOf reads the detail of an instruction; an empty one where nothing was said.
func detailOf(i *engine.Instruction) (detail, error) {
	var d detail
	if i == nil || i.Detail == "" {
		return d, nil
	}
	if err := json.Unmarshal([]byte(i.Detail), &d); err != nil {
		return d, fmt.Errorf("detail of an operation of payment %s: %w", i.Payment, err)
	}
	return d, nil
}
