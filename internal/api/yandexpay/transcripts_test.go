package yandexpay_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
)

// everything is an order in which each field is set that the contract has.
const everything = `{"orderId":"B/1 ё","currencyCode":"RUB","cart":{"externalId":"cart-7","items":[` +
	`{"productId":"p1","title":"Tea <green> & \"more\"","description":"loose","quantity":{"count":2,"available":"9","label":"packs"},` +
	`"total":"150.50","subtotal":160,"unitPrice":"80.00","discountedUnitPrice":75.25,"skuId":"sku-1","type":"PHYSICAL",` +
	`"features":{"pointsDisabled":true,"tariffModifier":"LOW"},"pointsAmount":"5.00","measurements":{"height":1,"length":2,"width":3,"weight":0.5},` +
	`"receipt":{"tax":1,"title":"Tea","measure":0,"paymentMethodType":4,"paymentSubjectType":1,"agent":{"agentType":7,"phones":["+79160000000"]}}},` +
	`{"productId":"p2","title":"Sugar","quantity":{"count":"0.333"},"total":"33.30"}],` +
	`"total":{"amount":"170.00","externalAmount":"13.80","label":"Total"}},` +
	`"redirectUrls":{"onSuccess":"https://shop.example/ok?order=1","onError":"https://shop.example/no","onAbort":"https://shop.example/cart"},` +
	`"availablePaymentMethods":["CARD","SPLIT"],"preferredPaymentMethod":"FULLPAYMENT","ttl":3600,"isPrepayment":false,"metadata":"{\"a\":1}",` +
	`"purpose":"Order one","billingPhone":"8 (916) 123-45-67","fiscalContact":"jane@example.com","orderSource":"CMS_PLUGIN","publicConstructor":2,` +
	`"extensions":{"billingReport":{"branchId":"b1"}},"risk":{"shippingPhone":"+79160000000"},"uniqrMetadata":{"uniQrId":"q"},"merchantId":"ignored"}`

func TestTranscriptCreate(t *testing.T) {
	record(t, "create", nil, func(t *testing.T, s *transcript) {
		s.post(t, "the least", "", orders, tea)
		s.post(t, "with everything", "", orders, everything)
		s.post(t, "amounts as numbers", "", orders, with(t, tea, "orderId", `"A-2"`, "cart.total.amount", "18e1"))
		s.post(t, "without addresses to return to", "", orders, with(t, tea, "orderId", `"A-3"`, "redirectUrls", ""))
		s.post(t, "the same again", "", orders, tea)
		s.post(t, "the same in other words", "", orders, with(t, tea, "cart.total.amount", "180", "new", "true"))
		s.post(t, "the same orderId, another amount", "409 ORDER_ALREADY_EXISTS", orders, with(t, tea, "cart.items",
			`[{"productId":"p1","title":"Tea","quantity":{"count":"2"},"total":"181.00"}]`, "cart.total.amount", "181"))
		s.pay(t, "A-1", approved)
		s.post(t, "the same orderId once it is paid", "409 ORDER_ALREADY_EXISTS", orders, tea)
		s.want(t, 200, request{method: http.MethodPost, path: orders + "/A-2/rollback"})
		s.post(t, "the same orderId once it is closed", "409 ORDER_ALREADY_EXISTS", orders,
			with(t, tea, "orderId", `"A-2"`))
		s.by(s.other(t, nil), func(s *transcript) { s.post(t, "the same orderId at another shop", "", orders, tea) })
	})
}

