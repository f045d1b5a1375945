package przelewy24_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/przelewy24"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// notifier has the account of the vectors below.
func notifier(t *testing.T, crc string) connector.Notifier {
	t.Helper()
	config, err := przelewy24.Type().Parse(json.RawMessage(fmt.Sprintf(`{"merchantId":999999,"apiKey":"k","crc":%q}`, crc)))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Now: time.Now})
	t.Cleanup(client.CloseIdle)
	conn, err := config.Open(connector.Deps{Client: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return conn.(connector.Notifier)
}

// The checksums are of Python's hashlib over the text that is published, with the key crc-topsecret.
const (
	signPaid   = "32e1945e1de88c34af616bc321e154ea13f95fa50af2330463bcbe7819e625cb274aef9b23b2227a7b958ebc97ea4511"
	signRefund = "03833c23e4a2cbb13dea35cbc9b59b2beac52545befaa71412390fa007df291c0744b8b579abab13d2849ef0ee353284"
	signBlik   = "c729ff77f962e2efca1d1f9d17f22940a60fbe56a47f46ab9a5303deb5a2e134f4c19eaab3ca7f9a5db8c0b4eb770e00"

	// A number beyond 32 bits, and a text in which everything is that JSON escapes, and that PHP would.
	bodyPaid = `{"merchantId":999999,"posId":999999,"sessionId":"k","amount":1234,"originAmount":1234,"currency":"PLN","orderId":4294967297,"methodId":25,` +
		`"statement":"p24\/A \"\u017c\" \\ <&>\n\t","sign":"` + signPaid + `"}`
	bodyBlik = `{"orderId":300000001,"sessionId":"k","method":181,"result":{"error":"0", "message" : "Za\u017c\u00f3\u0142\u0107 \/ \"x\"","status":"success","trxRef":"1"},"sign":"` + signBlik + `"}`
)

// TestChecksumsAreVerified over what is told, however it is written.
func TestChecksumsAreVerified(t *testing.T) {
	swap := func(body, from, to string) string {
		changed := strings.Replace(body, from, to, 1)
		if changed == body {
			t.Fatal("nothing to change: ", from)
		}
		return changed
	}
	for name, c := range map[string]struct {
		body string
		fits bool
	}{
		"paid":                             {bodyPaid, true},
		"paid, with spaces":                {strings.ReplaceAll(bodyPaid, `,"`, ` ,  "`), true},
		"paid, letters as they are":        {swap(bodyPaid, `\u017c`, `ż`), true},
		"paid, in another order":           {swap(swap(bodyPaid, `"currency":"PLN",`, ``), `{`, `{"currency":"PLN",`), true},
		"paid, and more":                   {swap(bodyPaid, `{`, `{"more":1,`), true},
		"BLIK":                             {bodyBlik, true},
		"BLIK, inside of data":             {`{"data":` + bodyBlik + `}`, true},
		"another amount":                   {swap(bodyPaid, `"amount":1234`, `"amount":1235`), false},
		"another amount asked":             {swap(bodyPaid, `"originAmount":1234`, `"originAmount":1235`), false},
		"another session":                  {swap(bodyPaid, `"k"`, `"K"`), false},
		"another order":                    {swap(bodyPaid, `4294967297`, `4294967296`), false},
		"another merchant":                 {swap(bodyPaid, `"merchantId":999999`, `"merchantId":999998`), false},
		"another text":                     {swap(bodyPaid, `<`, `>`), false},
		"a number as text":                 {swap(bodyPaid, `"amount":1234`, `"amount":"1234"`), false},
		"a number with a point":            {swap(bodyPaid, `"amount":1234`, `"amount":1234.0`), false},
		"without a text":                   {swap(bodyPaid, `"statement"`, `"statements"`), false},
		"without a checksum":               {swap(bodyPaid, `"sign"`, `"sing"`), false},
		"an empty checksum":                {swap(bodyPaid, signPaid, ``), false},
		"a checksum in capitals":           {swap(bodyPaid, signPaid, strings.ToUpper(signPaid)), false},
		"a cut checksum":                   {swap(bodyPaid, signPaid, signPaid[:95]), false},
		"that of another kind":             {swap(bodyPaid, signPaid, signBlik), false},
		"another result":                   {swap(bodyBlik, `"error":"0"`, `"error":"1"`), false},
		"a result more":                    {swap(bodyBlik, `"trxRef":"1"`, `"trxRef":"1","x":1`), false},
		"a result in another order":        {swap(bodyBlik, `"status":"success","trxRef":"1"`, `"trxRef":"1","status":"success"`), false},
		"a name twice":                     {swap(bodyPaid, `{`, `{"amount":1234,`), false},
		"a payment that poses as a refund": {swap(bodyPaid, `{`, `{"refundsUuid":"u","status":0,`), false},
		"a payment with a result":          {swap(bodyPaid, `{`, `{"result":{"error":"0"},"method":1,`), false},
		"a list":                           {`[` + bodyPaid + `]`, false},
		"nothing":                          {``, false},
		"an empty object":                  {`{}`, false},
		"data that is nothing":             {`{"data":{}}`, false},
		"a form":                           {`p24_session_id=k&p24_sign=x`, false},
	} {
		notices, err := notifier(t, "crc-topsecret").ParseNotice(http.Header{}, []byte(c.body))
		if c.fits != (err == nil) || c.fits != (len(notices) == 1) || errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %+v, %v", name, notices, err)
		}
	}
	for _, crc := range []string{"crc-older", "crc-topsecret2", "x"} {
		if _, err := notifier(t, crc).ParseNotice(http.Header{}, []byte(bodyPaid)); err == nil {
			t.Errorf("the key %s fits as well", crc)
		}
	}
}

