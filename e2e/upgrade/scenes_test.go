package upgrade

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const payments = "/api/v1/payments"

const (
	approved  = "4000000000000408"
	declined  = "4000000000000416"
	challenge = "4000000000000002"
	poor      = "4000000000009995"
)

func card(number string) object {
	return object{"cardNumber": number, "cardSecurityCode": "123", "cardholderName": "JANE DOE", "expiryMonth": "12", "expiryYear": "2090"}
}

var browser = object{"customerIp": "192.0.2.1", "customerUserAgent": "test", "browserLanguage": "en"}

// with returns a body with more members; nil removes one.
func with(body object, pairs ...any) object {
	made := maps.Clone(body)
	for i := 0; i < len(pairs); i += 2 {
		if made[pairs[i].(string)] = pairs[i+1]; pairs[i+1] == nil {
			delete(made, pairs[i].(string))
		}
	}
	return made
}

func deposit(reference, amount string, pairs ...any) object {
	return with(object{"paymentType": "DEPOSIT", "referenceId": reference, "amount": json.Number(amount), "currency": "EUR",
		"card": card(approved)}, pairs...)
}

// byCustomer says whose payment it is.
func byCustomer(body object) object { return with(body, "customer", object{"referenceId": "c-1"}) }

func payout(reference, amount string) object {
	return deposit(reference, amount, "paymentType", "WITHDRAWAL")
}

func refund(reference, parent, amount string) object {
	return object{"paymentType": "REFUND", "referenceId": reference, "parentPaymentId": parent, "amount": json.Number(amount), "currency": "EUR"}
}

// everything is what a payment can be created with.
func everything(reference string) object {
	return deposit(reference, "10.00", "card", nil, "description", `Two <tickets> & "more" ё`, "returnUrl", "https://shop.example/{id}/{referenceId}/{state}/{type}",
		"customer", object{"referenceId": "c-1", "citizenshipCountryCode": "GB", "firstName": "Jane", "lastName": "Doe", "dateOfBirth": "2001-12-03",
			"email": "jane@shop.example", "phone": "44 2072243688", "locale": "en", "ip": "192.0.2.1", "kycStatus": true, "paymentInstrumentKycStatus": false},
		"billingAddress", object{"countryCode": "GB", "city": "London", "addressLine1": "221b Baker St", "postalCode": "NW1 6XE"})
}

// byGoogle has a payment be paid by a token instead of a card.
func byGoogle(body object, token string) object {
	return with(body, "card", nil, "paymentMethod", "GOOGLEPAY", "googlePay", object{"token": token})
}

// play tells what a payment comes to, and keeps it.
func (w *world) play(s scene) *scene {
	w.t.Helper()
	if s.Order == "" {
		s.State = w.must(call{shop: s.Shop, method: "GET", path: payments + "/" + s.Payment}).field("result.state")
	} else {
		s.State = w.must(call{shop: s.Shop, method: "GET", path: orderPath(s.Order)}).field("data.order.paymentStatus")
	}
	w.Scenes = append(w.Scenes, &s)
	return &s
}

// make creates a payment and executes it where asked to.
func (w *world) make(shop string, body object, execute bool) *answer {
	w.t.Helper()
	a := w.must(call{shop: shop, method: "POST", path: payments, body: body, header: map[string]string{"Idempotency-Key": fmt.Sprint("key-", body["referenceId"])}})
	if execute {
		a = w.must(call{shop: shop, method: "PATCH", path: payments + "/" + a.field("result.id"), body: browser})
	}
	return a
}

// tell is make and play: the payment is to be in the state and to stay there.
func (w *world) tell(shop, state string, body object, execute bool) *scene {
	w.t.Helper()
	a := w.make(shop, body, execute)
	s := w.play(scene{Name: fmt.Sprint(body["referenceId"]), Shop: shop, Payment: a.field("result.id"), Ends: state, Page: a.field("result.redirectUrl"),
		Token: a.field("result.recurringToken"), Kept: a.field("result.paymentMethodDetails.cardToken")})
	if s.State != state {
		w.t.Errorf("%s: %s, want %s: %s", s.Name, s.State, state, a)
	}
	return s
}

func (w *world) capture(shop, id, amount string) *answer {
	body := object{}
	if amount != "" {
		body["amount"] = json.Number(amount)
	}
	return w.must(call{shop: shop, method: "POST", path: payments + "/" + id + "/capture", body: body})
}

func (w *world) void(shop, id string) *answer {
	return w.must(call{shop: shop, method: "POST", path: payments + "/" + id + "/void"})
}

