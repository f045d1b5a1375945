package stripe

import (
	"maps"
	"slices"
)

// view is the intent as answers show it. Without a call nothing is expanded, as in events.
func (d *Double) view(in *intent, c *call) object {
	v := object{
		"id": in.id, "object": "payment_intent", "created": in.created.Unix(), "livemode": false, "status": in.status, "amount": in.amount,
		"amount_capturable": int64(0), "amount_received": in.received, "currency": in.currency, "capture_method": "automatic",
		"confirmation_method": "automatic", "client_secret": in.id + "_secret_double", "customer": orNil(in.customer), "description": nil,
		"last_payment_error": nil, "latest_charge": orNil(in.charge), "metadata": maps.Clone(in.metadata), "next_action": nil, "payment_method": nil,
		"payment_method_types": []string{"card"}, "setup_future_usage": orNil(in.later), "cancellation_reason": orNil(in.reason),
		"canceled_at": nil, "payment_method_options": object{}, "processing": nil, "receipt_email": nil, "review": nil, "shipping": nil,
	}
	if in.manual {
		v["capture_method"] = "manual"
	}
	if in.method != nil {
		v["payment_method"], v["payment_method_types"] = in.method.id, []string{in.method.kind}
	}
	switch in.status {
	case "requires_capture":
		v["amount_capturable"] = in.amount
	case "requires_action":
		v["next_action"] = d.next(in.id, in.method, in.returnURL)
	case "requires_payment_method":
		v["payment_method"] = nil
	}
	if in.failure != nil {
		v["last_payment_error"] = inside(*in.failure)
	}
	if in.charge != "" && c != nil && (c.expands("latest_charge") || c.expands("latest_charge.balance_transaction")) {
		v["latest_charge"] = d.charge(in, c.expands("latest_charge.balance_transaction"))
	}
	return v
}

func (c *call) expands(name string) bool {
	return slices.Contains(c.form["expand[]"], name) || slices.Contains(c.form["expand[0]"], name)
}

// next is what the customer has to do.
func (d *Double) next(id string, m *method, back string) object {
	switch {
	case m != nil && m.kind == "blik":
		return object{"type": "blik_authorize", "blik_authorize": object{}}
	case back == "":
		return object{"type": "use_stripe_sdk", "use_stripe_sdk": object{"type": "three_d_secure_redirect"}}
	}
	return object{"type": "redirect_to_url", "redirect_to_url": object{"url": d.c.URL + "/authenticate/" + id, "return_url": back}}
}

func (d *Double) charge(in *intent, whole bool) object {
	won := in.status == "succeeded" || in.status == "requires_capture" || in.status == "canceled"
	v := object{
		"id": in.charge, "object": "charge", "created": in.chargedAt.Unix(), "livemode": false, "amount": in.amount, "amount_captured": in.received,
		"amount_refunded": in.returned, "currency": in.currency, "captured": in.status == "succeeded", "paid": won, "disputed": false,
		"refunded": in.returned > 0 && in.returned == in.received, "metadata": object{}, "payment_intent": in.id, "status": "succeeded",
		"billing_details": object{}, "balance_transaction": nil, "customer": orNil(in.customer),
	}
	if !won {
		v["status"] = "failed"
	}
	if in.method != nil && in.method.kind == "card" {
		card := object{"brand": in.method.brand, "last4": in.method.last, "country": "US", "funding": "credit", "exp_month": 12, "exp_year": 2035, "three_d_secure": nil}
		if in.flow != "" {
			card["three_d_secure"] = object{"result": "authenticated", "authentication_flow": in.flow, "version": "2.2.0",
				"electronic_commerce_indicator": "05", "transaction_id": "5dd1f0a0-0000-4000-8000-000000000000", "exemption_indicator": nil}
		}
		v["payment_method_details"] = object{"type": "card", "card": card}
	}
	if in.status == "succeeded" {
		id := "txn_" + in.charge[3:]
		v["balance_transaction"] = id
		if whole {
			fee := in.received*29/1000 + 30
			v["balance_transaction"] = object{"id": id, "object": "balance_transaction", "amount": in.received, "fee": fee, "net": in.received - fee,
				"currency": in.currency, "type": "charge", "status": "pending", "created": in.chargedAt.Unix(), "available_on": in.chargedAt.Unix(),
				"reporting_category": "charge", "fee_details": []object{}, "balance_type": "payments"}
		}
	}
	return v
}
