package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/webhook"
)

// publishedSecret is signingKey in the spelling of Standard Webhooks.
const publishedSecret = "whsec_azdRbTJWdFI5eExjQjRuV3o4SHNEM2ZKNnlQYUU1dUc="

func TestSignaturesOfThePublishedVector(t *testing.T) {
	t.Parallel()
	body := `{"id":"96365a23dca04a5a9bcbb0031e7b06ac","referenceId":"ORDER-12345","created":"2030-12-25T10:11:12",` +
		`"paymentType":"DEPOSIT","state":"COMPLETED","amount":11.12,"currency":"EUR"}`
	message := webhook.Message{
		ID: "evt_0193f0c2a7b17c9e8d4f5a6b7c8d9e0f", At: time.Unix(1924423872, 0), Body: []byte(body), Keys: []string{signingKey},
	}
	const signature, standard = "a94ce9ea585fcf1c43cbd8f6a22de0f859594f4e59aa4081be56cba61851501e", "v1,Yy/6fUXYAzOGjMhkxXNwgsLB479a1xWucDFJyQ2hQIk="
	sign := func(keys ...string) http.Header {
		h := http.Header{"Content-Type": {"application/json"}}
		message.Keys = keys
		got, err := webhook.SignGateway(h, message)
		if err != nil || string(got) != body {
			t.Errorf("body changed to %q, error %v", got, err)
		}
		return h
	}
	want := http.Header{
		"Content-Type": {"application/json"}, "Signature": {signature}, "Webhook-Id": {message.ID},
		"Webhook-Timestamp": {"1924423872"}, "Webhook-Signature": {standard},
	}
	if diff := cmp.Diff(want, sign(signingKey)); diff != "" {
		t.Errorf("one key (-want +got):\n%s", diff)
	}
	rotated := sign("another key", signingKey)
	if got := rotated.Get("Webhook-Signature"); len(got) != 2*47+1 || got[48:] != standard {
		t.Errorf("two keys: %q", got)
	}
	if rotated.Get("Signature") == signature {
		t.Error("Signature uses the old key")
	}
	delete(want, "Signature")
	delete(want, "Webhook-Signature")
	if diff := cmp.Diff(want, sign()); diff != "" {
		t.Errorf("no key (-want +got):\n%s", diff)
	}
}

// request is what arrived at a receiver.
type request struct {
	method string
	header http.Header
	body   []byte
}

// verifiers are receivers that share no code with what they check: the contract's recipe, and the public library.
var verifiers = map[string]func(key string, q request) bool{
	"contract": func(key string, q request) bool {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(q.body)
		return hex.EncodeToString(mac.Sum(nil)) == q.header.Get("Signature")
	},
	"standard webhooks": func(key string, q request) bool {
		wh, err := standardwebhooks.NewWebhookRaw([]byte(key))
		return err == nil && wh.Verify(q.body, q.header) == nil
	},
}

