package yandexpay

import (
	"math/big"
	"net/http"
	"strings"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// plain writes an amount with all its decimals, and two at least.
func plain(r *big.Rat) string {
	text := strings.TrimRight(r.FloatString(18), "0")
	whole, fraction, _ := strings.Cut(text, ".")
	for len(fraction) < 2 {
		fraction += "0"
	}
	return whole + "." + fraction
}

const layout = "2006-01-02T15:04:05.000000-07:00"

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// read shows an order with its operations.
func (d *Double) read(c *call) (frame.Object, *failure) {
	o, no := d.found(c)
	if no != nil {
		return nil, no
	}
	operations := []any{}
	for _, op := range d.operations {
		if op.of == o {
			v := d.operationView(op)
			v["approvalCode"] = nil
			operations = append(operations, v)
		}
	}
	left := new(big.Rat).Sub(o.amount, o.returned)
	v := frame.Object{
		"orderId": o.id, "merchantId": d.c.Merchant, "currencyCode": o.currency, "paymentStatus": o.status, "paymentUrl": d.page(o),
		"orderAmount": plain(left), "metadata": orNil(o.metadata), "reasonCode": orNil(o.reasonCode), "reason": orNil(o.reasonCode),
		"isPrepayment": false, "shippingMethod": nil, "paymentMethod": nil, "cart": o.cart(), "coolingPeriodExpiresAt": nil,
		"created": o.created.UTC().Format(layout), "updated": c.now.UTC().Format(layout),
	}
	if o.status != "PENDING" && o.status != "FAILED" {
		v["paymentMethod"] = frame.Object{"methodType": "CARD", "cardLast4": "0408", "cardNetwork": "MIR"}
	}
	return frame.Object{"order": v, "operations": operations, "delivery": nil}, nil
}

// cart is the order's cart, with all that there is to say of it and null for the rest.
func (o *order) cart() frame.Object {
	sent, _ := o.content["cart"].(map[string]any)
	list, _ := sent["items"].([]any)
	items := []any{}
	for _, one := range list {
		item, _ := one.(map[string]any)
		quantity, _ := item["quantity"].(map[string]any)
		v := frame.Object{
			"productId": item["productId"], "title": item["title"], "total": item["total"], "type": "UNSPECIFIED", "receipt": item["receipt"],
			"quantity": frame.Object{"count": quantity["count"], "available": quantity["count"], "label": nil},
		}
		for _, name := range []string{
			"description", "unitPrice", "discountedUnitPrice", "subtotal", "finalPrice", "skuId", "features", "measurements", "pointsAmount",
		} {
			v[name] = nil
		}
		items = append(items, v)
	}
	whole, _ := sent["total"].(map[string]any)
	return frame.Object{
		"cartId": identifier(1), "externalId": nil, "items": items, "coupons": []any{}, "discounts": []any{}, "measurements": nil,
		"total": frame.Object{"amount": whole["amount"], "externalAmount": nil, "pointsAmount": nil, "label": nil},
	}
}

func (d *Double) operationView(op *operation) frame.Object {
	return frame.Object{
		"operationId": op.id, "operationType": op.kind, "orderId": op.of.id, "amount": plain(op.amount), "status": op.status,
		"externalOperationId": orNil(op.external), "params": frame.Object{}, "reason": orNil(op.reason), "pointsAmount": nil,
		"created": op.at.UTC().Format(layout), "updated": op.at.UTC().Format(layout),
	}
}

// spoilt are answers in which Yandex Pay is in trouble.
var spoilt = frame.Spoilt{
	ServerError: failed(&failure{http.StatusInternalServerError, "INTERNAL_ERROR", "out of order"}),
	ErrorInside: frame.Answer{Status: http.StatusOK, Body: frame.Object{"status": "fail", "reasonCode": "INTERNAL_ERROR", "reason": "late trouble"}},
}

// twists make answers that are about something else.
var twists = frame.Twists{
	frame.WrongAmount: within(func(v frame.Object) {
		for _, name := range []string{"amount", "orderAmount"} {
			if v[name] != nil {
				v[name] = "12.12"
			}
		}
	}),
	frame.WrongCurrency: within(func(v frame.Object) {
		if v["currencyCode"] != nil {
			v["currencyCode"] = "CHF"
		}
	}),
	frame.WrongID: within(func(v frame.Object) {
		if v["operationId"] != nil {
			v["operationId"] = identifier(999999)
		}
	}),
	frame.NewStatus: within(func(v frame.Object) {
		for _, name := range []string{"status", "paymentStatus"} {
			if v[name] != nil {
				v[name] = "QUANTUM"
			}
		}
	}),
	frame.WrongReference: within(func(v frame.Object) {
		for _, name := range []string{"orderId", "externalOperationId"} {
			if v[name] != nil {
				v[name] = "another"
			}
		}
		if v["paymentUrl"] != nil && v["orderId"] == nil {
			v["paymentUrl"] = "another"
		}
	}),
}

// within goes through the objects of an answer's data.
func within(swap func(frame.Object)) func(frame.Object) {
	return func(whole frame.Object) {
		data, _ := whole["data"].(frame.Object)
		if data["paymentUrl"] != nil || data["operationId"] != nil {
			swap(data)
		}
		for _, name := range []string{"order", "operation"} {
			if v, is := data[name].(frame.Object); is {
				swap(v)
			}
		}
		list, _ := data["operations"].([]any)
		for _, one := range list {
			if v, is := one.(frame.Object); is {
				swap(v)
			}
		}
	}
}
