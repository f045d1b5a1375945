package stripe

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// event is one notice that waits to be delivered.
type event struct {
	body []byte
	sent bool
}

// tell makes an event of what something is now. It is delivered when Deliver is called.
func (d *Double) tell(kind string, about object) {
	d.seq++
	body, err := json.Marshal(object{
		"id": fmt.Sprintf("evt_3Du%021d", d.seq), "object": "event", "api_version": Version, "created": d.c.Now().Unix(), "livemode": false,
		"pending_webhooks": 1, "type": kind, "request": object{"id": nil, "idempotency_key": nil}, "data": object{"object": about},
	})
	if err == nil {
		d.events = append(d.events, &event{body: body})
	}
}

// Dispute has the holder of the card object to the payment that was made under the key.
func (d *Double) Dispute(key string) {
	id := d.Begun(key)
	d.Mu.Lock()
	defer d.Mu.Unlock()
	in := d.intents[id]
	if in == nil {
		return
	}
	d.tell("charge.dispute.created", object{
		"id": d.name("dp"), "object": "dispute", "amount": in.received, "currency": in.currency, "charge": in.charge, "payment_intent": in.id,
		"reason": "fraudulent", "status": "needs_response", "created": d.c.Now().Unix(), "livemode": false, "metadata": object{},
		"balance_transactions": []object{}, "evidence": object{}, "evidence_details": object{}, "is_charge_refundable": false,
	})
}

// Events returns the bodies of all events so far, oldest first.
func (d *Double) Events() (bodies [][]byte) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, e := range d.events {
		bodies = append(bodies, e.body)
	}
	return bodies
}

// Signature is the header Stripe-Signature for a body, with one signature for each secret.
func Signature(body []byte, at time.Time, secrets ...string) string {
	parts := []string{fmt.Sprintf("t=%d", at.Unix())}
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
		parts = append(parts, "v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(parts, ",")
}

// Deliver posts all events that were not taken yet, oldest first, and returns the first refusal. What was refused waits for the next call.
func (d *Double) Deliver(ctx context.Context, client *http.Client) error {
	d.Mu.Lock()
	waiting := append([]*event(nil), d.events...)
	d.Mu.Unlock()
	var failed error
	for _, e := range waiting {
		if e.sent {
			continue
		}
		if err := d.post(ctx, client, e.body); err != nil {
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
		return fmt.Errorf("event: %w", err)
	}
	q.Header.Set("Content-Type", "application/json; charset=utf-8")
	q.Header.Set("Stripe-Signature", Signature(body, d.c.Now(), d.c.WebhookSecret...))
	res, err := client.Do(q)
	if err != nil {
		return fmt.Errorf("event: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("event: answered %d", res.StatusCode)
	}
	return nil
}

var authenticate = template.Must(template.New("").Parse(`<!doctype html><title>3D Secure 2 Test Page</title>
<h1>3D Secure 2 Test Page</h1><form method="post"><button name="result" value="complete">Complete</button>
<button name="result" value="fail">Fail</button></form>`))

// page is where the customer is asked, in place of the issuer's.
func (d *Double) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = authenticate.Execute(w, nil) // the customer may have gone
}

// authenticated takes the customer's answer and sends the customer back.
func (d *Double) authenticated(w http.ResponseWriter, q *http.Request) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	approve, back, param := q.FormValue("result") == "complete", "", "payment_intent"
	if in := d.intents[q.PathValue("id")]; in != nil {
		back = in.returnURL
		if in.status == "requires_action" {
			d.finish(in, approve)
		}
	}
	if in := d.setups[q.PathValue("id")]; in != nil {
		back, param = in.returnURL, "setup_intent"
		if in.status == "requires_action" {
			d.finishSetup(in, approve)
		}
	}
	u, err := url.Parse(back)
	if err != nil || back == "" {
		http.NotFound(w, q)
		return
	}
	query := u.Query()
	query.Set(param, q.PathValue("id"))
	query.Set("redirect_status", map[bool]string{true: "succeeded", false: "failed"}[approve])
	u.RawQuery = query.Encode()
	http.Redirect(w, q, u.String(), http.StatusSeeOther)
}