func TestTranscriptCreateRefused(t *testing.T) {
	record(t, "create_refused", nil, func(t *testing.T, s *transcript) {
		const bad, cart = "400 BAD_REQUEST", "400 ORDER_CART_DATA_ERROR"
		mismatch := "400 ORDER_AMOUNT_MISMATCH"
		s.post(t, "nothing", bad, orders, `{}`)
		s.post(t, "an empty list", bad, orders, `[]`)
		s.post(t, "all faults at once", bad, orders, `{"cart":{"items":[{"productId":"","title":7,"quantity":{"count":0},"total":"-1","unitPrice":"1.005"},`+
			`7,{"productId":"x","title":"X","quantity":"2","total":"1e2","features":1}],"total":{"amount":"0.001","externalAmount":"NaN"}},"currencyCode":"USD",`+
			`"orderId":"`+strings.Repeat("é", 2049)+`","redirectUrls":{"onSuccess":"shop.example","onAbort":7},"availablePaymentMethods":["CASH",1],`+
			`"ttl":179,"isPrepayment":true,"metadata":1,"purpose":"`+strings.Repeat("p", 1001)+`"}`)
		s.post(t, "no lines", bad, orders, with(t, tea, "cart.items", "[]"))
		s.post(t, "SPLIT alone", bad, orders, with(t, tea, "availablePaymentMethods", `["SPLIT"]`))
		s.post(t, "no methods", bad, orders, with(t, tea, "availablePaymentMethods", `[]`))
		s.post(t, "the total is nought, the lines are not", mismatch, orders, with(t, tea, "cart.total.amount", `"0"`))
		s.post(t, "external amount counts", mismatch, orders, with(t, tea, "cart.total.externalAmount", `"0.02"`))
		s.post(t, "binary noise", bad, orders, with(t, tea, "cart.total.amount", "180.00000000000003"))
		s.post(t, "under a rouble", bad, orders, with(t, tea, "cart.total.amount", "0.99",
			"cart.items", `[{"productId":"p1","title":"Tea","quantity":{"count":"1"},"total":"0.99"}]`))
		s.post(t, "a kopeck more than rounding explains", mismatch, orders, with(t, tea, "cart.total.amount", "100.02",
			"cart.items", `[{"productId":"p1","title":"Tea","quantity":{"count":"3"},"total":"100"}]`))
		s.post(t, "discounts that are not taken off", mismatch, orders, with(t, tea, "cart.total.amount", "180",
			"cart.items", `[{"productId":"p1","title":"Tea","quantity":{"count":"3"},"total":"100"}]`, "cart.discounts", `[{"discountId":"d","description":"","amount":"20"}]`))
		s.post(t, "a product in two lines", cart, orders, with(t, tea, "cart.items",
			`[{"productId":"p1","title":"Tea","quantity":{"count":"1"},"total":"90"},{"productId":"p1","title":"Tea","quantity":{"count":"1"},"total":"90"}]`))
		s.bodies(t, orders)
	})
}

// bodies shows what happens to bodies that are no request.
func (s *transcript) bodies(t *testing.T, path string) {
	t.Helper()
	post := func(title, body, contentType string) {
		t.Helper()
		q := request{method: http.MethodPost, path: path, body: body}
		if contentType != "" {
			q.header = map[string]string{"Content-Type": contentType}
		}
		s.step(t, title, "400 BAD_REQUEST", q)
	}
	post("no body", "", "")
	post("broken JSON", `{"cart":{`, "")
	post("a name twice", `{"orderId":"1","orderId":"2"}`, "")
	post("data after the document", `{} {}`, "")
	post("a list", `[{}]`, "")
	post("NUL", `{"orderId":"\u0000"}`, "")
	post("invalid UTF-8", "{\"orderId\":\"\xff\"}", "")
	post("a byte more than 64 KiB", tea+strings.Repeat(" ", 65537-len(tea)), "")
	post("not JSON by its type", tea, "text/plain")
	post("not UTF-8 by its type", tea, "application/json; charset=latin1")
}

