package paypal

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"html/template"
	"math/big"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// event is one notice that waits to be delivered.
type event struct {
	body []byte
	sent bool
}

// tell makes an event of what something is now. It is delivered when Deliver is called.
func (d *Double) tell(kind, about string, resource object) {
	d.seq++
	body, err := json.Marshal(object{
		"id": fmt.Sprintf("WH-%017d-%017d", d.seq, d.seq), "event_version": "1.0", "create_time": stamp(d.c.Now()), "resource_type": about, "resource_version": "2.0",
		"event_type": kind, "summary": "of the double", "resource": resource, "links": []object{},
	})
	if err == nil {
		d.events = append(d.events, &event{body: body})
	}
}

// Dispute has the holder of the card object to the payment that was made under the key.
func (d *Double) Dispute(key string) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, o := range d.orders {
		if o.key != key || len(o.moves) == 0 {
			continue
		}
		d.tell("CUSTOMER.DISPUTE.CREATED", "dispute", object{
			"dispute_id": "PP-D-" + d.name(), "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED", "status": "OPEN", "dispute_amount": o.amount,
			"disputed_transactions": []object{{"seller_transaction_id": o.moves[0].id, "custom": o.custom, "invoice_number": o.invoice}},
		})
	}
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

// signer is a key of PayPal's and its certificate.
type signer struct {
	key *rsa.PrivateKey
	pem []byte
}

// signers are made once: keys of that size take their time.
var signers = sync.OnceValue(func() (all []signer) {
	for i := range 2 {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		about := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i) + 1), Subject: pkix.Name{CommonName: "messageverificationcerts.paypal.com", Organization: []string{"PayPal, Inc."}},
			NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), KeyUsage: x509.KeyUsageDigitalSignature,
		}
		raw, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
		if err != nil {
			panic(err)
		}
		all = append(all, signer{key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})})
	}
	return all
})

// Certificates are the ids of those that verify events: PayPal changes from one to another without saying so.
func Certificates() []string {
	return []string{"CERT-360caa42-fca2a594-00000000", "CERT-360caa42-fca2a594-00000001"}
}

// certificate shows one of them.
func (d *Double) certificate(w http.ResponseWriter, q *http.Request) {
	for i, id := range Certificates() {
		if q.PathValue("id") == id {
			w.Header().Set("Content-Type", "application/x-pem-file")
			_, _ = w.Write(signers()[i].pem) // the client may have gone
			return
		}
	}
	http.NotFound(w, q)
}

// Headers are those of an event's delivery: signed at that time for the webhook with that id, by the key of one of the certificates.
func (d *Double) Headers(body []byte, at time.Time, webhook, certificate string) http.Header {
	which := 0
	if certificate == Certificates()[1] {
		which = 1
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%d", transmission, stamp(at), webhook, crc32.ChecksumIEEE(body)))
	signature, err := rsa.SignPKCS1v15(nil, signers()[which].key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return http.Header{
		"Content-Type": {"application/json"}, "Paypal-Transmission-Id": {transmission}, "Paypal-Transmission-Time": {stamp(at)},
		"Paypal-Cert-Url": {d.c.URL + "/v1/notifications/certs/" + certificate}, "Paypal-Auth-Algo": {"SHA256withRSA"},
		"Paypal-Transmission-Sig": {base64.StdEncoding.EncodeToString(signature)},
	}
}

const transmission = "69cd13f0-d67a-11e5-baa3-778b53f4ae55"

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
	q.Header = d.Headers(body, d.c.Now(), d.c.WebhookID, Certificates()[0])
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

var challenge = template.Must(template.New("").Parse(`<!doctype html><title>3-D Secure</title><h1>Your bank asks</h1>
<form method="post"><button name="result" value="complete">Complete</button><button name="result" value="fail">Fail</button></form>`))

// page is where the payer is asked, in place of the issuer's.
func (d *Double) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = challenge.Execute(w, nil) // the payer may have gone
}

// challenged takes the payer's answer and sends the payer back.
func (d *Double) challenged(w http.ResponseWriter, q *http.Request) {
	approve := q.FormValue("result") == "complete"
	d.Mu.Lock()
	defer d.Mu.Unlock()
	o := d.order(q.PathValue("id"))
	if o == nil {
		http.NotFound(w, q)
		return
	}
	if o.status == "PAYER_ACTION_REQUIRED" {
		d.decide(o, approve)
	}
	u, err := url.Parse(o.back)
	if err != nil || o.back == "" {
		http.NotFound(w, q)
		return
	}
	query := u.Query()
	query.Set("state", "undefined")
	query.Set("liability_shift", o.shift)
	u.RawQuery = query.Encode()
	http.Redirect(w, q, u.String(), http.StatusSeeOther)
}
