package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// kindsOfIDs are all that names something of a shop. absent is a name of the same form for which there is nothing.
var kindsOfIDs = []struct {
	name          string
	owned, absent func(*scene) string
}{
	{"payment", (*scene).paid, (*scene).unknown},
	{"payment with a checkout", (*scene).checkout, (*scene).unknown},
	{"payment that is held", (*scene).held, (*scene).unknown},
	{"payment, dashed", func(s *scene) string { return id.Dashed(s.paid()) }, func(s *scene) string { return id.Dashed(s.unknown()) }},
	{"refund", (*scene).refund, (*scene).unknown},
	{"order", (*scene).order, (*scene).fresh},
	{"reference", func(s *scene) string { return s.reference(s.held()) }, (*scene).fresh},
	{"order of a subscription", (*scene).subscriber, (*scene).fresh},
	{"subscription", (*scene).subscription, func(s *scene) string { return id.Dashed(s.unknown()) }},
	{"operation by the merchant's name", (*scene).operation, (*scene).fresh},
	{"operation by our id", func(s *scene) string {
		return fmt.Sprint(s.yandex("GET", "/v1/orders/"+s.reference(s.paid()), "").list("data.operations")[0].(map[string]any)["operationId"])
	}, func(s *scene) string { return id.Dashed(s.unknown()) }},
	{"recurring token", (*scene).token, func(s *scene) string { return s.app.IDs.Letters(32) }},
	{"customer", (*scene).customer, (*scene).fresh},
	{"card token", (*scene).cardToken, func(s *scene) string { return strings.ToLower(s.app.IDs.Letters(32)) }},
	{"cursor", func(s *scene) string { return s.gateway("GET", "/events?limit=1", "").at("cursor") }, func(*scene) string { return "AAAAAAAAAAAAAAAA" }},
	{"event", func(s *scene) string {
		return fmt.Sprint(s.gateway("GET", "/events?limit=1", "").list("result")[0].(map[string]any)["id"])
	}, func(s *scene) string { return "evt_" + s.unknown() }},
	{"shop", func(s *scene) string { return string(s.shop.ID) }, (*scene).unknown},
	{"merchant", func(s *scene) string { return id.Dashed(string(s.shop.ID)) }, func(s *scene) string { return id.Dashed(s.unknown()) }},
	{"terminal", func(s *scene) string { return s.shop.Terminals[0].ID }, (*scene).unknown},
}

func (s *scene) unknown() string { made, _ := s.app.IDs.New(); return made }

// refund is the id of a refund of what is paid.
func (s *scene) refund() string {
	return s.thing("refund", func() string {
		return s.gateway("POST", "/payments", `{"paymentType":"REFUND","currency":"RUB","amount":1,"parentPaymentId":"`+s.paid()+`"}`).at("result.id")
	})
}

// place is where a request names something. Its query or body has the id as {}.
type place struct {
	target, body string
	own          func(*scene) string // what the caller names of its own, as {own}
	names        bool                // something new is named so
}

// ownOf is what the caller names of its own.
func (p *place) ownOf(s *scene) string {
	if p.own == nil {
		return ""
	}
	return p.own(s)
}