func TestTranscriptGet(t *testing.T) {
	record(t, "get", nil, func(t *testing.T, s *transcript) {
		s.order(t, "A-1")
		s.get(t, "not paid yet", "", orders+"/A-1")
		s.pay(t, "A-1", approved)
		s.get(t, "paid", "", orders+"/A-1")
		s.want(t, 200, request{method: http.MethodPost, path: orders, body: everything})
		s.pay(t, "B/1 ё", approved)
		s.get(t, "paid, with everything, by an id with a slash", "", orders+"/B%2F1%20%D1%91")
		s.order(t, "A-2")
		s.pay(t, "A-2", poor)
		s.get(t, "declined", "", orders+"/A-2")
		s.order(t, "A-3", "ttl", "180")
		s.pay(t, "A-3", challenge)
		s.get(t, "the customer is at the bank", "", orders+"/A-3")
		s.get(t, "unknown", "404 ORDER_NOT_FOUND", orders+"/none")
		s.get(t, "an id of nobody", "404 ORDER_NOT_FOUND", orders+"/"+unknownID)
		s.by(s.other(t, nil), func(s *transcript) { s.get(t, "of another shop", "404 ORDER_NOT_FOUND", orders+"/A-1") })
		s.step(t, "changed", "405 METHOD_NOT_ALLOWED", request{method: http.MethodPut, path: orders + "/A-1", body: tea})
	})
}

func TestTranscriptTwoStages(t *testing.T) {
	record(t, "two_stages", twoStage, func(t *testing.T, s *transcript) {
		const status, large = "400 INVALID_PAYMENT_STATUS", "400 CAPTURE_AMOUNT_TOO_LARGE"
		path := s.order(t, "A-1")
		s.post(t, "capture before it is paid", status, path+"/capture", "")
		s.post(t, "cancel before it is paid", status, path+"/cancel", `{"reason":"changed"}`)
		s.pay(t, "A-1", approved)
		s.get(t, "held", "", path)
		s.post(t, "cancel without a reason", "400 BAD_REQUEST", path+"/cancel", `[]`)
		s.post(t, "refund before it is captured", status, path+"/refund", `{"refundAmount":"10","orderAmount":0}`)
		s.post(t, "capture more than is held", large, path+"/capture", `{"orderAmount":"180.01"}`)
		s.post(t, "capture of nothing", "400 BAD_REQUEST", path+"/capture", `{"orderAmount":0}`)
		final := `{"cart":{"items":[{"productId":"p1","title":"Tea","quantity":{"count":"1"},"total":"90.00"}],"total":{"amount":"90.00"}},` +
			`"shipping":{"amount":"10.00","methodType":"COURIER"},"externalOperationId":"c-1"`
		s.post(t, "capture of another amount than the cart's", "400 ORDER_AMOUNT_MISMATCH", path+"/capture", final+`,"orderAmount":"90"}`)
		s.post(t, "capture of a cart that does not add up", "400 ORDER_AMOUNT_MISMATCH", path+"/capture", with(t, final+"}", "cart.total.amount", `"91"`))
		s.post(t, "capture of a part, with the cart that stays", "", path+"/capture", final+`,"orderAmount":"100"}`)
		s.get(t, "captured", "", path)
		s.post(t, "capture under the same name", "409 DUPLICATE_EXTERNAL_OPERATION_ID", path+"/capture", final+`,"orderAmount":"100"}`)
		s.post(t, "capture again", status, path+"/capture", "")
		s.post(t, "cancel after the capture", status, path+"/cancel", `{"reason":"changed"}`)
		s.get(t, "the capture by its name", "", "/v1/operations/c-1")
		s.post(t, "refund of the delivery", "", "/v2"+path[3:]+"/refund", `{"refundAmount":"10","targetShipping":{"amount":"0"},"targetCart":{"items":[{"productId":"p1"}]}}`)

		path = s.paid(t, "A-2")
		s.post(t, "cancel", "", path+"/cancel", `{"reason":"out of stock","externalOperationId":"v-1"}`)
		s.get(t, "cancelled", "", path)
		s.post(t, "submit", status, path+"/submit", "")

		path = s.paid(t, "A-3")
		s.strike(t, "capture", slow("51"))
		s.post(t, "capture that takes its time", "", path+"/capture", `{"externalOperationId":"c-3"}`)
		s.post(t, "the same again", "", path+"/capture", `{"externalOperationId":"c-3"}`)
		s.post(t, "the same name, other arguments", "409 DUPLICATE_EXTERNAL_OPERATION_ID", path+"/capture", `{"externalOperationId":"c-3","orderAmount":"100"}`)
		s.post(t, "another capture meanwhile", "409 ANOTHER_OPERATION_IN_PROGRESS", path+"/capture", `{"externalOperationId":"c-4"}`)
		s.post(t, "cancel meanwhile", "409 ANOTHER_OPERATION_IN_PROGRESS", path+"/cancel", `{"reason":"changed"}`)
		s.post(t, "rollback meanwhile", "409 ANOTHER_OPERATION_IN_PROGRESS", path+"/rollback", "")
		s.later()
		s.get(t, "it failed", "", "/v1/operations/c-3")
		s.post(t, "the same once it failed", "", path+"/capture", `{"externalOperationId":"c-3"}`)
		s.post(t, "a new one", "", path+"/capture", `{"externalOperationId":"c-4"}`)
		s.get(t, "captured at the second try", "", path)
	})
}