// TestReceiversVerify delivers on the real clock, since the public library judges by it, and then tampers.
func TestReceiversVerify(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		f.clock.t = time.Now()
		var got []request
		srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
			body, _ := io.ReadAll(q.Body)
			got = append(got, request{q.Method, q.Header.Clone(), body})
		}))
		defer srv.Close()
		deliver := func(p int) request {
			t.Helper()
			f.tell(srv.URL, p, 1)
			f.run(srv.URL)
			if len(got) != p {
				t.Fatalf("%d of %d arrived", len(got), p)
			}
			return got[p-1]
		}
		q := deliver(1)
		if q.method != "POST" || string(q.body) != `{"Payment":"1","Seq":1}` || q.header.Get("Content-Type") != "application/json" ||
			q.header.Get("Webhook-Id") != "evt_"+eventID(1, 1) {
			t.Errorf("arrived: %+v", q)
		}
		if wh, err := standardwebhooks.NewWebhook(publishedSecret); err != nil || wh.Verify(q.body, q.header) != nil {
			t.Error("the secret in the standard's spelling does not verify")
		}
		for name, verify := range verifiers {
			if !verify(signingKey, q) {
				t.Errorf("%s refuses a genuine delivery", name)
			}
			for bit := range len(q.body) * 8 {
				forged := request{q.method, q.header, bytes.Clone(q.body)}
				forged.body[bit/8] ^= 1 << (bit % 8)
				if verify(signingKey, forged) {
					t.Fatalf("%s accepts a body with bit %d flipped", name, bit)
				}
			}
		}
		f.clock.t = time.Now().Add(-5*time.Minute - 10*time.Second)
		old := deliver(2)
		f.clock.t = time.Now()
		if verifiers["standard webhooks"](signingKey, old) {
			t.Error("the public library accepts a delivery of five minutes ago")
		}
		if !verifiers["contract"](signingKey, old) {
			t.Error("the contract's signature depends on the time")
		}

		const fresh = "5uGaPyE6Jf3DsH8zWn4BcLx9RtV2mQ7k"
		f.shop.RotateKey(fresh, time.Now().Add(time.Hour))
		overlap := deliver(3)
		if !verifiers["standard webhooks"](fresh, overlap) || !verifiers["standard webhooks"](signingKey, overlap) {
			t.Error("during the overlap a receiver with either key must accept")
		}
		if !verifiers["contract"](fresh, overlap) || verifiers["contract"](signingKey, overlap) {
			t.Error("Signature is not the new key's")
		}
		f.shop.Settings.RetiredKey.Until = f.clock.Now()
		if after := deliver(4); verifiers["standard webhooks"](signingKey, after) || !verifiers["standard webhooks"](fresh, after) {
			t.Error("the old key signs after its end, or the new one does not")
		}
	})
}

// TestEveryTryHasItsOwnTime: the id stays, the time moves, and the body's signature with it.
func TestEveryTryHasItsOwnTime(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		var ids, stamps []string
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			ids, stamps = append(ids, q.Header.Get("Webhook-Id")), append(stamps, q.Header.Get("Webhook-Timestamp"))
			w.WriteHeader(500)
		}))
		defer srv.Close()
		f.tell(srv.URL, 1, 1)
		f.until(f.clock.Now().Add(time.Minute))
		if len(slices.Compact(ids)) != 1 {
			t.Errorf("ids %q", ids)
		}
		if diff := cmp.Diff([]string{"1924423200", "1924423205", "1924423235"}, stamps); diff != "" {
			t.Errorf("times (-want +got):\n%s", diff)
		}
	})
}

// TestSignerMayReplaceTheBody: a dialect may post something else than the stored body, or refuse.
func TestSignerMayReplaceTheBody(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		refuse := false
		f := newFixture(t, d, func(c *webhook.Config) {
			p := webhook.Gateway()
			p.Sign = func(_ context.Context, h http.Header, m webhook.Message) ([]byte, error) {
				if refuse {
					return nil, errors.New("no key")
				}
				h.Set("Content-Type", "application/jwt")
				return []byte("signed:" + string(m.Body)), nil
			}
			c.Protocols = map[string]webhook.Protocol{"gateway": p}
		})
		var got request
		srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
			body, _ := io.ReadAll(q.Body)
			got = request{q.Method, q.Header.Clone(), body}
		}))
		defer srv.Close()
		f.tell(srv.URL, 1, 1)
		f.run(srv.URL)
		if string(got.body) != `signed:{"Payment":"1","Seq":1}` || got.header.Get("Content-Type") != "application/jwt" {
			t.Errorf("arrived: %+v", got)
		}
		refuse = true
		f.tell(srv.URL, 2, 1)
		if _, err := f.d.Run(context.Background(), keyOf(srv.URL)); err != nil {
			t.Fatal(err)
		}
		if tries := f.tries(srv.URL, 2, 1); len(tries) != 1 || tries[0].Error != "sign: no key" {
			t.Errorf("log %+v", tries)
		}
		if e := f.endpoint(srv.URL); e.State != store.EndpointUp || e.Fails != 0 {
			t.Errorf("endpoint %+v", e)
		}
	})
}