// again reads the scene's state anew.
func (w *world) again(s *scene, want string) {
	w.t.Helper()
	if s.State = w.stateOf(s); s.State != want {
		w.t.Errorf("%s: %s, want %s", s.Name, s.State, want)
	}
	s.Ends = want
}

func (w *world) stateOf(s *scene) string {
	w.t.Helper()
	if s.Order != "" {
		return w.must(call{shop: s.Shop, method: "GET", path: orderPath(s.Order)}).field("data.order.paymentStatus")
	}
	return w.must(call{shop: s.Shop, method: "GET", path: payments + "/" + s.Payment}).field("result.state")
}

// settled are scenes of the gateway API whose payments rest.
func (w *world) settled() {
	till := "till"
	w.tell(till, "CHECKOUT", everything("checkout"), false)
	w.tell(till, "CHECKOUT", deposit("checkout-card", "11.12"), false)
	w.tell(till, "CHECKOUT", deposit("checkout-amount", "1", "amount", nil, "card", nil), false)
	s := w.tell(till, "CHECKOUT", everything("left"), false)
	w.form(s.Page+"/cancel", url.Values{"nonce": {w.nonce(s.Page)}})
	w.again(s, "CANCELLED")
	w.tell(till, "COMPLETED", deposit("paid", "11.12"), true)
	w.tell(till, "COMPLETED", with(everything("paid-all"), "card", card("5555000000000107"), "startRecurring", true), true)
	w.tell(till, "DECLINED", deposit("declined", "11.12", "card", card(declined)), true)
	w.tell(till, "PENDING", deposit("threeds", "12.00", "card", card(challenge)), true).Ends = "PENDING"
	for _, c := range [][3]string{{"paid", "approve", "COMPLETED"}, {"declined", "decline", "DECLINED"}, {"cancelled", "cancel", "CANCELLED"}} {
		s := w.tell(till, "PENDING", deposit("threeds-"+c[0], "12.00", "card", card(challenge)), true)
		w.decide(s.Page, c[1])
		w.again(s, c[2])
	}
	w.tell(till, "AUTHORIZED", deposit("held", "20.00", "preAuth", true), true)
	w.tell(till, "AUTHORIZED", deposit("held-to-void", "21.00", "preAuth", true), true)
	for _, c := range [][2]string{{"captured", ""}, {"captured-part", "4.00"}} {
		s := w.tell(till, "AUTHORIZED", deposit(c[0], "11.12", "preAuth", true), true)
		w.capture(till, s.Payment, c[1])
		w.again(s, "COMPLETED")
	}
	s = w.tell(till, "AUTHORIZED", deposit("voided", "11.12", "preAuth", true), true)
	w.void(till, s.Payment)
	w.again(s, "CANCELLED")
	for _, c := range [][]string{{"refunded", "11.12"}, {"refunded-part", "1.12", "2.00"}} {
		s := w.tell(till, "COMPLETED", deposit(c[0], "11.12"), true)
		for i, part := range c[1:] {
			w.tell(till, "COMPLETED", refund(fmt.Sprint(c[0], "-", i+1), s.Payment, part), false).Parent = s.Payment
		}
	}
	s = w.tell(till, "COMPLETED", deposit("refund-refused", "20000"), true)
	w.tell(till, "DECLINED", refund("refund-refused-1", s.Payment, "10001"), false).Parent = s.Payment
	w.tell(till, "COMPLETED", payout("payout", "50.00"), false)
	w.tell(till, "DECLINED", payout("payout-refused", "10000.01"), false)
	w.chains(till)
	w.otherMethods(till)
	for _, to := range []string{"down", "gone"} {
		hook := w.Receiver + "/till/" + to
		w.tell(till, "COMPLETED", deposit("told-"+to, "5.00", "webhookUrl", hook), true)
		w.tell(till, "DECLINED", deposit("told-"+to+"-too", "5.00", "webhookUrl", hook, "card", card(poor)), true)
	}
}

// chains are recurring ones, and a card that was only verified.
func (w *world) chains(till string) {
	first := w.tell(till, "COMPLETED", deposit("chain", "9.99", "startRecurring", true), true)
	next := func(name string, of *scene) object {
		return deposit(name, "9.99", "card", nil, "recurringToken", of.Token)
	}
	w.tell(till, "COMPLETED", next("chain-next", first), false)
	w.tell(till, "COMPLETED", deposit("chain-to-stop", "9.98", "startRecurring", true), true)
	verified := deposit("verified", "0", "startRecurring", true, "preAuth", true)
	w.optional("verified", func() error {
		a, err := w.send(call{shop: till, method: "POST", path: payments, body: with(verified, "referenceId", "verified-later")})
		if err != nil || a.status != http.StatusOK {
			return fmt.Errorf("%w: %s", errors.Join(err, errors.New("refused")), a)
		}
		w.tell(till, "AUTHORIZED", verified, true)
		return nil
	})
}