func TestTranscriptRefund(t *testing.T) {
	record(t, "refund", nil, func(t *testing.T, s *transcript) {
		const status, bad = "400 INVALID_PAYMENT_STATUS", "400 BAD_REQUEST"
		path := s.paid(t, "A-1")
		v2 := "/v2" + path[3:] + "/refund"
		s.post(t, "nothing", bad, v2, "")
		s.post(t, "all faults at once", bad, v2, `{"refundAmount":"0.5","targetCart":7,"refundCart":{"items":[{"price":"1.001","quantityCount":-1}]},"motive":1,"targetShipping":{}}`)
		s.post(t, "more than was paid", "400 REFUND_AMOUNT_TOO_LARGE", v2, `{"refundAmount":"180.01"}`)
		s.post(t, "leaving less than a rouble", bad, v2, `{"refundAmount":"179.01"}`)
		s.post(t, "an unknown product", bad, v2, `{"refundAmount":"90","targetCart":{"items":[{"productId":"p9"}]}}`)
		s.post(t, "more pieces than there are", bad, v2, `{"refundAmount":"90","refundCart":{"items":[{"productId":"p1","quantityCount":3}]}}`)
		s.post(t, "a product twice", "400 ORDER_CART_DATA_ERROR", v2, `{"refundAmount":"90","refundCart":{"items":[{"productId":"p1"},{"productId":"p1"}]}}`)
		s.post(t, "what stays does not fit", "400 ORDER_AMOUNT_MISMATCH", v2, `{"refundAmount":"90","targetCart":{"items":[{"productId":"p1"}]}}`)
		s.post(t, "what goes does not fit", "400 ORDER_AMOUNT_MISMATCH", v2, `{"refundAmount":"90","refundCart":{"items":[{"productId":"p1"}]}}`)
		s.strike(t, "refund", slow(""))
		s.post(t, "one of two pieces", "", v2, `{"refundAmount":"90","externalOperationId":"r-1","motive":"broken","branchId":"b","managerId":"m",`+
			`"targetCart":{"items":[{"productId":"p1","quantityCount":1}]}}`)
		s.post(t, "another meanwhile", "409 ANOTHER_OPERATION_IN_PROGRESS", v2, `{"refundAmount":"90","externalOperationId":"r-2"}`)
		s.get(t, "meanwhile", "", path)
		s.later()
		s.get(t, "it succeeded", "", "/v1/operations/r-1")
		s.get(t, "partially refunded", "", path)
		s.post(t, "the same once it succeeded", "409 DUPLICATE_EXTERNAL_OPERATION_ID", v2, `{"refundAmount":"90","externalOperationId":"r-1","motive":"broken",`+
			`"branchId":"b","managerId":"m","targetCart":{"items":[{"productId":"p1","quantityCount":1}]}}`)
		s.strike(t, "refund", slow("51"))
		s.post(t, "the rest, which will fail", "", v2, `{"refundAmount":"90","externalOperationId":"r-3","targetCart":{"items":[]}}`)
		s.later()
		s.get(t, "it failed", "", "/v1/operations/r-3")
		s.get(t, "as before", "", path)
		a := s.post(t, "the rest", "", v2, `{"refundAmount":"90","targetCart":{"items":[]}}`)
		s.get(t, "refunded", "", path)
		s.get(t, "the refund by our id", "", "/v1/operations/"+a.field(t, "data.operation.operationId"))
		s.post(t, "refund of nothing", status, v2, `{"refundAmount":"1"}`)

		path = s.paid(t, "A-2")
		v1 := path + "/refund"
		s.post(t, "the first version: what is left is another amount", "400 ORDER_AMOUNT_MISMATCH", v1, `{"orderAmount":"91","refundAmount":"90"}`)
		s.post(t, "the first version: a part", "", v1, `{"orderAmount":"90","refundAmount":90.0,"cart":{"items":[{"productId":"p1","title":"Tea",`+
			`"quantity":{"count":"1"},"total":"90"}],"total":{"amount":"90"}},"shipping":{"amount":0,"methodType":"PICKUP"}}`)
		s.post(t, "the first version: all the rest", "", v1, `{"orderAmount":0,"refundAmount":90.00}`)
	})
}

