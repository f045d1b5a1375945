package outbound_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
)

func keyedBy(key string) func([]byte) []byte {
	return func(sum []byte) []byte {
		h := hmac.New(sha256.New, []byte(key))
		h.Write(sum)
		return h.Sum(nil)
	}
}

// TestOnlyTheVerySameRequestLeavesAgain: each change of what it asks for keeps it here, and what is other each time does not count.
func TestOnlyTheVerySameRequestLeavesAgain(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	defer server.Close()
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now})
	defer client.CloseIdle()
	request := func(edit func(*outbound.Request)) *outbound.Request {
		r := &outbound.Request{
			Method: http.MethodPost, URL: server.URL + "/pay?a=1", Header: http.Header{"Key": {"k1"}, "Account": {"one"}, "Signature": {"x"}},
			Body: []byte(`{"amount":"1"}`), Wipe: true, Once: []string{"Account", "Key"},
		}
		if edit != nil {
			edit(r)
		}
		return r
	}
	ctx, sums := outbound.WithSums(t.Context(), keyedBy("secret"))
	for _, r := range []*outbound.Request{request(nil), request(func(r *outbound.Request) { r.URL = server.URL + "/token"; r.Once = nil })} {
		if _, err := client.Do(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(strings.Fields(sums.String())); n != 1 {
		t.Fatalf("%d sums of one request that says what it does once", n)
	}
	for _, c := range []struct {
		name string
		edit func(*outbound.Request)
		by   string
		sums string
		ok   bool
	}{
		{name: "the same", ok: true},
		{name: "another signature", edit: func(r *outbound.Request) { r.Header.Set("Signature", "y") }, ok: true},
		{name: "what moves nothing", edit: func(r *outbound.Request) { r.Once, r.Body = nil, []byte("x") }, ok: true},
		{name: "another body", edit: func(r *outbound.Request) { r.Body[11] = '2' }},
		{name: "a longer body", edit: func(r *outbound.Request) { r.Body = append(r.Body, ' ') }},
		{name: "another key", edit: func(r *outbound.Request) { r.Header.Set("Key", "k2") }},
		{name: "another account", edit: func(r *outbound.Request) { r.Header.Set("Account", "two") }},
		{name: "no key", edit: func(r *outbound.Request) { r.Header.Del("Key") }},
		{name: "another address", edit: func(r *outbound.Request) { r.URL = server.URL + "/pay?a=2" }},
		{name: "another method", edit: func(r *outbound.Request) { r.Method = http.MethodPut }},
		{name: "other headers named", edit: func(r *outbound.Request) { r.Once = []string{"Key"} }},
		{name: "the key of another installation", by: "another"},
		{name: "nothing was kept", sums: " "},
	} {
		by, kept := "secret", sums.String()
		if c.by != "" {
			by = c.by
		}
		if c.sums != "" {
			kept = c.sums
		}
		before, r := arrived.Load(), request(c.edit)
		_, err := client.Do(outbound.OnlyAgain(t.Context(), keyedBy(by), kept), r)
		refused := errors.Is(err, outbound.ErrNotSent) && errors.Is(err, outbound.ErrOther) && !errors.Is(err, outbound.ErrOurs)
		if c.ok != (err == nil) || !c.ok && !refused || c.ok != (arrived.Load() == before+1) {
			t.Errorf("%s: %v, %d requests arrived", c.name, err, arrived.Load()-before)
		}
		if !c.ok && strings.Trim(string(r.Body), "\x00") != "" {
			t.Errorf("%s: what was not sent is still there", c.name)
		}
	}
}
