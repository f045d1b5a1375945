package payu

import (
	"crypto/md5" //nolint:gosec // it is what PayU signs with
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"net/http"
)

// notice is one that is to be posted.
type notice struct {
	to   string
	body []byte
}

// Notice is one as it is posted, with its signature.
type Notice struct {
	To, Signature string
	Body          []byte
}

func (d *Double) tell(o *order) {
	body, err := json.Marshal(object{
		"order": o.view(d.c.POS), "localReceiptDateTime": "2026-11-30T12:00:01.000+01:00", "properties": []object{{"name": "PAYMENT_ID", "value": "5000000001"}},
	})
	if err == nil && o.notify != "" {
		d.told = append(d.told, &notice{o.notify, body})
	}
}

// Notices returns all notices so far, oldest first.
func (d *Double) Notices() (all []Notice) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, n := range d.told {
		all = append(all, Notice{n.to, Signature(n.body, d.c.SecondKey, d.c.Algorithm), n.body})
	}
	return all
}

// Signature is the header OpenPayu-Signature for a body.
func Signature(body []byte, key, algorithm string) string {
	text := append(append([]byte(nil), body...), key...)
	if algorithm == "SHA-256" {
		sum := sha256.Sum256(text)
		return "sender=checkout;signature=" + hex.EncodeToString(sum[:]) + ";algorithm=SHA-256;content=DOCUMENT"
	}
	sum := md5.Sum(text) //nolint:gosec // as published
	return "sender=checkout;signature=" + hex.EncodeToString(sum[:]) + ";algorithm=MD5;content=DOCUMENT"
}

var pay = template.Must(template.New("").Parse(`<!doctype html><title>PayU</title><h1>PayU</h1>
<form method="post"><button name="result" value="pay">Zapłać</button><button name="result" value="fail">Anuluj</button></form>`))

// page is where a customer pays at a bank.
func (d *Double) page(w http.ResponseWriter, q *http.Request) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	o := d.by(func(o *order) bool {
		return o.id == q.FormValue("orderId") && q.FormValue("token") == "pagetoken."+o.id
	})
	switch {
	case o == nil:
		http.NotFound(w, q)
	case o.state != isNew:
		http.Redirect(w, q, o.back, http.StatusSeeOther)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = pay.Execute(w, nil) // the customer may have gone
	}
}

func (d *Double) chosen(w http.ResponseWriter, q *http.Request) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	o := d.by(func(o *order) bool {
		return o.id == q.FormValue("orderId") && q.FormValue("token") == "pagetoken."+o.id
	})
	if o == nil {
		http.NotFound(w, q)
		return
	}
	back := o.back
	if o.state == isNew {
		if d.end(o, q.FormValue("result") == "pay"); o.state == canceled {
			back += "?error=501"
		}
	}
	http.Redirect(w, q, back, http.StatusSeeOther)
}
