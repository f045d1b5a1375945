package adyen

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"
)

// offerLife is how long the customer of a card has to come back.
const offerLife = 12 * time.Hour

// event is one item of a webhook that waits to be delivered.
type event struct {
	item object
	due  time.Time
	sent bool
}

// tell makes an event. It is delivered when Deliver is called, not before its delay is over.
func (d *Double) tell(item object, late time.Duration) {
	now := d.c.Now()
	item["merchantAccountCode"], item["eventDate"] = d.c.MerchantAccount, now.UTC().Format(time.RFC3339)
	more, _ := item["additionalData"].(object)
	if more == nil {
		more = object{}
		item["additionalData"] = more
	}
	if item["paymentMethod"] == "" {
		delete(item, "paymentMethod")
	}
	more["hmacSignature"] = Signature(item, d.c.HMACKey)
	d.events = append(d.events, &event{item: item, due: now.Add(late)})
}

func (d *Double) tellPayment(p *paid) {
	item := object{
		"eventCode": "AUTHORISATION", "pspReference": p.ref, "merchantReference": p.reference, "amount": p.amount.view(), "success": "true",
		"reason": "074574:" + p.last + ":12/2035", "paymentMethod": p.brand, "additionalData": d.more(p), "operations": []string{"CANCEL", "CAPTURE", "REFUND"},
	}
	if p.kind == "blik" {
		item["paymentMethod"], item["reason"] = "blik", ""
	}
	if p.state == "refused" {
		item["success"], item["reason"] = "false", p.outcome
		delete(item, "operations")
		if r, known := refusals[p.outcome]; known {
			item["reason"] = r.text
		}
	}
	d.tell(item, p.hidden)
}

func (d *Double) tellChange(ch *change, done bool, reason string) {
	d.tell(object{
		"eventCode":    map[string]string{OpCapture: "CAPTURE", OpCancel: "CANCELLATION", OpRefund: "REFUND"}[ch.op],
		"pspReference": ch.ref, "originalReference": ch.of.ref, "merchantReference": ch.reference, "amount": ch.amount.view(),
		"success": map[bool]string{true: "true", false: "false"}[done], "reason": reason, "paymentMethod": ch.of.brand,
	}, ch.hidden)
}

// Dispute has the holder of the card object to the payment that was made under the key.
func (d *Double) Dispute(key string) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, p := range d.payments {
		if p.key == key {
			d.tell(object{
				"eventCode": "CHARGEBACK", "pspReference": d.name(), "originalReference": p.ref, "merchantReference": p.reference, "amount": p.amount.view(),
				"success": "true", "reason": "Fraud Card Absent", "paymentMethod": p.brand,
			}, 0)
		}
	}
}

// Signature is that of an item by the key: over eight of its values, as Adyen's libraries join them.
func Signature(item object, key string) string {
	raw, err := hex.DecodeString(key)
	if err != nil {
		return ""
	}
	total, _ := item["amount"].(object)
	var parts []string
	for _, v := range []any{
		item["pspReference"], item["originalReference"], item["merchantAccountCode"], item["merchantReference"], total["value"], total["currency"],
		item["eventCode"], item["success"],
	} {
		if v == nil {
			v = ""
		}
		parts = append(parts, fmt.Sprint(v))
	}
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte(strings.Join(parts, ":")))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Events returns the bodies of all webhooks that are due so far, oldest first, with one item each.
func (d *Double) Events() (bodies [][]byte) {
	for _, e := range d.due() {
		bodies = append(bodies, bodyOf(e))
	}
	return bodies
}

// Batch is one webhook with all items that are due.
func (d *Double) Batch() []byte { return bodyOf(d.due()...) }

func bodyOf(events ...*event) []byte {
	items := make([]object, 0, len(events))
	for _, e := range events {
		items = append(items, object{"NotificationRequestItem": e.item})
	}
	raw, err := json.Marshal(object{"live": "false", "notificationItems": items})
	if err != nil {
		return nil
	}
	return raw
}

// due lists what may be told by now. Customers who have not come back in time are found here.
func (d *Double) due() (all []*event) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	now := d.c.Now()
	var refs []string
	for ref, p := range d.payments {
		if p.state == "redirect" && now.Sub(p.begun) >= offerLife {
			refs = append(refs, ref)
		}
	}
	sort.Strings(refs)
	for _, ref := range refs {
		p := d.payments[ref]
		p.state = "closed"
		d.tell(object{
			"eventCode": "OFFER_CLOSED", "pspReference": p.ref, "merchantReference": p.reference, "amount": p.amount.view(), "success": "true", "reason": "",
			"paymentMethod": p.brand,
		}, 0)
	}
	now = d.c.Now()
	for _, e := range d.events {
		if !e.due.After(now) {
			all = append(all, e)
		}
	}
	return all
}

// errTaken is a webhook that was not taken.
var errTaken = errors.New("webhook was not taken")

// Deliver posts all that is due and was not taken yet, oldest first, and returns the first refusal. What was refused waits for the next call.
func (d *Double) Deliver(ctx context.Context, client *http.Client) error {
	var failed error
	for _, e := range d.due() {
		if e.sent {
			continue
		}
		if err := d.post(ctx, client, bodyOf(e)); err != nil {
			if failed == nil {
				failed = err
			}
			continue
		}
		e.sent = true
	}
	return failed
}

func (d *Double) post(ctx context.Context, client *http.Client, body []byte) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, d.c.NoticeURL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	q.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := client.Do(q)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	if res.StatusCode/100 != 2 || string(text) != "[accepted]" {
		return fmt.Errorf("%w: answered %d %q", errTaken, res.StatusCode, text)
	}
	return nil
}

var authenticate = template.Must(template.New("").Parse(`<!doctype html><title>3D Secure test page</title>
<h1>3D Secure test page</h1><form method="post"><button name="result" value="complete">Complete</button>
<button name="result" value="fail">Fail</button></form>`))

// page is where the customer is asked, in place of the issuer's.
func (d *Double) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = authenticate.Execute(w, nil) // the customer may have gone
}

// authenticated takes the customer's answer and sends the customer back with it. Nothing is authorised before it is handed over.
func (d *Double) authenticated(w http.ResponseWriter, q *http.Request) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	p := d.payments[q.PathValue("ref")]
	if p == nil {
		http.NotFound(w, q)
		return
	}
	u, err := url.Parse(p.back)
	if err != nil {
		http.NotFound(w, q)
		return
	}
	p.failed, p.result = q.FormValue("result") != "complete", "X6Xtf!"+p.ref+"=="
	query := u.Query()
	query.Set("redirectResult", p.result)
	u.RawQuery = query.Encode()
	http.Redirect(w, q, u.String(), http.StatusSeeOther)
}
