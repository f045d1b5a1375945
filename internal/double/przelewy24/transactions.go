package przelewy24

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// The published states of a transaction.
const (
	notPaid  = 0
	prepaid  = 1 // paid by the customer, and not handed to the merchant
	paid     = 2 // verified
	returned = 3
)

// transaction is one registration, and what became of it.
type transaction struct {
	token, session string
	amount         int64
	currency       string
	email          string
	about          string
	order          int64 // zero until its customer has chosen how to pay
	method         int64
	state          int
	psu            bool
	limit          time.Time // when its customer's time is over; zero for never
	hidden         time.Time // until when a query does not find it
	back           string
	tell, tellBlik string
	given          int64 // given back, or on the way
}

// members are the published names of a registration.
var members = []string{
	"merchantId", "posId", "sessionId", "amount", "currency", "description", "email", "client", "address", "zip", "city", "country", "phone", "language",
	"method", "urlReturn", "urlStatus", "urlCardPaymentNotification", "timeLimit", "channel", "waitForResult", "regulationAccept", "shipping",
	"transferLabel", "mobileLib", "sdkVersion", "sign", "encoding", "methodRefId", "cart", "additional",
}

var languages = []string{"bg", "cs", "de", "en", "es", "fr", "hr", "hu", "it", "nl", "pl", "pt", "se", "sk", "ro"}

// register takes a transaction. A session that was registered before with that amount keeps its token.
func (d *Double) register(c *call) frame.Answer {
	t, wrong := d.read(c)
	if wrong != "" {
		return fail(http.StatusBadRequest, 400, "Invalid "+wrong)
	}
	for _, known := range d.transactions {
		if known.session == t.session && known.amount == t.amount && known.currency == t.currency {
			return answer(http.StatusOK, object{"token": known.token})
		}
	}
	t.token = fmt.Sprintf("D0UB1E%04d-T0KEN", len(d.transactions)+1)
	d.transactions = append(d.transactions, t)
	return answer(http.StatusOK, object{"token": t.token})
}

// read reads a registration, or names what is wrong with it.
func (d *Double) read(c *call) (*transaction, string) {
	for name := range c.in {
		if !slices.Contains(members, name) {
			return nil, name
		}
	}
	t := new(transaction)
	merchant, is1 := c.whole("merchantId")
	pos, is2 := c.whole("posId")
	if !is1 || !is2 || merchant != d.c.Merchant || pos != d.c.POS {
		return nil, "merchantId"
	}
	var is bool
	if t.amount, is = c.whole("amount"); !is || t.amount < 1 {
		return nil, "amount"
	}
	for _, f := range []struct {
		into *string
		name string
		most int
	}{
		{&t.session, "sessionId", 100}, {&t.currency, "currency", 3}, {&t.about, "description", 1024}, {&t.email, "email", 50}, {new(string), "country", 2},
		{new(string), "language", 2}, {&t.back, "urlReturn", 250}, {new(string), "sign", 100},
	} {
		if *f.into, is = c.text(f.name, f.most); !is {
			return nil, f.name
		}
	}
	for name, most := range map[string]int{"urlStatus": 250, "urlCardPaymentNotification": 250, "client": 40, "address": 80, "zip": 10, "city": 50, "phone": 12, "transferLabel": 20} {
		if _, sent := c.in[name]; sent {
			if _, is = c.text(name, most); !is {
				return nil, name
			}
		}
	}
	t.tell, _ = c.in["urlStatus"].(string)
	t.tellBlik, _ = c.in["urlCardPaymentNotification"].(string)
	if limit, is := c.whole("timeLimit"); is {
		if limit < 0 || limit > 99 {
			return nil, "timeLimit"
		}
		if limit > 0 {
			t.limit = c.now.Add(time.Duration(limit) * time.Minute)
		}
	}
	t.method, _ = c.whole("method")
	more, _ := c.in["additional"].(object)
	psu, _ := more["PSU"].(object)
	t.psu = psu["IP"] != nil && psu["userAgent"] != nil
	language, _ := c.in["language"].(string)
	switch {
	case !slices.Contains(languages, language):
		return nil, "language"
	case !strings.Contains(t.email, "@"):
		return nil, "email"
	case c.in["sign"] != sum("sessionId", t.session, "merchantId", merchant, "amount", t.amount, "currency", t.currency, "crc", d.c.CRC):
		return nil, "CRC"
	}
	return t, ""
}

// begin gives a transaction its number, once its customer has chosen how to pay.
func (d *Double) begin(t *transaction) {
	if t.order == 0 {
		t.order = d.order
		d.order++
	}
}

// methodBlik is the number of BLIK by code.
const methodBlik = 181

// charge asks the bank's app of whoever has the code. The sandbox takes 777 and any three digits.
func (d *Double) charge(c *call) frame.Answer {
	token, _ := c.text("token", 100)
	code, _ := c.text("blikCode", 6)
	t := d.by(func(t *transaction) bool { return t.token == token && token != "" })
	switch {
	case t == nil || !t.psu || len(code) != 6:
		return fail(http.StatusBadRequest, 400, "Invalid input data")
	case c.fault.Kind == frame.Decline:
		n, _ := strconv.Atoi(c.fault.Code)
		return fail(http.StatusBadRequest, n, "Refused")
	case t.order != 0:
		return answer(http.StatusCreated, object{"orderId": t.order, "message": "success"})
	case !strings.HasPrefix(code, "777"):
		return fail(http.StatusBadRequest, 28, "Incorrect ticket!")
	}
	d.begin(t)
	t.method = methodBlik
	if c.fault.Lag > 0 {
		t.hidden = c.now.Add(c.fault.Lag)
	}
	return answer(http.StatusCreated, object{"orderId": t.order, "message": "success"})
}

