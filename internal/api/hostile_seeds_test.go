package api_test

import "net/url"

// seed is a valid request for a route; spends is what it uses up when it is carried out.
type seed struct {
	route  string
	spends string
	make   func(*scene) sent
}

func (s *scene) json(area, method, target, body string) sent {
	scheme := "Bearer "
	if area == areaYandex {
		scheme = "Api-Key "
	}
	return sent{area: area, method: method, target: target, body: []byte(body), header: []string{
		"Host: sluice.example", "Authorization: " + scheme + s.shop.APIKey, "Content-Type: application/json"}}
}

func (s *scene) posted(target string, form url.Values) sent {
	return sent{area: areaPage, method: "POST", target: target, body: []byte(form.Encode()), header: []string{
		"Host: sluice.example", "Content-Type: application/x-www-form-urlencoded", "Accept-Language: en", "User-Agent: Firefox"}}
}

func (s *scene) plain(area, target string) sent {
	return sent{area: area, method: "GET", target: target, header: []string{"Host: sluice.example", "Accept-Language: de,en"}}
}

// wholePayment is a request with every field of the contract.
const wholePayment = `{"referenceId":"R-1","paymentType":"DEPOSIT","paymentMethod":"BASIC_CARD","amount":11.12,"currency":"EUR","parentPaymentId":null,` +
	`"description":"Tea & cups",` + cardOf + `,"customer":{"referenceId":"c1","firstName":"John","lastName":"Doe","email":"john@example.com",` +
	`"phone":"44 02072243688","ip":"152.13.130.125","citizenshipCountryCode":"GB","dateOfBirth":"2001-12-03","locale":"en","accountNumber":"a1",` +
	`"accountName":"n","accountType":"SAVINGS","bank":"b","bankCode":"c","bankBranch":"d","bankBranchCode":"e","documentType":"AR_CDI",` +
	`"documentNumber":"1","routingGroup":"g","kycStatus":true,"paymentInstrumentKycStatus":false,"dateOfFirstDeposit":"2021-01-02",` +
	`"depositsAmount":1,"withdrawalsAmount":2,"depositsCnt":3,"withdrawalsCnt":4},"billingAddress":{"addressLine1":"221b Baker St",` +
	`"addressLine2":"Flat 2","city":"London","countryCode":"GB","postalCode":"NW1 6XE","state":"x"},"returnUrl":"https://shop.example/{id}/{state}",` +
	`"webhookUrl":"https://shop.example/hook","startRecurring":true,"preAuth":true}`

const wholeCart = `"cart":{"externalId":"x","items":[{"productId":"p1","title":"Tea","description":"d","skuId":"s","type":"PHYSICAL",` +
	`"quantity":{"count":"2","available":"2","label":"pcs"},"total":"180.00","unitPrice":"90.00","discountedUnitPrice":"90.00","subtotal":"180.00",` +
	`"features":{"pointsDisabled":true,"tariffModifier":"LOW"},"receipt":{"tax":1,"markQuantity":{"numerator":1,"denominator":2}},` +
	`"measurements":{"height":1.5}}],"total":{"amount":"180.00","externalAmount":"0","label":"l"},"coupons":[],"discounts":[],"measurements":{"weight":1}}`

const wholeOrder = wholeCart + `,` + goTo + `,"currencyCode":"RUB","availablePaymentMethods":["CARD","SPLIT"],"preferredPaymentMethod":"FULLPAYMENT",` +
	`"ttl":1800,"isPrepayment":false,"metadata":"m","purpose":"p","billingPhone":"+7 900 000 00 00","fiscalContact":"a@b.example",` +
	`"orderSource":"CMS_PLUGIN","publicConstructor":"2","extensions":{"smsOffer":{"phone":"+7900"}},"risk":{"deviceId":"d"},"uniqrMetadata":{"uniQrId":"q"}`

const browserOf = `{"customerIp":"152.13.130.125","ipCountryCode":"GB","customerUserAgent":"Firefox","browserWindowWidth":1,"browserWindowHeight":2,` +
	`"browserScreenWidth":3,"browserScreenHeight":4,"browserScreenColorDepth":24,"browserLanguage":"en","browserJavaEnabled":false,"browserTimezoneOffset":-60}`

