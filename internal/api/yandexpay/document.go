package yandexpay

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
)

// document is what this dialect keeps beside a payment, as JSON in engine.Order. It never changes: what comes later is
// kept with the instructions that brought it.
type document struct {
	Subscription *subscription `json:"subscription,omitempty"` // the payment begins a subscription
	Recurring    bool          `json:"recurring,omitempty"`    // the payment continues one
}

// subscription is what the merchant asked for when the subscription began.
type subscription struct {
	PlanID   string    `json:"planId"`  // UUID
	Binding  bool      `json:"binding"` // only a card is bound, nothing is paid
	Unit     string    `json:"unit,omitempty"`
	Count    int       `json:"count,omitempty"`
	TrialEnd time.Time `json:"trialEnd,omitzero"`
}

// detail is what this dialect keeps with a capture, void or refund, as JSON in engine.Instruction.
type detail struct {
	Params map[string]string `json:"params,omitempty"` // what the operation shows as params
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
