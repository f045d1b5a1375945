package stripe

import (
	"slices"
	"strings"
)

// route is one operation: its name for faults, what it does, and the parameters that it takes. A name that ends in [ stands for all below it.
type route struct {
	op     string
	run    handler
	params []string
}

// The names of operations, for faults. OpQuery is every question.
const (
	OpPay     = "pay"
	OpVerify  = "verify"
	OpCapture = "capture"
	OpCancel  = "cancel"
	OpRefund  = "refund"
	OpQuery   = "query"
	OpPrepare = "prepare" // of cards and customers
)

func (r route) takes(name string) bool {
	return slices.ContainsFunc(r.params, func(p string) bool {
		return name == p || name == p+"[]" || strings.HasSuffix(p, "[") && strings.HasPrefix(name, p)
	})
}

var page = []string{"limit", "starting_after", "ending_before", "expand", "expand[", "created", "created["}

var routes = map[string]route{
	"POST /v1/payment_methods": {OpPrepare, (*Double).newMethod, []string{"type", "card[", "billing_details[", "metadata[", "expand"}},
	"POST /v1/customers":       {OpPrepare, (*Double).newCustomer, []string{"email", "name", "description", "metadata[", "expand"}},

	"POST /v1/payment_intents": {OpPay, (*Double).newIntent, []string{
		"amount", "currency", "confirm", "capture_method", "customer", "description", "metadata[", "off_session", "payment_method", "payment_method_data[",
		"payment_method_options[", "payment_method_types", "payment_method_types[", "return_url", "setup_future_usage", "expand", "expand[",
	}},
	"GET /v1/payment_intents":               {OpQuery, (*Double).listIntents, append([]string{"customer"}, page...)},
	"GET /v1/payment_intents/search":        {OpQuery, (*Double).searchIntents, []string{"query", "limit", "page", "expand", "expand["}},
	"GET /v1/payment_intents/{id}":          {OpQuery, (*Double).getIntent, []string{"expand", "expand["}},
	"POST /v1/payment_intents/{id}/capture": {OpCapture, (*Double).capture, []string{"amount_to_capture", "metadata[", "expand", "expand["}},
	"POST /v1/payment_intents/{id}/cancel":  {OpCancel, (*Double).cancel, []string{"cancellation_reason", "expand", "expand["}},

	"POST /v1/setup_intents": {OpVerify, (*Double).newSetup, []string{
		"confirm", "usage", "customer", "description", "metadata[", "payment_method", "payment_method_options[", "payment_method_types", "payment_method_types[", "return_url",
		"expand", "expand[",
	}},
	"GET /v1/setup_intents":              {OpQuery, (*Double).listSetups, append([]string{"customer", "payment_method"}, page...)},
	"GET /v1/setup_intents/{id}":         {OpQuery, (*Double).getSetup, []string{"expand", "expand["}},
	"POST /v1/setup_intents/{id}/cancel": {OpCancel, (*Double).cancelSetup, []string{"cancellation_reason", "expand", "expand["}},

	"POST /v1/refunds":     {OpRefund, (*Double).newRefund, []string{"payment_intent", "charge", "amount", "reason", "metadata[", "expand", "expand["}},
	"GET /v1/refunds":      {OpQuery, (*Double).listRefunds, append([]string{"payment_intent", "charge"}, page...)},
	"GET /v1/refunds/{id}": {OpQuery, (*Double).getRefund, []string{"expand", "expand["}},
}