// optional plays a scene that older programs did not know.
func (w *world) optional(what string, play func() error) {
	w.t.Helper()
	if err := play(); err != nil {
		w.t.Logf("LEFT OUT: %s: %v", what, err)
		w.LeftOut = append(w.LeftOut, what)
	}
}

// otherMethods wait for their customers.
func (w *world) otherMethods(till string) {
	for _, method := range []string{"BLIK", "PIX", "OPEN_BANKING", "PAY_BY_LINK", "GOOGLEPAY", "APPLEPAY"} {
		currency := map[string]string{"BLIK": "PLN", "PIX": "BRL"}[method]
		if currency == "" {
			currency = "EUR"
		}
		w.tell(till, "PENDING", deposit("by-"+strings.ToLower(method), "30.00", "card", nil, "paymentMethod", method, "currency", currency), true)
	}
}

// open are scenes whose outcomes the program does not know: nobody can ask the provider while they are played.
func (w *world) open() {
	till := "till"
	held := w.make(till, deposit("unknown-capture", "7000", "preAuth", true), true).field("result.id")
	heldToo := w.make(till, deposit("unknown-void", "60.00", "preAuth", true), true).field("result.id")
	parent := w.make(till, deposit("unknown-refund-parent", "20000"), true).field("result.id")
	w.strike(object{"match": object{"operation": "status"}, "fault": "server_error"})
	w.strike(object{"match": object{"operation": "cancel"}, "fault": "server_error"})
	unsure := func(name, id, parent, ends string) {
		w.t.Helper()
		s := w.play(scene{Name: name, Shop: till, Payment: id, Parent: parent, Open: true, Ends: ends})
		if s.State != "PENDING" {
			w.t.Errorf("%s: %s", name, s.State)
		}
	}
	w.capture(till, held, "6600.05")
	unsure("unknown-capture", held, "", "COMPLETED")
	w.strike(object{"match": object{"operation": "void"}, "fault": "drop", "times": 1})
	w.void(till, heldToo)
	unsure("unknown-void", heldToo, "", "CANCELLED")
	for _, c := range [][3]string{{"booked", "6600.05", "COMPLETED"}, {"not-booked", "6600.04", "DECLINED"}, {"garbage", "6600.10", "COMPLETED"},
		{"quiet", "6600.35", "COMPLETED"}} {
		unsure("unknown-"+c[0], w.make(till, deposit("unknown-"+c[0], c[1]), true).field("result.id"), "", c[2])
	}
	unsure("unknown-hold", w.make(till, deposit("unknown-hold", "6600.05", "preAuth", true), true).field("result.id"), "", "AUTHORIZED")
	unsure("unknown-refund", w.make(till, refund("unknown-refund", parent, "6600.05"), false).field("result.id"), parent, "COMPLETED")
	unsure("unknown-refund-2", w.make(till, refund("unknown-refund-2", parent, "6600.04"), false).field("result.id"), parent, "DECLINED")
	unsure("unknown-payout", w.make(till, payout("unknown-payout", "6600.05"), false).field("result.id"), "", "COMPLETED")
	unsure("undecided", w.make(till, deposit("undecided", "6600.23"), true).field("result.id"), "", "PENDING")
	unsure("undecided-refund", w.make(till, refund("undecided-refund", parent, "6600.23"), false).field("result.id"), parent, "PENDING")
	unsure("by-hand", w.make(till, deposit("by-hand", "6600.23"), true).field("result.id"), "", "PENDING")
}

