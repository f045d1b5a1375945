package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
	"github.com/sluicepay/sluice/internal/double/openbanking"
	"github.com/sluicepay/sluice/internal/double/payu"
	"github.com/sluicepay/sluice/internal/double/przelewy24"
	"github.com/sluicepay/sluice/internal/double/yandexpay"
)

// The rows of providers whose customers pay by no card of ours.

var przelewy24Row = pretended{
	name: "przelewy24", settings: object{"merchantId": 123456, "apiKey": "p24_e2e_key", "crc": "p24_e2e_crc"}, scale: 100, late: true,
	more: []string{byBlik, byLink}, choice: "25", bank: "Przelewy24", agrees: pay,
	calls: map[string]string{atPay: przelewy24.OpCharge, atPay + " by " + byLink: przelewy24.OpRegister, atRefund: przelewy24.OpRefund},
	never: func(way, call string, f frame.Fault) bool { return f.Before && (way != byLink || call != atPay) }, // a registration alone moves nothing
	open: func(a *providerAccount, address string) {
		d := przelewy24.New(przelewy24.Config{Now: time.Now, Merchant: 123456, POS: 123456, APIKey: "p24_e2e_key", CRC: "p24_e2e_crc", URL: address})
		a.double, a.finish = d, func(key string) bool { return d.Finish(key, true) }
		a.notices = func() []notice { return posts(d.Notices(), func([]byte) http.Header { return http.Header{} }) }
	},
}

var payuRow = pretended{
	name: "payu", settings: object{"posId": "145227", "clientSecret": "payu_e2e_secret", "secondKey": "payu_e2e_second"}, scale: 100, late: true,
	more: []string{byBlik, byLink}, choice: "m", bank: "PayU", agrees: pay,
	calls: map[string]string{atPay: payu.OpOrder, atRefund: payu.OpRefund},
	never: func(way, call string, f frame.Fault) bool { // nobody can pay at a page whose address was lost, and PayU tells when its time is over
		return f.Before || way == byLink && call == atPay && f.Kind != frame.Rejected
	},
	open: func(a *providerAccount, address string) {
		d := payu.New(payu.Config{Now: time.Now, POS: "145227", ClientID: "145227", Secret: "payu_e2e_secret", SecondKey: "payu_e2e_second", URL: address, Manual: true})
		a.double, a.finish = d, func(key string) bool { return d.Finish(key, true) }
		a.notices = func() (all []notice) {
			for _, n := range d.Notices() {
				all = append(all, notice{http.Header{"Content-Type": {"application/json"}, "OpenPayu-Signature": {n.Signature}}, n.Body})
			}
			return all
		}
	},
}

var openBankingRow = pretended{
	name: "openbanking", scale: 1, more: []string{byAccount}, choice: "bank", bank: "Pay from your account?", agrees: "button[value=yes]",
	calls: map[string]string{atPay: openbanking.OpPay}, never: unsent, // while the customer's access lives, it may still be sent
	open: func(a *providerAccount, address string) {
		ours, theirs := rsaKey(), rsaKey()
		raw, err := x509.MarshalPKCS8PrivateKey(ours)
		if err != nil {
			panic(err) // a key has a form
		}
		bank := object{
			"id": "bank", "name": "A bank", "url": address + openbanking.Base, "tokenUrl": address + "/token", "authorizeUrl": address + "/authorize",
			"issuer": address, "clientId": "client-1",
		}
		back := a.base + "/payment/back"
		a.own = object{
			"banks": []object{bank}, "account": object{"number": "20000012345678", "name": "Shop Ltd"}, "signer": "org/software", "keyId": "kid-1",
			"signingKey": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})), "returnUrl": back,
		}
		d := openbanking.New(openbanking.Config{
			Now: time.Now, URL: address, ClientID: "client-1", KeyID: "kid-1", Caller: &ours.PublicKey, Issuer: "org/software", Own: theirs, Redirects: []string{back},
		})
		a.double, a.finish = d, func(key string) bool { return d.Settle(key, true) }
		a.notices = func() []notice { return nil }
	},
}

func rsaKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // there is always a key
	}
	return key
}

// yandexPayRow is a merchant there, who holds money first or does not: that is a matter of the account.
func yandexPayRow(name string, twoStage bool) pretended {
	const merchant = "789a1b23-0c4d-4e5f-8a6b-7c8d9e0f1a2b"
	return pretended{
		name: name, connector: "yandexpay", settings: object{"apiKey": "yandex_e2e", "merchantId": merchant, "twoStage": twoStage}, scale: 1, late: true,
		more: []string{map[bool]string{false: byPage, true: byPageHold}[twoStage]}, bank: "Yandex Pay", agrees: pay,
		calls: map[string]string{atPay: yandexpay.OpOrder, atCapture: yandexpay.OpCapture, atRefund: yandexpay.OpRefund},
		never: unsent,
		open: func(a *providerAccount, address string) {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				panic(err) // there is always a key
			}
			d := yandexpay.New(yandexpay.Config{
				Now: time.Now, APIKey: "yandex_e2e", Merchant: merchant, URL: address, TwoStage: twoStage, Key: key, KeyID: "key-1",
			})
			var all []notice
			a.double = d
			a.finish = func(id string) bool { return d.Finish(id, true) }
			a.notices = func() []notice {
				for _, payload := range d.Events()[len(all):] {
					body, err := yandexpay.Signed(payload, key, "key-1", time.Now())
					if err != nil {
						panic(err) // the key is one for this
					}
					all = append(all, notice{http.Header{"Content-Type": {"application/octet-stream"}}, body})
				}
				return all
			}
		},
	}
}