// placesOf are all places of every route. A route whose path has an id has that place without being listed.
var placesOf = map[string][]place{
	"GET /api/v1/payments":                   {{target: "?referenceId.eq={}"}, {target: "?referenceId.eq={}&limit=1&offset=0"}},
	"GET /api/v1/payments/{id}":              nil,
	"GET /api/v1/payments/{id}/operations":   nil,
	"PATCH /api/v1/payments/{id}":            {{body: browserOf}},
	"POST /api/v1/payments/{id}/capture":     {{body: `{"amount":1}`}},
	"POST /api/v1/payments/{id}/void":        nil,
	"GET /api/v1/events":                     {{target: "?after={}"}},
	"GET /api/merchant/v1/orders/{order_id}": nil,

	"GET /api/v1/customers/{customerReferenceId}/card-tokens": nil,
	"DELETE /api/v1/customers/{customerReferenceId}/card-tokens/{id}": {
		{target: "/{own}/card-tokens/{}", own: (*scene).customer}, {target: "/{}/card-tokens/{own}", own: (*scene).cardToken},
	},
	"POST /api/v1/payments": {
		{body: `{"paymentType":"REFUND","currency":"RUB","amount":1,"parentPaymentId":"{}"}`},
		{body: `{"paymentType":"REFUND","currency":"RUB","parentPaymentId":"{}"}`},
		{body: `{"paymentType":"DEPOSIT","currency":"RUB","amount":1,"recurringToken":"{}"}`},
		{body: `{"paymentType":"DEPOSIT","currency":"RUB","amount":1,"parentPaymentId":"{}"}`},
		{body: `{"paymentType":"DEPOSIT","currency":"RUB","amount":1,"recurringToken":"{own}","parentPaymentId":"{}"}`, own: (*scene).token},
		{body: `{"paymentType":"DEPOSIT","currency":"RUB","amount":1,"card":{"cardToken":"{}","expiryMonth":"01","expiryYear":"2090"}}`},
		{body: `{"paymentType":"DEPOSIT","currency":"RUB","amount":1,"referenceId":"{}"}`, names: true},
	},
	"POST /api/merchant/v1/orders":                             {{body: `{"orderId":"{}","currencyCode":"RUB",` + cartOf + `}`, names: true}},
	"POST /api/merchant/v1/orders/{order_id}/cancel":           {{body: `{"reason":"x"}`}},
	"POST /api/merchant/v1/orders/{order_id}/capture":          {{body: `{"orderAmount":"100.00"}`}},
	"POST /api/merchant/v1/orders/{order_id}/refund":           {{body: `{"refundAmount":1}`}, {target: "/{own}/refund", body: `{"refundAmount":1,"externalOperationId":"{}"}`, own: ofPaid, names: true}},
	"POST /api/merchant/v2/orders/{order_id}/refund":           {{body: `{"refundAmount":1}`}, {target: "/{own}/refund", body: `{"refundAmount":1,"externalOperationId":"{}"}`, own: ofPaid, names: true}},
	"POST /api/merchant/v1/orders/{order_id}/rollback":         nil,
	"POST /api/merchant/v1/orders/{order_id}/submit":           nil,
	"GET /api/merchant/v1/operations/{external_operation_id}":  nil,
	"POST /api/merchant/v1/operations/{external_operation_id}": nil,
	"POST /api/merchant/v1/subscriptions":                      {{body: `{"orderId":"{}","currencyCode":"RUB","intervalUnit":"MONTH","intervalCount":1,` + cartOf + `}`, names: true}},
	"POST /api/merchant/v1/subscriptions/recur": {
		{body: `{"orderId":"{own}","parentOrderId":"{}","amount":"180.00","currencyCode":"RUB",` + cartOf + `}`, own: (*scene).fresh},
		{body: `{"orderId":"{}","parentOrderId":"{own}","amount":"180.00","currencyCode":"RUB",` + cartOf + `}`, own: (*scene).subscriber, names: true},
	},
	"GET /api/merchant/v1/subscriptions/{subscription_id}":  {{body: `{"check_card_active":true}`}},
	"POST /api/merchant/v1/subscriptions/{subscription_id}": nil,
}

func ofPaid(s *scene) string { return s.reference(s.paid()) }

// TestForeignIDsAreAbsentOnes has each of two shops try every route with every kind of id of the other: it gets what it
// gets for an id that nobody has, and nothing of the other changes.
func TestForeignIDsAreAbsentOnes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		app := testkit.New(t, d.Open(), testkit.Options{})
		shops := []*scene{sceneOn(t, app), sceneOn(t, app)}
		asked := 0
		for i, owner := range shops {
			stranger := shops[1-i]
			for _, kind := range kindsOfIDs { // all is made before anything is looked at
				kind.owned(owner)
				kind.owned(stranger)
			}
			before := owner.everything()
			for _, route := range routesOfAPIs() {
				for _, p := range allPlaces(route) {
					asked += owner.triedBy(stranger, route, &p)
				}
			}
			if after := owner.everything(); before != after {
				t.Errorf("what another shop has tried changed\n%s\ninto\n%s", before, after)
			}
		}
		for _, route := range routesOfAPIs() {
			if !shops[0].told(route, shops[1]) {
				t.Errorf("%s tells its own shop no more than another", route)
			}
		}
		t.Logf("%d requests compared", asked)
	})
}