// calls begins calls that the provider never answers. They are under way when the program is killed.
func (w *world) calls() {
	till := "till"
	held := w.make(till, deposit("call-capture", "7000", "preAuth", true), true).field("result.id")
	heldToo := w.make(till, deposit("call-void", "61.00", "preAuth", true), true).field("result.id")
	parent := w.make(till, deposit("call-refund-parent", "9000"), true).field("result.id")
	booked := w.make(till, deposit("call-booked", "6600.02"), false).field("result.id")
	unbooked := w.make(till, deposit("call-not-booked", "6600.03"), false).field("result.id")
	w.strike(object{"match": object{"operation": "void"}, "fault": "hang", "times": 1})
	begin := func(q call) {
		q.shop = till
		go func() { _, _ = w.send(q) }() // the program is killed before it answers
	}
	begin(call{method: "PATCH", path: payments + "/" + booked, body: browser})
	begin(call{method: "PATCH", path: payments + "/" + unbooked, body: browser})
	begin(call{method: "POST", path: payments + "/" + held + "/capture", body: object{"amount": json.Number("6600.02")}})
	begin(call{method: "POST", path: payments + "/" + heldToo + "/void"})
	begin(call{method: "POST", path: payments, body: refund("call-refund", parent, "6600.02")})
	begin(call{method: "POST", path: payments, body: payout("call-payout", "6600.02")})
	under := func(name, ends string) {
		s := scene{Name: name, Shop: till, Open: true, Calling: true, Ends: ends, State: "PENDING"}
		var last *answer
		defer func() {
			if w.t.Failed() {
				w.t.Logf("%s: %s", name, last)
			}
		}()
		await(w.t, name+" is under way", func() bool {
			var list struct{ Result []struct{ ID, State string } }
			a := w.must(call{shop: till, method: "GET", path: payments + "?referenceId.eq=" + name})
			readJSON(w.t, a.body, &list)
			for _, p := range list.Result {
				s.Payment = p.ID
			}
			last = a
			return len(list.Result) == 1 && list.Result[0].State == "PENDING"
		})
		w.Scenes = append(w.Scenes, &s)
	}
	under("call-booked", "COMPLETED")
	under("call-not-booked", "DECLINED")
	under("call-capture", "COMPLETED")
	under("call-void", "CANCELLED")
	under("call-refund", "COMPLETED")
	under("call-payout", "COMPLETED")
}

// strike makes the simulator fail.
func (w *world) strike(scenario object) {
	w.t.Helper()
	w.control("/scenarios", scenario, http.StatusCreated)
}

func (w *world) control(path string, body object, want int) {
	w.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), "POST", w.Simulator+path, bytes.NewReader(raw))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if a, err := w.do(r); err != nil || a.status != want {
		w.t.Fatalf("simulator%s: %v %v", path, a, err)
	}
}

// notice posts what the provider never sent, signed as it signs.
func (w *world) notice(terminal, event string, body string) *answer {
	w.t.Helper()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(noticeSecret))
	mac.Write([]byte(stamp + "." + body))
	r, err := http.NewRequestWithContext(w.t.Context(), "POST", w.Server+"/notices/"+terminal, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "Sandbox-Event-Id": event, "Sandbox-Timestamp": stamp,
		"Sandbox-Signature": "v1=" + hex.EncodeToString(mac.Sum(nil))} {
		r.Header.Set(name, value)
	}
	a, err := w.do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// decide is what a customer does at the bank, whose page the payment's page leads to, and the way back.
func (w *world) decide(page, decision string) {
	w.t.Helper()
	w.form(page+"/continue", url.Values{})
	a := w.form(page+"/continue", nil)
	at := regexp.MustCompile(regexp.QuoteMeta(w.Simulator) + `/pay/[A-Za-z0-9_-]+`).FindString(a.header.Get("Location") + string(a.body))
	if at == "" {
		w.t.Fatalf("page %s leads nowhere: %s", page, a)
	}
	a = w.form(at, url.Values{"decision": {decision}})
	for back := a.header.Get("Location"); strings.HasPrefix(back, w.Server); {
		r, err := http.NewRequestWithContext(w.t.Context(), "GET", back, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		if a, err = w.do(r); err != nil {
			w.t.Fatal(err)
		}
		back = a.header.Get("Location")
	}
}

func (w *world) form(page string, form url.Values) *answer {
	w.t.Helper()
	method, body := "POST", form.Encode()
	if form == nil {
		method = "GET"
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, page, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	a, err := w.do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

var nonceField = regexp.MustCompile(`name="nonce" value="([^"]*)"`)

// pay fills in the payment page.
func (w *world) pay(page, number string) {
	w.t.Helper()
	a := w.form(page, url.Values{"nonce": {w.nonce(page)}, "method": {"BASIC_CARD"}, "number": {number}, "code": {"123"}, "expiry": {"12/90"}, "holder": {"Jane Doe"}})
	if a.status != http.StatusSeeOther {
		w.t.Errorf("form of %s: %s", page, a)
	}
}

// nonce reads the page's form.
func (w *world) nonce(page string) string {
	w.t.Helper()
	shown := w.form(page, nil)
	nonce := nonceField.FindSubmatch(shown.body)
	if nonce == nil {
		w.t.Fatalf("page %s has no form: %s", page, shown)
	}
	return string(nonce[1])
}
