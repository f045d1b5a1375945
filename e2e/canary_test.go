package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/loopback"
)

// spelledNumbers are ways to write a card number, all of which leaks know.
var spelledNumbers = map[string]string{
	"plain":        cardNumber,
	"in groups":    cardNumber[:4] + " " + cardNumber[4:10] + " " + cardNumber[10:],
	"with hyphens": cardNumber[:4] + "-" + cardNumber[4:8] + "-" + cardNumber[8:12] + "-" + cardNumber[12:],
	"base64":       base64.StdEncoding.EncodeToString([]byte(cardNumber)),
	"hexadecimal":  hex.EncodeToString([]byte(cardNumber)),
	"percent":      each("%%%02X"),
	"full width":   fullWidth,
	"JSON":         each(`\u%04x`),
}

var fullWidth = strings.Map(func(r rune) rune { return r - '0' + '０' }, cardNumber)

// each spells every digit in the format.
func each(format string) string {
	var b strings.Builder
	for i := range len(cardNumber) {
		fmt.Fprintf(&b, format, cardNumber[i])
	}
	return b.String()
}

// canary sends card data wherever it can and keeps every answer.
type canary struct {
	*client
	t       testing.TB
	server  *server
	answers bytes.Buffer
	sent    int
}

// raw sends bytes, whatever they are. It returns the answer's status, and 0 for none.
func (c *canary) raw(method, target, contentType, body string, header ...string) int {
	c.t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(c.server.base, "http://"), patience)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }() // read to its end
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	scheme := "Bearer"
	if strings.HasPrefix(target, "/api/merchant") {
		scheme = "Api-Key"
	}
	head := []string{method + " " + target + " HTTP/1.1", "Host: sluice.example", "Connection: close", "Authorization: " + scheme + " " + c.key,
		"Content-Type: " + contentType, fmt.Sprintf("Content-Length: %d", len(body))}
	_, _ = io.WriteString(conn, strings.Join(append(head, header...), "\r\n")+"\r\n\r\n"+body) // who has heard enough may hang up
	answer, err := io.ReadAll(conn)
	if err != nil && len(answer) == 0 {
		return 0
	}
	c.sent++
	c.answers.Write(lengthLine.ReplaceAllLiteral(answer, nil))
	c.answers.WriteString("\n")
	status := 0
	_, _ = fmt.Sscanf(string(answer), "HTTP/1.1 %d", &status)
	if status >= 500 {
		c.t.Errorf("%s %s %s: %s", method, target, body, answer)
	}
	return status
}

func (c *canary) json(method, target, body string) int {
	return c.raw(method, target, "application/json", body)
}

// cardJSON is a deposit whose members of the card may be replaced.
func cardJSON(replace ...string) string {
	body := `{"paymentType":"DEPOSIT","currency":"EUR","amount":10,"customer":{"firstName":"Jane","lastName":"Doe","email":"jane@shop.example",` +
		`"phone":"44 2072243688","ip":"192.0.2.1"},"billingAddress":{"countryCode":"GB","city":"London","addressLine1":"221b Baker St",` +
		`"postalCode":"NW1 6XE"},"card":{"cardNumber":"NUMBER","cardSecurityCode":"CODE","expiryMonth":"12","expiryYear":"2090","cardholderName":"HOLDER"}}`
	return strings.NewReplacer(append(replace, "NUMBER", cardNumber, "CODE", securityCode, "HOLDER", "JANE DOE")...).Replace(body)
}

// misplaced puts a spelling of the number into every field that has to do with cards, and around them.
func (c *canary) misplaced(text string) {
	for i, body := range []string{
		cardJSON("NUMBER", text), cardJSON("CODE", text), cardJSON("HOLDER", text), cardJSON(`"12"`, `"`+text+`"`), cardJSON("2090", text),
		cardJSON("cardholderName", "cardToken", "HOLDER", text), cardJSON(`"cardNumber"`, `"`+text+`"`), cardJSON(`"card"`, `"`+text+`":1,"`+text+`":1,"card"`),
		cardJSON(`"NUMBER"`, `["`+text+`"]`), cardJSON(`"NUMBER"`, text), cardJSON("EUR", text), cardJSON("DEPOSIT", text),
		cardJSON(`:10,`, `:"`+text+`",`), cardJSON(`:10,`, `:10,"paymentMethod":"`+text+`",`), cardJSON(`:10,`, `:10,"recurringToken":"`+text+`",`),
		cardJSON(`:10,`, `:10,"parentPaymentId":"`+text+`",`), cardJSON(`:10,`, `:10,"pan":"`+text+`","cvv":"`+securityCode+`",`),
		cardJSON(`:10,`, `:10,"description":"`+text+`",`) + ",", cardJSON("NUMBER", text) + text, cardJSON("NUMBER", text)[1:], cardJSON("NUMBER", text+"\x00"),
		cardJSON("NUMBER", text+`\ud800`), cardJSON("NUMBER", text+"\xff"), cardJSON("NUMBER", text) + strings.Repeat(" ", 70_000), `"` + text + `"`, text,
	} {
		c.json("POST", payments, body)
		switch i % 5 {
		case 0:
			c.json("POST", "/api/v1/cards", body)
		case 1:
			c.json("PUT", payments, body)
		case 2:
			c.json("POST", "/api/merchant/v1/orders", body)
		case 3:
			c.raw("POST", payments, "text/"+strings.Map(onlyVisible, text), body)
		case 4:
			c.raw("POST", payments, "application/json", body, "Idempotency-Key: \xff")
		}
	}
}