// triedBy compares what a stranger is told of the ids of s with what it is told of ids of nobody.
func (s *scene) triedBy(stranger *scene, route string, p *place) int {
	if p.names {
		stranger = sceneOn(s, s.app) // for which no name was used before
	}
	for _, kind := range kindsOfIDs {
		foreign := stranger.tried(route, p, kind.owned(s), p.ownOf(stranger))
		absent := stranger.tried(route, p, kind.absent(stranger), p.ownOf(stranger))
		if foreign != absent {
			s.Errorf("%s %s %s with the %s of another shop:\n%.300s\nwith one of nobody:\n%.300s", route, p.target, p.body, kind.name, foreign, absent)
		}
	}
	return len(kindsOfIDs)
}

// told reports whether the route tells the shop something of its own ids: else that it tells nobody else means nothing.
func (s *scene) told(route string, stranger *scene) bool {
	for _, p := range allPlaces(route) {
		for _, kind := range kindsOfIDs {
			if s.tried(route, &p, kind.owned(s), p.ownOf(s)) != stranger.tried(route, &p, kind.absent(stranger), p.ownOf(stranger)) {
				return true
			}
		}
	}
	return false
}

func routesOfAPIs() []string { return slices.Concat(gateway.Routes(), yandexpay.Routes()) }

// allPlaces are those of a route, with the one in its path.
func allPlaces(route string) []place {
	all := placesOf[route]
	if !strings.Contains(route, "{") {
		return all
	}
	var with []place
	for _, p := range all {
		if p.target == "" {
			p.target = "{}"
		}
		with = append(with, p)
	}
	if len(with) == 0 {
		with = []place{{target: "{}"}}
	}
	return with
}

// TestEveryRouteIsTriedWithForeignIDs: a new route needs a row.
func TestEveryRouteIsTriedWithForeignIDs(t *testing.T) {
	t.Parallel()
	for _, route := range routesOfAPIs() {
		if _, ok := placesOf[route]; !ok || len(allPlaces(route)) == 0 {
			t.Errorf("no row for %s", route)
		}
	}
}

var (
	idInRoute = regexp.MustCompile(`\{[a-zA-Z_]+\}`)
	varying   = regexp.MustCompile(`[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|/payment/[\w-]+|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)?|"cursor":"[\w-]+"`)
)

// tried is the answer to a request that has the id in a place, without what differs between any two answers.
func (s *scene) tried(route string, p *place, given, own string) string {
	method, target, _ := strings.Cut(route, " ")
	switch {
	case strings.HasPrefix(p.target, "/{"):
		start, _, _ := strings.Cut(target, "/{")
		target = start + strings.NewReplacer("{own}", own, "{}", url.PathEscape(given)).Replace(p.target)
	case p.target == "{}":
		target = idInRoute.ReplaceAllLiteralString(target, url.PathEscape(given))
	default:
		target += strings.ReplaceAll(p.target, "{}", url.QueryEscape(given))
	}
	area := areaGateway
	if strings.HasPrefix(target, yandexpay.BasePath) {
		area = areaYandex
	}
	q := s.json(area, method, target, strings.NewReplacer("{}", given, "{own}", own).Replace(p.body))
	a, err := s.send(&q)
	if err != nil {
		s.Fatal(err)
	}
	for _, fault := range judge(&q, a) {
		s.Errorf("%s with %s: %s", route, given, fault)
	}
	body := strings.ReplaceAll(strings.ReplaceAll(string(a.body), url.PathEscape(given), "ID"), given, "ID")
	if own != "" {
		body = strings.ReplaceAll(body, own, "OWN")
	}
	return fmt.Sprintf("%d %s %v", a.status, varying.ReplaceAllString(body, "*"), headerNames(a.header))
}

func headerNames(h http.Header) []string {
	var names []string
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// everything is what the shop sees of itself.
func (s *scene) everything() string {
	var all bytes.Buffer
	for _, path := range []string{"/api/v1/payments?limit=1000", "/api/v1/events?limit=1000"} {
		q := s.json(areaGateway, "GET", path, "")
		a, err := s.send(&q)
		if err != nil || a.status != 200 {
			s.Fatalf("%v %v", err, a)
		}
		_, rest, _ := bytes.Cut(a.body, []byte(`"status":200`)) // the time of the answer is before it
		all.Write(rest)
	}
	return all.String()
}