// by is the newest transaction that is meant.
func (d *Double) by(meant func(*transaction) bool) *transaction {
	for _, t := range slices.Backward(d.transactions) {
		if meant(t) {
			return t
		}
	}
	return nil
}

// ofSession is what a query for the session shows: what was paid, else what was begun last.
func (d *Double) ofSession(session string) *transaction {
	if t := d.by(func(t *transaction) bool { return t.session == session && t.state != notPaid }); t != nil {
		return t
	}
	return d.by(func(t *transaction) bool { return t.session == session && t.order != 0 })
}

func (d *Double) query(c *call) frame.Answer {
	t := d.ofSession(c.id)
	if t == nil || c.now.Before(t.hidden) {
		return notFound()
	}
	return answer(http.StatusOK, object{
		"statement": "p24-A11-B22-C33", "orderId": t.order, "sessionId": t.session, "status": t.state, "amount": t.amount, "currency": t.currency,
		"date": "202611301200", "dateOfTransaction": "202611301201", "clientEmail": t.email, "accountMD5": "", "paymentMethod": t.method,
		"description": t.about, "clientName": "", "clientAddress": "", "clientCity": "", "clientPostcode": "", "batchId": 0, "fee": "0",
	})
}

// verify hands what a customer has paid to the merchant. Again it succeeds again, and hands over nothing.
func (d *Double) verify(c *call) frame.Answer {
	session, _ := c.text("sessionId", 100)
	amount, _ := c.whole("amount")
	currency, _ := c.text("currency", 3)
	order, _ := c.whole("orderId")
	merchant, _ := c.whole("merchantId")
	pos, _ := c.whole("posId")
	t := d.ofSession(session)
	right := c.in["sign"] == sum("sessionId", session, "orderId", order, "amount", amount, "currency", currency, "crc", d.c.CRC)
	if !right || merchant != d.c.Merchant || pos != d.c.POS {
		return fail(http.StatusBadRequest, 400, "Invalid input data")
	}
	if t == nil || t.order != order || t.amount != amount || t.currency != currency || t.state != prepaid && t.state != paid {
		return fail(http.StatusBadRequest, 400, "Error call 2")
	}
	if t.state == prepaid {
		t.state = paid
		d.Book(t.session, frame.Taken, strconv.FormatInt(t.amount, 10), t.currency)
	}
	return answer(http.StatusOK, object{"status": "success"})
}

// Finish ends what waits under a session or a refund's request: its customer pays or is refused, the refund is done or refused. It reports
// false where nothing waits.
func (d *Double) Finish(key string, approve bool) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	if t := d.by(func(t *transaction) bool { return t.session == key && t.order != 0 && t.state == notPaid }); t != nil {
		d.end(t, approve)
		return true
	}
	for _, r := range d.refunds {
		if r.request == key && (r.state == pending || r.state == awaiting) {
			d.done(r, approve)
			return true
		}
	}
	return false
}

// end is how the bank answers. Whoever is refused is told of nothing but, of BLIK, an additional notice.
func (d *Double) end(t *transaction, approve bool) {
	t.hidden = time.Time{}
	if approve {
		t.state = prepaid
		d.tellPaid(t)
	}
	if t.method == methodBlik && t.tellBlik != "" {
		d.tellBlik(t, map[bool]string{true: "0", false: "63"}[approve])
	}
}

// State is the state of a session, for tests: -1 where a query finds nothing.
func (d *Double) State(session string) int {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	if t := d.ofSession(session); t != nil {
		return t.state
	}
	return -1
}

// Token is that of the session's registration; empty for none.
func (d *Double) Token(session string) string {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	if t := d.by(func(t *transaction) bool { return t.session == session }); t != nil {
		return t.token
	}
	return ""
}

func (d *Double) access(_ *call) frame.Answer {
	return frame.Answer{Status: http.StatusOK, Body: object{"data": true, "error": ""}}
}

// banks lists ways of paying, one of them out of order and some no banks.
func (d *Double) banks(_ *call) frame.Answer {
	one := func(id int, name, group string, on bool) object {
		return object{"id": id, "name": name, "group": group, "subgroup": group, "status": on, "imgUrl": "https://static.example/" + strconv.Itoa(id),
			"mobileImgUrl": "https://static.example/m" + strconv.Itoa(id), "mobile": true, "availabilityHours": object{"mondayToFriday": "00-24", "saturday": "unavailable", "sunday": "00-24"}}
	}
	return frame.Answer{Status: http.StatusOK, Body: object{"agreements": []string{}, "responseCode": "0", "data": []object{
		one(20, "PKO Bank Polski", "FastTransfers", true), one(25, "mBank - mTransfer", "FastTransfers", true), one(31, "Bank w naprawie", "FastTransfers", false),
		one(178, "Użyj przedpłaty", "PrePayment", true), one(181, "BLIK", "Blik", true), one(241, "Karty", "Credit Card", true), one(270, "Bank Nowy S.A.", "eTransfer", true),
	}}}
}