// TestWhatNoticesTell: a payment is a reason to ask and nothing else, a refusal and a refund are what they are.
func TestWhatNoticesTell(t *testing.T) {
	s := open(t)
	conn := connect(t, s.URL, s.Now)
	paid, refused := sale(), sale()
	for _, q := range []connector.Request{paid, refused} {
		if _, err := conn.Start(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	s.Double.Finish(paid.Key, true)
	s.Double.Finish(refused.Key, false)
	if _, err := conn.Status(t.Context(), refOf(&paid)); err != nil {
		t.Fatal(err)
	}
	back := connector.Request{Key: key(), Amount: paid.Amount, Currency: "PLN", NoticeURL: paid.NoticeURL, Original: refOf(&paid)}
	if _, err := conn.(connector.Refunder).Refund(t.Context(), back); err != nil {
		t.Fatal(err)
	}
	uuid, err := provider.ShortKey(back.Key)
	if err != nil {
		t.Fatal(err)
	}
	want := []connector.Notice{
		{EventKey: "paid-300000001", Key: paid.Key, Hint: true, Fact: payment.Fact{Class: payment.ClassApproved}},
		{EventKey: "blik-300000001-0", Key: paid.Key, Hint: true, Fact: payment.Fact{Class: payment.ClassApproved}},
		{EventKey: "blik-300000002-63", Key: refused.Key, Fact: payment.Fact{Class: payment.ClassDeclinedHard, Code: "4.00"}},
		{EventKey: "refund-" + uuid + "-0", Key: back.Key, Fact: payment.Fact{Class: payment.ClassApproved}},
	}
	bodies := s.Notices()
	if len(bodies) != len(want) {
		t.Fatalf("%s", bodies)
	}
	for i, body := range bodies {
		notices, err := conn.(connector.Notifier).ParseNotice(http.Header{}, body)
		if err != nil || len(notices) != 1 {
			t.Errorf("%s: %v, %v", body, notices, err)
			continue
		}
		n, w := notices[0], want[i]
		if n.EventKey != w.EventKey || n.Key != w.Key || n.Subject != connector.OfAttempt || n.Fact.Class != w.Fact.Class || n.Hint != w.Hint || n.Fact.Code != w.Fact.Code {
			t.Errorf("%s: %+v, want %+v", body, n, w)
		}
		for _, k := range []string{"", n.EventKey} {
			if again, err := conn.(connector.Notifier).ReadNotice(body, k); err != nil || again.Key != n.Key || again.Fact.Class != n.Fact.Class {
				t.Errorf("%s, read again: %+v, %v", body, again, err)
			}
		}
		if _, err := conn.(connector.Notifier).ReadNotice(body, "another"); err == nil {
			t.Errorf("%s is read as another", body)
		}
		other := strings.NewReplacer(paid.Key, refused.Key, uuid, "another").Replace(string(body))
		if _, err := conn.(connector.Notifier).ParseNotice(http.Header{}, []byte(other)); err == nil && other != string(body) {
			t.Errorf("%s is believed", other)
		}
	}
}

// TestARefundThatWasRejected is one that was not made, and what a refund's notice has not signed does not count.
func TestARefundThatWasRejected(t *testing.T) {
	body := `{"orderId":300000001,"sessionId":"k","merchantId":999999,"requestId":"r","refundsUuid":"u","amount":500,"currency":"PLN","timestamp":1,"status":0,"sign":"` + signRefund + `"}`
	if _, err := notifier(t, "crc-topsecret").ParseNotice(http.Header{}, []byte(body)); !errors.Is(err, connector.ErrUnreadable) {
		t.Errorf("a refund that is not of ours: %v", err)
	}
	uuid, err := provider.ShortKey("7e57ab1e-0195a0e27cc17a3b8b1f0a4c5d6e7f80-2")
	if err != nil {
		t.Fatal(err)
	}
	for state, want := range map[string]payment.Class{"0": payment.ClassApproved, "1": payment.ClassDeclinedHard, "2": payment.ClassUnknown} {
		own := strings.NewReplacer(`"u"`, `"`+uuid+`"`, `"status":0`, `"status":`+state, `"requestId":"r"`, `"requestId":"another"`).Replace(body)
		n, err := notifier(t, "crc-topsecret").ReadNotice([]byte(own), "")
		if err != nil || n.Key != "7e57ab1e-0195a0e27cc17a3b8b1f0a4c5d6e7f80-2" || n.Fact.Class != want || n.Fact.ProviderRef != "300000001-"+uuid {
			t.Errorf("state %s: %+v, %v; want %s", state, n, err, want)
		}
	}
}