func TestTranscriptRollback(t *testing.T) {
	record(t, "rollback", nil, func(t *testing.T, s *transcript) {
		path := s.order(t, "A-1")
		s.step(t, "of a link", "", request{method: http.MethodPost, path: path + "/rollback", body: "a=b",
			header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
		s.get(t, "the link is dead", "", path)
		s.post(t, "again", "", path+"/rollback", "")
		path = s.paid(t, "A-2")
		s.strike(t, "refund", slow(""))
		s.post(t, "of what was paid", "", path+"/rollback", `{}`)
		s.get(t, "on its way back", "", path)
		s.post(t, "a refund meanwhile", "409 ANOTHER_OPERATION_IN_PROGRESS", "/v2"+path[3:]+"/refund", `{"refundAmount":"180"}`)
		s.later()
		s.get(t, "back", "", path)
		s.by(s.other(t, twoStage), func(s *transcript) {
			path := s.paid(t, "A-3")
			s.post(t, "of what is held", "", path+"/rollback", "")
			s.get(t, "not held any more", "", path)
			path = s.paid(t, "A-4")
			s.strike(t, "void", simulator.Effect{ResponseCode: "05"})
			s.post(t, "of what cannot be given back now", "", path+"/rollback", "")
			s.post(t, "a capture meanwhile", "400 INVALID_PAYMENT_STATUS", path+"/capture", "")
		})
		s.post(t, "of nothing", "404 ORDER_NOT_FOUND", orders+"/none/rollback", "")
	})
}

func TestTranscriptOperations(t *testing.T) {
	record(t, "operations", twoStage, func(t *testing.T, s *transcript) {
		path := s.paid(t, "A-1")
		held := s.get(t, "the order", "", path)
		authorize := held.field(t, "data.operations.0.operationId")
		s.get(t, "a hold by our id", "", "/v1/operations/"+authorize)
		s.get(t, "in capitals, as any UUID", "", "/v1/operations/"+strings.ToUpper(authorize))
		s.want(t, 200, request{method: http.MethodPost, path: path + "/capture", body: `{"externalOperationId":"c/1"}`})
		s.get(t, "a capture by its name", "", "/v1/operations/c%2F1")
		s.step(t, "by POST", "", request{method: http.MethodPost, path: "/v1/operations/c%2F1", body: "[]"})
		s.get(t, "unknown", "404 OPERATION_NOT_FOUND", "/v1/operations/none")
		s.get(t, "an id of nobody", "404 OPERATION_NOT_FOUND", "/v1/operations/"+unknownID)
		s.get(t, "an order is no operation", "404 OPERATION_NOT_FOUND", "/v1/operations/"+string(s.paymentOf(t, "A-1")))
		s.by(s.other(t, nil), func(s *transcript) {
			s.get(t, "by its name, of another shop", "404 OPERATION_NOT_FOUND", "/v1/operations/c%2F1")
			s.get(t, "by our id, of another shop", "404 OPERATION_NOT_FOUND", "/v1/operations/"+authorize)
		})
	})
}

// monthly is a request for a subscription.
const monthly = `{"cart":{"items":[{"productId":"box","title":"A box a month","quantity":{"count":"1"},"total":"500.00"}],"total":{"amount":"500.00"}},` +
	`"currencyCode":"RUB","orderId":"S-1","intervalUnit":"MONTH","intervalCount":1,"title":"Boxes","futureWriteOffAmount":"600",` +
	`"redirectUrls":{"onSuccess":"https://shop.example/ok","onError":"https://shop.example/no"}}`

const recurrent = `{"amount":"600.00","cart":{"items":[{"productId":"box","title":"A box a month","quantity":{"count":"1"},"total":"600.00"}],` +
	`"total":{"amount":"600.00"}},"currencyCode":"RUB","orderId":"S-1-2","parentOrderId":"S-1","metadata":"m","purpose":"second box"}`

func TestTranscriptSubscriptions(t *testing.T) {
	record(t, "subscriptions", nil, func(t *testing.T, s *transcript) {
		const path, bad = "/v1/subscriptions", "400 BAD_REQUEST"
		a := s.post(t, "begin", "", path, monthly)
		sub := path + "/" + a.field(t, "data.subscriptionId")
		s.post(t, "begin again", "", path, monthly)
		s.get(t, "new", "", sub)
		s.post(t, "go on too early", "400 INVALID_PAYMENT_STATUS", path+"/recur", recurrent)
		s.pay(t, "S-1", approved)
		s.get(t, "active", "", sub)
		s.step(t, "is the card active", "", request{method: http.MethodGet, path: sub, body: `{"check_card_active":true}`})
		s.step(t, "the same by POST in another spelling", "", request{method: http.MethodPost, path: sub, body: `{"checkCardActive":true}`})
		a = s.post(t, "go on", "", path+"/recur", recurrent)
		s.post(t, "go on again", "", path+"/recur", recurrent)
		s.get(t, "the charge", "", "/v1/operations/"+a.field(t, "data.operationId"))
		s.get(t, "its order", "", orders+"/S-1-2")
		s.post(t, "go on under the same orderId with another amount", "409 ORDER_ALREADY_EXISTS", path+"/recur", with(t, recurrent,
			"amount", "601", "cart.total.amount", "601", "cart.items", `[{"productId":"box","title":"Box","quantity":{"count":1},"total":601}]`))
		s.post(t, "another amount than the cart's", "400 ORDER_AMOUNT_MISMATCH", path+"/recur", with(t, recurrent, "amount", "601"))
		s.post(t, "of an unknown order", "404 ORDER_NOT_FOUND", path+"/recur", with(t, recurrent, "parentOrderId", `"none"`))
		s.post(t, "nothing to go on with", bad, path+"/recur", `{}`)
		s.post(t, "nothing to begin with", bad, path, `{}`)
		s.post(t, "all faults at once", bad, path, with(t, monthly, "intervalUnit", `"HOUR"`, "intervalCount", "0", "trialUnit", `"DAY"`,
			"trialEndAt", `"tomorrow"`, "futureWriteOffAmount", `"1.001"`, "title", `"`+strings.Repeat("t", 31)+`"`, "isBinding", `"no"`))
		a = s.post(t, "with a trial", "", path, with(t, monthly, "orderId", `"S-2"`, "trialUnit", `"WEEK"`, "trialCount", `"2"`))
		s.post(t, "with a trial again", "", path, with(t, monthly, "orderId", `"S-2"`, "trialUnit", `"WEEK"`, "trialCount", "2"))
		s.want(t, 200, request{method: http.MethodPost, path: orders + "/S-2/rollback"})
		s.get(t, "that will never be", "", path+"/"+a.field(t, "data.subscriptionId"))
		s.post(t, "bind a card for money", bad, path, with(t, monthly, "orderId", `"S-3"`, "isBinding", "true"))
		s.post(t, "bind a card", "", path, `{"currencyCode":"RUB","orderId":"S-3","isBinding":true}`)
		s.get(t, "an order with nothing to pay", "", orders+"/S-3")
		s.pay(t, "S-3", approved)
		s.get(t, "the card is bound", "", orders+"/S-3")
		s.post(t, "the first charge of the card", "", path+"/recur", with(t, recurrent, "parentOrderId", `"S-3"`, "orderId", `"S-3-1"`))
		s.get(t, "was made", "", orders+"/S-3-1")
		s.post(t, "there is nothing to refund", "400 REFUND_AMOUNT_TOO_LARGE", "/v2/orders/S-3/refund", `{"refundAmount":1}`)
		s.get(t, "an order is no subscription", "404 SUBSCRIPTION_NOT_FOUND", path+"/"+string(s.paymentOf(t, "S-1-2")))
		s.get(t, "no id", "404 SUBSCRIPTION_NOT_FOUND", path+"/S-1")
		s.by(s.other(t, nil), func(s *transcript) { s.get(t, "of another shop", "404 SUBSCRIPTION_NOT_FOUND", sub) })
		s.post(t, "there is no call to cancel", "404 METHOD_NOT_FOUND", sub+"/cancel", "")
		if err := s.app.Engine.StopChain(t.Context(), s.shop.ID, s.paymentOf(t, "S-1")); err != nil {
			t.Fatal(err)
		}
		s.get(t, "cancelled by the operator", "", sub)
		s.post(t, "go on once it is cancelled", "", path+"/recur", with(t, recurrent, "orderId", `"S-1-3"`))
		s.get(t, "that was refused", "", orders+"/S-1-3")
	})
}

func TestTranscriptAccess(t *testing.T) {
	record(t, "access", func(s *shop.Shop) { s.Settings.YandexPay.MerchantIDAsKey = true }, func(t *testing.T, s *transcript) {
		s.order(t, "A-1")
		auth := func(title, want, value string) {
			t.Helper()
			s.step(t, title, want, request{method: http.MethodGet, path: orders + "/A-1", header: map[string]string{"Authorization": value}})
		}
		const no = "401 AUTHENTICATION_ERROR"
		auth("no key", no, "")
		auth("a key in capitals of the scheme", "", "API-KEY "+s.shop.APIKey)
		auth("a key without a scheme", no, s.shop.APIKey)
		auth("another scheme", no, "Bearer "+s.shop.APIKey)
		auth("a malformed key", no, "Api-Key 123")
		auth("an unknown key", no, "Api-Key "+unknownID)
		auth("the merchant id of a test shop", "", "Api-Key "+s.shop.MerchantID())
		s.by(s.other(t, nil), func(s *transcript) {
			auth("the merchant id where that is not allowed", no, "Api-Key "+s.shop.MerchantID())
		})
		s.by(s.other(t, func(s *shop.Shop) { s.Active = false }), func(s *transcript) {
			s.get(t, "an inactive shop", "403 FORBIDDEN", orders+"/A-1")
		})
		for _, path := range []string{"", "/", "/v1", "/v3/orders", "/v1/orders/", "/v1/orders//cancel", "/v1/orders/A-1/delivery/create", "/v1/orders/quickpay/cpqr"} {
			s.step(t, "nothing is there", "404 METHOD_NOT_FOUND", request{method: http.MethodPost, path: path, body: "{}"})
		}
		s.post(t, "the cash register", "404 METHOD_NOT_FOUND", "/cash-register/v1/orders", "{}")
		s.step(t, "delete", "405 METHOD_NOT_ALLOWED", request{method: http.MethodDelete, path: orders + "/A-1"})
		s.step(t, "list", "405 METHOD_NOT_ALLOWED", request{method: http.MethodGet, path: orders})
		s.step(t, "operations", "405 METHOD_NOT_ALLOWED", request{method: http.MethodPatch, path: "/v1/operations/1"})
	})
}

func TestTranscriptRequestIDs(t *testing.T) {
	record(t, "request_ids", nil, func(t *testing.T, s *transcript) {
		path := s.paid(t, "A-1")
		send := func(title, want, version, body, rid string) answer {
			t.Helper()
			return s.step(t, title, want, request{method: http.MethodPost, path: version + path[3:] + "/refund", body: body,
				header: map[string]string{"X-Request-Id": rid}})
		}
		first := send("a refund", "", "/v2", `{"refundAmount":"10"}`, "A-1")
		again := send("the same once more", "", "/v2", `{"refundAmount":10.00}`, "A-1")
		if a, b := first.field(t, "data.operation.operationId"), again.field(t, "data.operation.operationId"); a != b {
			t.Errorf("two refunds %s and %s under one X-Request-Id", a, b)
		}
		send("another amount is another refund", "", "/v2", `{"refundAmount":"11"}`, "A-1")
		send("so is the same amount under a name", "", "/v2", `{"refundAmount":"11","externalOperationId":"r"}`, "A-1")
		send("the name again, under the same value", "", "/v2", `{"refundAmount":"11","externalOperationId":"r"}`, "A-1")
		send("the name again, under another value", "409 DUPLICATE_EXTERNAL_OPERATION_ID", "/v2", `{"refundAmount":"11","externalOperationId":"r"}`, "other")
		send("a value that is no key", "", "/v2", `{"refundAmount":"12"}`, "\xe9"+strings.Repeat("long", 200))
		s.app.Clock.Advance(25 * time.Hour)
		send("the first again, a day later", "", "/v2", `{"refundAmount":"10"}`, "A-1")
		s.get(t, "the order", "", path)
	})
}

func TestTranscriptGatewayPayments(t *testing.T) {
	record(t, "gateway_payments", func(s *shop.Shop) { s.Settings.Required = shop.RequiredRelaxed }, func(t *testing.T, s *transcript) {
		create := func(reference string) string {
			t.Helper()
			body := fmt.Sprintf(`{"paymentType":"DEPOSIT","amount":12.5,"currency":"EUR","description":"A book"%s}`, reference)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.app.URL+"/api/v1/payments", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+s.shop.APIKey)
			resp, err := s.app.Client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var made struct{ Result struct{ ID string } }
			if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || made.Result.ID == "" {
				t.Fatalf("%d %v", resp.StatusCode, err)
			}
			return made.Result.ID
		}
		named, bare := create(`,"referenceId":"G-1"`), create("")
		s.payBy(t, payment.ID(named), approved)
		s.get(t, "by its reference", "", orders+"/G-1")
		s.get(t, "not by its id, as it has a reference", "404 ORDER_NOT_FOUND", orders+"/"+named)
		s.get(t, "by its id where it has no reference", "", orders+"/"+bare)
		s.post(t, "refund of a part", "", "/v2/orders/G-1/refund", `{"refundAmount":"0.01","externalOperationId":"g"}`)
		s.post(t, "an order called as the payment is another one", "", orders, with(t, tea, "orderId", `"G-1"`))
		s.get(t, "which is shown from then on", "", orders+"/G-1")
	})
}