func onlyVisible(r rune) rune {
	if r <= ' ' || r > '~' {
		return -1
	}
	return r
}

// inAddresses puts it where logs of other programs would keep it.
func (c *canary) inAddresses(text string) {
	spelled := []string{url.PathEscape(text)}
	if text == cardNumber {
		spelled = append(spelled, each("%%%02x"))
	}
	for _, escaped := range spelled {
		if text == spelledNumbers["base64"] && escaped == text {
			continue // in an error's path, which repeats what was asked for, a word is a word
		}
		for _, target := range []string{
			payments + "/" + escaped, payments + "/" + escaped + "/void", payments + "/x/../" + escaped, "/api/v1/" + escaped, payments + "?offset=" + escaped,
			payments + "?limit=" + escaped + "&card=" + escaped, payments + "?referenceId.eq=" + escaped, "/api/v1/events?after=" + escaped, "/api/merchant/v1/orders/" + escaped,
			"/api/merchant/v1/operations/" + escaped, "/api/merchant/v1/subscriptions/" + escaped, "/api/merchant/" + escaped, "/payment/" + escaped,
			"/payment/x/" + escaped, "/" + escaped, "/notices/" + escaped, "/static/checkout/" + escaped, "//" + escaped, "/payment?card=" + escaped,
		} {
			c.raw("GET", target, "text/plain", "")
			c.json("POST", target, cardJSON())
		}
	}
	c.raw("GET", payments, "text/plain", "", "Cookie: card="+text, "X-Card: "+text, "Referer: https://shop.example/?"+text)
	c.raw("BREW"+strings.Map(onlyVisible, text), payments, "text/plain", "")
}

// besideTheCard sends the number once more with a card that is right, in what is kept of the request beside its body: all of
// it is refused.
func (c *canary) besideTheCard(text string) {
	visible := strings.Map(onlyVisible, text)
	asHeader := visible == text || text == spelledNumbers["in groups"]
	made := c.must(c.t, request{method: "POST", path: payments, body: deposit("", "10.00")}).payment
	path := pathOf(made.ID)
	agent, err := json.Marshal(with(browser, "customerUserAgent", unescaped(text)))
	if err != nil {
		c.t.Fatal(err)
	}
	known, err := json.Marshal(browser)
	if err != nil {
		c.t.Fatal(err)
	}
	refused := func(what string, status int) {
		if status != 400 {
			c.t.Errorf("%q as %s: status %d", text, what, status)
		}
	}
	refused("user agent", c.json("PATCH", path, string(agent)))
	if asHeader {
		refused("idempotency key", c.raw("POST", payments, "application/json", cardJSON(), "Idempotency-Key: "+text))
		refused("idempotency key", c.raw("PATCH", path, "application/json", string(known), "Idempotency-Key: "+text))
		refused("header of the page", c.submit("User-Agent: "+text))
		c.submit("Accept-Language: " + text) // what is no language is not kept
	}
	if now := c.get(c.t, made.ID); now.State != "CHECKOUT" {
		c.t.Errorf("after refusals: %+v", now)
	}
	if text == cardNumber || text == spelledNumbers["with hyphens"] {
		c.raw("GET", payments, "text/plain", "", "X-Request-Id: "+text)
		c.raw("POST", payments, "application/json", cardJSON(), "X-Request-Id: "+text)
	}
}

// unescaped is a text as a reader of JSON has it: who spells the number in escapes of JSON, spells it plainly.
func unescaped(text string) string {
	var plain string
	if json.Unmarshal([]byte(`"`+text+`"`), &plain) != nil {
		return text
	}
	return plain
}

// submit pays on a page, with a header more.
func (c *canary) submit(header string) int {
	page := c.must(c.t, request{method: "POST", path: payments, body: order("DEPOSIT", "", "10.00")}).payment.RedirectURL
	form := url.Values{"nonce": {nonceOf(c.t, page)}, "method": {"BASIC_CARD"}, "number": {cardNumber}, "expiry": {"12/89"}, "code": {securityCode}, "holder": {"JANE DOE"}}
	return c.raw("POST", strings.TrimPrefix(page, c.server.base), "application/x-www-form-urlencoded", form.Encode(), header)
}

// nonceOf reads the form's nonce from the page.
func nonceOf(t testing.TB, page string) string {
	t.Helper()
	shown := pageOf(t, page)
	found := pageNonce.FindStringSubmatch(shown)
	if found == nil {
		t.Fatal(shown)
	}
	return found[1]
}

// pageOf is what an address shows.
func pageOf(t testing.TB, page string) string {
	t.Helper()
	res, err := http.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // it was read
	if err != nil {
		t.Fatal(err)
	}
	return string(shown)
}

