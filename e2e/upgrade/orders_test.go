package upgrade

import (
	"encoding/json"
	"net/url"
)

const merchantAPI = "/api/merchant"

func orderPath(id string) string { return merchantAPI + "/v1/orders/" + url.PathEscape(id) }

// tea is an order of two pieces.
func tea(id, total string) object {
	return object{"orderId": id, "currencyCode": "RUB", "cart": cart("2", total), "redirectUrls": object{"onSuccess": "https://shop.example/ok", "onError": "https://shop.example/no"}}
}

func cart(count, total string) object {
	return object{"items": []object{{"productId": "p1", "title": "Tea", "quantity": object{"count": count}, "total": total}}, "total": object{"amount": total}}
}

const rich = `{"currencyCode":"RUB","cart":{"externalId":"cart-7","items":[{"productId":"p1","title":"Tea <green> & \"more\"","description":"loose",
"quantity":{"count":2,"available":"9","label":"packs"},"total":"150.50","subtotal":160,"unitPrice":"80.00","discountedUnitPrice":75.25,"skuId":"sku-1","type":"PHYSICAL",
"features":{"pointsDisabled":true,"tariffModifier":"LOW"},"pointsAmount":"5.00","measurements":{"height":1,"length":2,"width":3,"weight":0.5},
"receipt":{"tax":1,"title":"Tea","measure":0,"paymentMethodType":4,"paymentSubjectType":1,"agent":{"agentType":7,"phones":["+79160000000"]}}},
{"productId":"p2","title":"Sugar","quantity":{"count":"0.333"},"total":"33.30"}],"total":{"amount":"170.00","externalAmount":"13.80","label":"Total"}},
"redirectUrls":{"onSuccess":"https://shop.example/ok?order=1","onError":"https://shop.example/no","onAbort":"https://shop.example/cart"},
"availablePaymentMethods":["CARD"],"ttl":3600,"isPrepayment":false,"metadata":"{\"a\":1}","purpose":"Order one","billingPhone":"8 (916) 123-45-67",
"fiscalContact":"jane@example.com","orderSource":"CMS_PLUGIN","extensions":{"billingReport":{"branchId":"b1"}},"risk":{"shippingPhone":"+79160000000"}}`

// order makes an order and has it paid, where there is a card.
func (w *world) order(shop string, body object, number string) *scene {
	w.t.Helper()
	id := body["orderId"].(string)
	a := w.must(call{shop: shop, method: "POST", path: merchantAPI + "/v1/orders", body: body, header: map[string]string{"X-Request-Id": "request-" + id}})
	page := a.field("data.paymentUrl")
	if number != "" {
		w.pay(page, number)
	}
	s := w.play(scene{Name: id, Shop: shop, Order: id, Page: page})
	s.Ends = s.State
	return s
}

// operate sends an operation on an order.
func (w *world) operate(s *scene, version, name string, body object) *answer {
	w.t.Helper()
	return w.must(call{shop: s.Shop, method: "POST", path: merchantAPI + "/" + version + "/orders/" + url.PathEscape(s.Order) + "/" + name, body: body})
}

// ends waits until the order is in that state.
func (w *world) ends(s *scene, want string) {
	w.t.Helper()
	await(w.t, s.Name+" is "+want, func() bool { s.State = w.stateOf(s); return s.State == want })
	s.Ends = want
}