func seedsOfScene() []seed {
	const api, merchant = "/api/v1", "/api/merchant"
	gateway := func(method, path, spends string, request func(*scene) (target, body string)) seed {
		return seed{method + " " + api + path, spends, func(s *scene) sent {
			target, body := request(s)
			return s.json(areaGateway, method, api+target, body)
		}}
	}
	yandex := func(method, path, spends string, request func(*scene) (target, body string)) seed {
		return seed{method + " " + merchant + path, spends, func(s *scene) sent {
			target, body := request(s)
			return s.json(areaYandex, method, merchant+target, body)
		}}
	}
	page := func(route, spends string, request func(*scene) sent) seed { return seed{route, spends, request} }
	return []seed{
		gateway("GET", "/payments", "", func(s *scene) (string, string) {
			return "/payments?offset=0&limit=5&created.gte=2021-10-13T10:26:18&updated.lt=2090-01-01T00:00:00Z&referenceId.eq=R-1", ""
		}),
		gateway("POST", "/payments", "", func(*scene) (string, string) { return "/payments", wholePayment }),
		gateway("POST", "/payments", "", func(*scene) (string, string) {
			return "/payments", `{"paymentType":"WITHDRAWAL","currency":"EUR","amount":"10.00",` + cardOf + `}`
		}),
		gateway("POST", "/payments", "", func(s *scene) (string, string) {
			return "/payments", `{"paymentType":"REFUND","currency":"RUB","amount":0.01,"parentPaymentId":"` + s.paid() + `"}`
		}),
		gateway("POST", "/payments", "", func(s *scene) (string, string) {
			return "/payments", `{"paymentType":"DEPOSIT","currency":"RUB","amount":1,"recurringToken":"` + s.token() + `","parentPaymentId":"` + s.paid() + `"}`
		}),
		gateway("GET", "/payments/{id}", "", func(s *scene) (string, string) { return "/payments/" + s.paid(), "" }),
		gateway("PATCH", "/payments/{id}", "checkout", func(s *scene) (string, string) { return "/payments/" + s.checkout(), browserOf }),
		gateway("POST", "/payments/{id}/capture", "held", func(s *scene) (string, string) { return "/payments/" + s.held() + "/capture", `{"amount":100.5}` }),
		gateway("POST", "/payments/{id}/void", "held", func(s *scene) (string, string) { return "/payments/" + s.held() + "/void", "" }),
		gateway("GET", "/payments/{id}/operations", "", func(s *scene) (string, string) { return "/payments/" + s.paid() + "/operations", "" }),
		gateway("GET", "/events", "", func(s *scene) (string, string) { return "/events?limit=3&wait=0&after=latest", "" }),
		gateway("POST", "/payments", "", func(s *scene) (string, string) {
			return "/payments", `{"paymentType":"DEPOSIT","currency":"RUB","amount":180,"customer":{"referenceId":"` + s.customer() + `"},"card":{"cardToken":"` + s.cardToken() +
				`","cardSecurityCode":"731","expiryMonth":"02","expiryYear":"2091","cardholderName":"JOHN DOE"}}`
		}),
		gateway("GET", "/customers/{customerReferenceId}/card-tokens", "", func(s *scene) (string, string) {
			return "/customers/" + s.customer() + "/card-tokens", ""
		}),
		gateway("DELETE", "/customers/{customerReferenceId}/card-tokens/{id}", "customer", func(s *scene) (string, string) {
			return "/customers/" + s.customer() + "/card-tokens/" + s.cardToken(), ""
		}),
		yandex("POST", "/v1/orders", "", func(s *scene) (string, string) {
			return "/v1/orders", `{"orderId":"` + s.fresh() + `",` + wholeOrder + `}`
		}),
		yandex("GET", "/v1/orders/{order_id}", "", func(s *scene) (string, string) { return "/v1/orders/" + s.order(), "" }),
		yandex("POST", "/v1/orders/{order_id}/cancel", "held", func(s *scene) (string, string) {
			return "/v1/orders/" + s.reference(s.held()) + "/cancel", `{"reason":"no","externalOperationId":"` + s.fresh() + `"}`
		}),
		yandex("POST", "/v1/orders/{order_id}/capture", "held", func(s *scene) (string, string) {
			return "/v1/orders/" + s.reference(s.held()) + "/capture", `{"orderAmount":"180.00","externalOperationId":"` + s.fresh() + `",` + wholeCart + `}`
		}),
		yandex("POST", "/v1/orders/{order_id}/refund", "paid", func(s *scene) (string, string) {
			return "/v1/orders/" + s.reference(s.paid()) + "/refund", `{"orderAmount":0,"refundAmount":1.0,"externalOperationId":"` + s.fresh() + `"}`
		}),
		yandex("POST", "/v2/orders/{order_id}/refund", "paid", func(s *scene) (string, string) {
			return "/v2/orders/" + s.reference(s.paid()) + "/refund", `{"refundAmount":"1.00","externalOperationId":"` + s.fresh() +
				`","motive":"m","branchId":"b","managerId":"c","refundExternalAmount":"0"}`
		}),
		yandex("POST", "/v1/orders/{order_id}/rollback", "order", func(s *scene) (string, string) { return "/v1/orders/" + s.order() + "/rollback", "" }),
		yandex("POST", "/v1/orders/{order_id}/submit", "", func(s *scene) (string, string) { return "/v1/orders/" + s.order() + "/submit", "" }),
		yandex("GET", "/v1/operations/{external_operation_id}", "", func(s *scene) (string, string) { return "/v1/operations/" + s.operation(), "" }),
		yandex("POST", "/v1/operations/{external_operation_id}", "", func(s *scene) (string, string) { return "/v1/operations/" + s.operation(), "[]" }),
		yandex("POST", "/v1/subscriptions", "", func(s *scene) (string, string) {
			return "/v1/subscriptions", `{"orderId":"` + s.fresh() + `","isBinding":false,"intervalUnit":"MONTH","intervalCount":1,"trialUnit":"DAY",` +
				`"trialCount":3,"futureWriteOffAmount":"10.00","title":"t","currencyCode":"RUB","ttl":180,"metadata":"m",` + wholeCart + "," + goTo + `}`
		}),
		yandex("POST", "/v1/subscriptions/recur", "", func(s *scene) (string, string) {
			return "/v1/subscriptions/recur", `{"orderId":"` + s.fresh() + `","parentOrderId":"` + s.subscriber() + `","amount":"180.00","currencyCode":"RUB",` + wholeCart + `}`
		}),
		yandex("GET", "/v1/subscriptions/{subscription_id}", "", func(s *scene) (string, string) {
			return "/v1/subscriptions/" + s.subscription(), `{"check_card_active":true}`
		}),
		yandex("POST", "/v1/subscriptions/{subscription_id}", "", func(s *scene) (string, string) { return "/v1/subscriptions/" + s.subscription(), "" }),
		page("GET /payment/{token}", "", func(s *scene) sent { return s.plain(areaPage, s.page()) }),
		page("POST /payment/{token}", "order", func(s *scene) sent { return s.posted(s.page(), s.form()) }),
		page("POST /payment/{token}/cancel", "order", func(s *scene) sent { return s.posted(s.page()+"/cancel", url.Values{"nonce": {s.nonce()}}) }),
		page("GET /payment/{token}/continue", "", func(s *scene) sent { return s.plain(areaPage, s.away()+"/continue") }),
		page("POST /payment/{token}/continue", "", func(s *scene) sent { return s.posted(s.away()+"/continue", nil) }),
		page("GET /payment/{token}/return", "", func(s *scene) sent { return s.plain(areaPage, s.away()+"/return?x=1") }),
		page("POST /payment/{token}/return", "", func(s *scene) sent { return s.posted(s.away()+"/return", url.Values{"PaRes": {"x"}}) }),
		page("POST /notices/{terminal}", "", func(s *scene) sent {
			header, body := s.notice()
			return sent{area: areaNotice, method: "POST", target: "/notices/" + s.shop.Terminals[0].ID, body: []byte(body),
				header: append(header, "Host: sluice.example", "Content-Type: application/json")}
		}),
		page("GET /api/jwks", "", func(s *scene) sent { return s.plain(areaOther, "/api/jwks") }),
		page("GET /openapi.json", "", func(s *scene) sent { return s.plain(areaOther, "/openapi.json") }),
		page("GET /openapi-yandexpay.json", "", func(s *scene) sent { return s.plain(areaOther, "/openapi-yandexpay.json") }),
	}
}