// lengthLine holds a number that may be the security code by chance.
//
// The id of a request goes back to who gave it, as it came.
var lengthLine = regexp.MustCompile(`Content-Length: \d+|X-Request-Id: .*`)

var pageNonce = regexp.MustCompile(`name="nonce" value="([^"]+)"`)

// onPages fills the form in wrongly, then what cannot be read at all.
func (c *canary) onPages(text string) {
	page := c.must(c.t, request{method: "POST", path: payments, body: order("DEPOSIT", "page", "10.00")}).payment.RedirectURL
	path := strings.TrimPrefix(page, c.server.base)
	fields := map[string]string{"nonce": nonceOf(c.t, page), "method": "BASIC_CARD", "number": cardNumber, "expiry": "12/89", "code": securityCode, "holder": "JANE DOE"}
	send := func(contentType, more string) {
		form := url.Values{}
		for name, value := range fields {
			form.Set(name, value)
		}
		for _, at := range []string{"", "/cancel", "/continue", "/return", "/session", "/nowhere"} {
			if at == "" && more == "" && contentType == "application/x-www-form-urlencoded" && len(fields) == 6 && fields["holder"] == "JANE DOE" {
				continue
			}
			c.raw("POST", path+at, contentType, form.Encode()+more)
		}
	}
	for name := range fields {
		was := fields[name]
		fields[name] = text
		if name != "number" { // which may be right
			send("application/x-www-form-urlencoded", "")
		}
		fields[name] = was
	}
	fields["expiry"] = "01/20"
	send("application/x-www-form-urlencoded", "")
	send("application/x-www-form-urlencoded", "&number=%zz")
	send("application/x-www-form-urlencoded", "&x="+strings.Repeat(text, 2000))
	send("text/plain", "")
	send("multipart/form-data; boundary="+strings.Map(onlyVisible, text), "")
	c.raw("GET", path+"?number="+url.QueryEscape(text), "text/plain", "")
}

// TestCardDataStaysInItsFields sends a card number in every spelling through every field and path that has to do with cards,
// right and wrong, to a provider that answers, errs and dawdles. It is nowhere afterwards: not in the database and its log,
// not in ours, not in any answer, event, message or metric.
func TestCardDataStaysInItsFields(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, database string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		metrics := loopback.Address(t)
		s := newServer(t, dir, database, "--metrics-listen", metrics, "--private-webhooks")
		s.start(t)
		hooked := newReceiver(t, nil, nil)
		c := &canary{client: s.newShop(t, sim), t: t, server: s}
		for name, text := range spelledNumbers {
			before := c.sent
			c.misplaced(text)
			c.inAddresses(text)
			c.onPages(text)
			c.besideTheCard(text)
			t.Logf("%s: %d requests", name, c.sent-before)
		}
		for _, amount := range []string{"10.00", "6600.05", "6600.07", "6600.08", "6600.10", "6600.11", "6600.13", "6600.22", "6600.27", "10000001.00"} {
			body := with(with(deposit("flow "+amount, amount), "webhookUrl", hooked.URL+"/h"), "startRecurring", true)
			made := c.must(t, request{method: "POST", path: payments, body: body})
			c.must(t, request{method: "PATCH", path: pathOf(made.payment.ID), body: browser})
			for _, at := range []string{"", "/operations"} {
				c.raw("GET", pathOf(made.payment.ID)+at, "text/plain", "")
			}
			c.raw("GET", "/api/merchant/v1/orders/"+url.PathEscape("flow "+amount), "text/plain", "")
		}
		listed, _, _ := runOnce(t, nil, s.arguments("alarms")...)
		if !strings.Contains(listed, "the provider's answer repeats the whole card number") {
			t.Errorf("nobody is told of a provider that repeats the number: %s", listed)
		}
		c.raw("GET", payments+"?limit=1000", "text/plain", "")
		c.raw("GET", "/api/v1/events?limit=1000", "text/plain", "")
		await(t, "events of what was paid and declined", patience, func() bool { return len(hooked.all()) >= 2 })
		res, err := http.Get("http://" + metrics + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		shown, err := io.ReadAll(res.Body)
		_ = res.Body.Close() // it was read
		if err != nil || !bytes.Contains(shown, []byte("sluice_")) {
			t.Fatalf("metrics: %v %s", err, shown)
		}
		var told bytes.Buffer
		for _, h := range hooked.all() {
			_ = h.header.Write(&told) // to memory
			told.Write(h.body)
		}
		if !bytes.Contains(told.Bytes(), []byte(cardNumber[:6]+"***")) {
			t.Errorf("no event shows a masked number: %s", told.Bytes())
		}
		report(t, "answers", c.answers.Bytes())
		report(t, "events", told.Bytes())
		report(t, "metrics", shown)
		s.kill() // the log and the write-ahead log stay as they are
		searchSecrets(t, dir, database)
		if _, err := os.Stat(filepath.Join(dir, "server.log")); err != nil {
			t.Error(err)
		}
	})
}