// orders are scenes of the Yandex Pay API whose orders rest.
func (w *world) orders() {
	const market, stages = "market", "stages"
	w.order(market, tea("open", "180.00"), "")
	var all object
	readJSON(w.t, []byte(rich), &all)
	w.order(market, with(all, "orderId", "rich/1 ё"), approved)
	w.order(market, tea("poor", "180.00"), poor)
	w.order(market, tea("at-the-bank", "180.00"), challenge)
	s := w.order(market, tea("part", "180.00"), approved)
	w.operate(s, "v2", "refund", object{"refundAmount": "90", "externalOperationId": "r-1", "motive": "broken", "branchId": "b", "managerId": "m",
		"targetCart": object{"items": []object{{"productId": "p1", "quantityCount": 1}}}})
	w.ends(s, "PARTIALLY_REFUNDED")
	s = w.order(market, tea("back", "180.00"), approved)
	w.operate(s, "v2", "refund", object{"refundAmount": "180", "externalOperationId": "r-2"})
	w.ends(s, "REFUNDED")
	s = w.order(market, tea("rolled-back", "180.00"), approved)
	w.operate(s, "v1", "rollback", nil)
	await(w.t, "it is rolled back", func() bool { return w.stateOf(s) != "CAPTURED" })
	s.State = w.stateOf(s)
	s.Ends = s.State
	w.subscriptions(market)

	w.order(stages, tea("two-open", "180.00"), "")
	w.order(stages, tea("two-held", "180.00"), approved)
	w.order(stages, tea("two-held-to-cancel", "180.00"), approved)
	s = w.order(stages, tea("two-captured", "180.00"), approved)
	w.operate(s, "v1", "capture", object{"orderAmount": "100", "externalOperationId": "c-1", "cart": cart("1", "90.00"), "shipping": object{"amount": "10.00", "methodType": "COURIER"}})
	w.ends(s, "CAPTURED")
	s = w.order(stages, tea("two-cancelled", "180.00"), approved)
	w.operate(s, "v1", "cancel", object{"reason": "out of stock", "externalOperationId": "v-1"})
	w.ends(s, "VOIDED")
}

func (w *world) subscriptions(market string) {
	box := func(id, total string) object {
		return object{"orderId": id, "currencyCode": "RUB", "cart": object{"items": []object{{"productId": "box", "title": "A box a month",
			"quantity": object{"count": "1"}, "total": total}}, "total": object{"amount": total}}}
	}
	a := w.must(call{shop: market, method: "POST", path: merchantAPI + "/v1/subscriptions", body: with(box("s-1", "500.00"), "intervalUnit", "MONTH", "intervalCount", 1,
		"title", "Boxes", "futureWriteOffAmount", "600", "redirectUrls", object{"onSuccess": "https://shop.example/ok", "onError": "https://shop.example/no"})})
	w.pay(a.field("data.paymentUrl"), approved)
	s := w.play(scene{Name: "s-1", Shop: market, Order: "s-1", Token: a.field("data.customerSubscriptionId")})
	if s.Token == "" {
		s.Token = a.field("data.subscriptionId")
	}
	s.Ends = s.State
	w.must(call{shop: market, method: "POST", path: merchantAPI + "/v1/subscriptions/recur", body: with(box("s-1-2", "600.00"), "amount", "600.00", "parentOrderId", "s-1",
		"metadata", "m", "purpose", "second box")})
	s = w.play(scene{Name: "s-1-2", Shop: market, Order: "s-1-2"})
	w.ends(s, "CAPTURED")
}

// openOrders are scenes whose operations the program does not know the outcome of.
func (w *world) openOrders() {
	const market, stages = "market", "stages"
	keep := func(s *scene, ends string) {
		s.State, s.Open, s.Ends = w.stateOf(s), true, ends
	}
	held := w.order(stages, tea("two-unknown-capture", "7000.00"), approved)
	heldToo := w.order(stages, tea("two-unknown-cancel", "7000.00"), approved)
	paid := w.order(market, tea("unknown-refund", "7000.00"), approved)
	// An order of which nobody knows whether it was paid, and which the merchant does not want any more.
	lost := w.order(market, with(tea("unknown", ""), "cart", cart("1", "6600.05")), approved)
	keep(lost, "CAPTURED")
	gone := w.order(market, with(tea("unknown-rolled-back", ""), "cart", cart("1", "6600.05")), approved)
	w.operate(gone, "v1", "rollback", nil)
	keep(gone, "FAILED")
	w.operate(held, "v1", "capture", object{"externalOperationId": "c-9", "orderAmount": "6600.05", "cart": cart("1", "6600.05")})
	keep(held, "CAPTURED")
	w.strike(object{"match": object{"operation": "void"}, "fault": "drop", "times": 1})
	w.operate(heldToo, "v1", "cancel", object{"reason": "no stock", "externalOperationId": "v-9"})
	keep(heldToo, "VOIDED")
	w.operate(paid, "v2", "refund", object{"refundAmount": json.Number("6600.05"), "externalOperationId": "r-9", "motive": "lost"})
	keep(paid, "PARTIALLY_REFUNDED")
}
