package paypal

import "time"

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// shown is the order as the caller prefers it.
func (d *Double) shown(o *order, c *call) object { return d.less(d.orderView(o), c) }

// less leaves of a representation what a caller gets that did not ask for the whole of it.
func (d *Double) less(v object, c *call) object {
	if c.full {
		return v
	}
	return object{"id": v["id"], "status": v["status"], "links": v["links"]}
}

// orderView is the order as it is shown to who asks for it.
func (d *Double) orderView(o *order) object {
	unit := object{"reference_id": o.reference, "amount": o.amount, "payee": object{"merchant_id": "YQZCHTGHUK5P8"}}
	for name, text := range map[string]string{"custom_id": o.custom, "invoice_id": o.invoice, "description": o.description} {
		if text != "" {
			unit[name] = text
		}
	}
	payments := object{}
	if o.auth != nil {
		payments["authorizations"] = []object{d.authView(o)}
	}
	for _, m := range o.moves {
		list, _ := payments[m.kind+"s"].([]object)
		payments[m.kind+"s"] = append(list, d.moveView(o, m))
	}
	if len(payments) > 0 {
		unit["payments"] = payments
	}
	v := object{
		"id": o.id, "intent": o.intent, "status": o.status, "purchase_units": []object{unit}, "create_time": stamp(o.created),
	}
	links := []object{d.link("/v2/checkout/orders/"+o.id, "self")}
	if s := o.view(); s != nil {
		v["payment_source"] = s
	}
	if o.status == "PAYER_ACTION_REQUIRED" && o.source.kind == "card" {
		links = append(links, d.link("/webapps/helios/"+o.id, "payer-action"))
	}
	v["links"] = links
	return v
}

// view is what the order is paid with.
func (o *order) view() object {
	switch o.source.kind {
	case "blik":
		return object{"blik": object{"name": o.source.name, "country_code": "PL"}}
	case "card":
	default:
		return nil
	}
	card := object{"brand": o.source.brand, "last_digits": o.source.last, "type": "CREDIT"}
	if len(o.source.name) > 1 {
		card["name"] = o.source.name
	}
	if o.shift != "" {
		secure := object{"enrollment_status": o.enrolled}
		if o.pares != "" {
			secure["authentication_status"] = o.pares
		}
		card["authentication_result"] = object{"liability_shift": o.shift, "three_d_secure": secure}
	}
	if o.source.vaulted != "" && o.status == "COMPLETED" {
		card["attributes"] = object{"vault": object{"id": o.source.vaulted, "status": "VAULTED", "customer": object{"id": "C1000000001"}}}
	}
	return object{"card": card}
}

func (d *Double) link(path, rel string) object {
	return object{"href": d.c.URL + path, "rel": rel, "method": "GET"}
}

func (d *Double) authView(o *order) object {
	m := o.auth
	v := d.base(o, m, "/v2/payments/authorizations/")
	v["expiration_time"], v["processor_response"] = stamp(m.created.Add(29*24*time.Hour)), object{"response_code": m.code}
	v["custom_id"], v["invoice_id"] = m.custom, m.invoice
	if m.status == "PENDING" {
		v["status_details"] = object{"reason": "PENDING_REVIEW"}
	}
	return v
}

func (d *Double) moveView(o *order, m *move) object {
	v := d.base(o, m, "/v2/payments/"+m.kind+"s/")
	for name, text := range map[string]string{"custom_id": m.custom, "invoice_id": m.invoice} {
		if text != "" {
			v[name] = text
		}
	}
	if m.kind == "refund" {
		return v
	}
	v["final_capture"] = true
	if o.source.kind == "card" {
		v["processor_response"] = object{"response_code": m.code, "avs_code": "Y", "cvv_code": "M"}
	}
	switch m.status {
	case "PENDING":
		v["status_details"] = object{"reason": "PENDING_REVIEW"}
	case "DECLINED":
	default:
		fee := m.amount.cents()*34/1000 + 35
		if fee < m.amount.cents() && m.amount.Currency != "JPY" && m.amount.Currency != "HUF" && m.amount.Currency != "TWD" {
			v["seller_receivable_breakdown"] = object{
				"gross_amount": m.amount, "paypal_fee": money{m.amount.Currency, hundredths(fee)}, "net_amount": money{m.amount.Currency, hundredths(m.amount.cents() - fee)},
			}
		}
	}
	return v
}

// base is what authorizations, captures and refunds have alike.
func (d *Double) base(o *order, m *move, path string) object {
	return object{
		"id": m.id, "status": m.status, "amount": m.amount, "create_time": stamp(m.created), "update_time": stamp(m.created),
		"links":              []object{d.link(path+m.id, "self"), d.link("/v2/checkout/orders/"+o.id, "up")},
		"supplementary_data": object{"related_ids": object{"order_id": o.id}},
	}
}

func hundredths(n int64) string {
	digits := []byte{byte('0' + n/10%10), byte('0' + n%10)}
	whole := ""
	for n /= 100; n > 0 || whole == ""; n /= 10 {
		whole = string(byte('0'+n%10)) + whole
	}
	return whole + "." + string(digits)
}
