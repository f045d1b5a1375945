package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// till is a demo with a shop whose server may pass cards on.
type till struct {
	folder
	server running
	shop   string
}

func newTill(t *testing.T) *till {
	t.Helper()
	f := folder{t, shortDir(t)}
	server := start(t, "serve", "--demo", "--listen", "127.0.0.1:0", "--data", f.dir)
	f.done("shop", "update", "--shop", server.text("shopId"), "--settings", `{"hostToHost":true}`)
	return &till{f, server, server.text("shopId")}
}

// call is a request to the merchant API, which has to be answered 200 with a payment.
func (d *till) call(method, path, body string) (id string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.server.text("baseUrl")+"/api/v1/payments"+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.server.text("apiKey"))
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	var answer struct{ Result struct{ ID string } }
	if err != nil || json.Unmarshal(raw, &answer) != nil || res.StatusCode != http.StatusOK {
		d.t.Fatalf("status %d, %s, %v", res.StatusCode, raw, err)
	}
	return answer.Result.ID
}

func (d *till) deposit(amount, more string) string {
	d.t.Helper()
	id := d.call(http.MethodPost, "", `{"paymentType":"DEPOSIT","paymentMethod":"BASIC_CARD","amount":`+amount+`,"currency":"EUR"`+more+`,
		"card":{"cardNumber":"4000000000000408","cardholderName":"JOHN DOE","expiryMonth":"12","expiryYear":"2039","cardSecurityCode":"123"}}`)
	return d.call(http.MethodPatch, "/"+id, `{"customerIp":"192.0.2.1","customerUserAgent":"test","browserLanguage":"en"}`)
}

func (d *till) by(command, payment string, more ...string) []string {
	return append([]string{"payment", command, "--shop", d.shop, payment, "--by", "ann", "--reason", "asked by phone"}, more...)
}

func TestPaymentsByHand(t *testing.T) {
	t.Parallel()
	d := newTill(t)
	held, other, sold := d.deposit("20.00", `,"preAuth":true`), d.deposit("30.00", `,"preAuth":true`), d.deposit("9000.00", `,"referenceId":"ORDER 7"`)

	d.says(0, held+" is COMPLETED\n", d.by("capture", held, "--amount", "15")...)
	d.says(1, "1.00", d.by("capture", held)...)
	d.says(0, other+" is CANCELLED\n", d.by("void", other)...)

	got := d.run(d.by("refund", sold, "--amount", "12.50")...)
	key := regexp.MustCompile(`--key (\S+) `).FindStringSubmatch(got.err)
	if got.code != 0 || key == nil || !strings.Contains(got.out, "of 12.5 EUR is COMPLETED\n") {
		t.Fatalf("%+v", got)
	}
	again := d.run(d.by("refund", sold, "--amount", "12.50", "--key", key[1])...)
	if again.code != 0 || !strings.HasPrefix(again.out, strings.TrimSuffix(got.out, "\n")) || !strings.Contains(again.out, "earlier command") || strings.Contains(again.err, "--key") {
		t.Errorf("the same key: %+v", again)
	}
	d.says(1, "another act", d.by("refund", sold, "--amount", "13", "--key", key[1])...)
	d.says(exitNotKnown, "under another key", d.by("refund", sold, "--amount", "6600.23")...)
	d.says(1, "1.08", d.by("refund", sold, "--amount", "9000")...)
	d.says(1, "no such payment", d.by("refund", "nonsense")...)
	d.says(1, "has no payment", "payment", "show", "--shop", d.shop, "nonsense")
	d.says(exitUsage, "--by", "payment", "refund", "--shop", d.shop, sold, "--reason", "x")

	var acted struct {
		Outcome, Key string
		Payment      struct{ ID, State, ParentPaymentID string }
	}
	raw := d.run(d.by("refund", sold, "--amount", "1", "--json")...).out
	if err := json.Unmarshal([]byte(raw), &acted); err != nil || acted.Outcome != "DONE" || acted.Key == "" || acted.Payment.ParentPaymentID != sold {
		t.Errorf("%s, %v", raw, err)
	}

	d.shows(sold, held, acted.Payment.ID)
	d.server.stop()
	d.says(0, held, "payment", "list", "--shop", d.shop)
	d.says(1, "is DECLINED 1.02", d.by("refund", held)...) // the provider went with its server
}

// shows looks at lists and pages of what TestPaymentsByHand has done.
func (d *till) shows(sold, held, refund string) {
	t := d.t
	t.Helper()
	list := d.done("payment", "list", "--shop", d.shop)
	if lines := strings.Split(strings.TrimSpace(list), "\n"); !strings.HasPrefix(lines[0], "PAYMENT ") {
		t.Errorf("list:\n%s", list)
	}
	for _, id := range []string{sold, held, refund} {
		if !strings.Contains(list, id) {
			t.Errorf("%s is not listed:\n%s", id, list)
		}
	}
	for _, args := range [][]string{{"--reference", "ORDER 7"}, {"--limit", "1", "--offset", "0", "--reference", "ORDER 7"}, {"--reference", "ORDER 7", "--created-from", "2020-01-01T00:00:00Z", "--updated-from", "2020-01-01T00:00:00"}} {
		raw := d.done(append([]string{"payment", "list", "--shop", d.shop, "--json"}, args...)...)
		var p struct{ ID, ReferenceID, State string }
		if err := json.Unmarshal([]byte(raw), &p); err != nil || p.ID != sold || p.ReferenceID != "ORDER 7" {
			t.Errorf("%v: %s, %v", args, raw, err)
		}
	}
	for _, args := range [][]string{{"--created-before", "2020-01-01T00:00:00Z"}, {"--updated-before", "2020-01-01T00:00:00Z"}, {"--reference", "x"}, {"--offset", "1000"}} {
		if raw := d.done(append([]string{"payment", "list", "--shop", d.shop, "--json"}, args...)...); raw != "" {
			t.Errorf("%v: %s", args, raw)
		}
	}
	for _, args := range [][]string{{"--created-from", "yesterday"}, {"--limit", "1001"}, {"--limit=-1"}, {"--offset=-1"}} {
		d.says(1, strings.TrimSuffix(args[0], "=-1"), append([]string{"payment", "list", "--shop", d.shop}, args...)...)
	}

	page := d.done("payment", "show", "--shop", d.shop, held)
	for _, text := range []string{held, "COMPLETED", "15 EUR", "CAPTURE", `"ann"`, `"asked by phone"`, "CREATE_PAYMENT", "400000***0408"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q:\n%s", text, page)
		}
	}
	for line := range strings.SplitSeq(page+list, "\n") {
		if n := utf8.RuneCountInString(line); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	spoken := d.done("payment", "show", "--shop", d.shop, "--messages", held)
	if !strings.Contains(spoken, "→") || !strings.Contains(spoken, "/capture") || strings.Contains(spoken, "4000000000000408") {
		t.Errorf("messages:\n%s", spoken)
	}
	raw := []byte(d.done("payment", "show", "--shop", d.shop, "--json", held))
	var shown struct {
		Payment    struct{ ID, State string }
		Attempts   []map[string]any
		Operations []map[string]any
		ByHand     []map[string]any
	}
	if err := json.Unmarshal(raw, &shown); err != nil || shown.Payment.ID != held || len(shown.Attempts) != 2 || len(shown.Operations) < 4 || len(shown.ByHand) != 1 {
		t.Errorf("%s, %v", raw, err)
	}
	if bytes.Contains(raw, []byte("4000000000000408")) {
		t.Errorf("a card number is shown: %s", raw)
	}
}
