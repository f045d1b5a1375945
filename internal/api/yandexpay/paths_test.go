package yandexpay_test

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestOrdersAreFoundUnderAnyID makes orders with ids that mean something in paths, and finds each by its own id only.
func TestOrdersAreFoundUnderAnyID(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		for _, oid := range []string{
			"A/1", "/", "//", "..", ".", "../..", "a//b", "%2F", "%2e%2e", "a b", " ", "a+b", "a?b=c#d", "a;b", "заказ №1", "日本/語", "\u202e", "%", "%zz",
			"cancel", "recur", "a\nb", strings.Repeat("ж", 2048), strings.Repeat("😀", 2048), "01234567-89ab-7def-8123-456789abcdef", "{order_id}", `\`, `"`,
		} {
			body := with(t, tea, "orderId", jsonText(t, oid))
			c.post(t, orders, body)
			for _, spelled := range []string{url.PathEscape(oid), everyByte(oid)} {
				a := c.get(t, orders+"/"+spelled)
				if got := a.field(t, "data.order.orderId"); got != oid {
					t.Errorf("order %q under %q is %q", oid, spelled, got)
				}
			}
			c.post(t, orders+"/"+everyByte(oid)+"/rollback", "")
			a := c.get(t, orders+"/"+everyByte(oid))
			if got := a.field(t, "data.order.paymentStatus"); got != "FAILED" {
				t.Errorf("order %q rolled back is %q", oid, got)
			}
		}
	})
}

// everyByte escapes all of a text, as some clients do.
func everyByte(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(s) {
		b.WriteString("%" + string(digits[s[i]>>4]) + string(digits[s[i]&15]))
	}
	return b.String()
}

// TestNoPathIsRedirected sends paths as they are, which a client of the standard library would tidy first.
func TestNoPathIsRedirected(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		c.order(t, "..")
		for path, want := range map[string]string{
			"/v1/orders/..": "200", "/v1/orders/../": "404", "/v1/orders/.": "404", "/v1/orders//": "404", "//v1/orders/..": "404",
			"/./v1/orders/..": "404", "/v1/orders/%2e%2e": "200", "/v1/orders/%2E.": "200", "/v1/orders/..?x=1": "200", "/../merchant/v1/orders/..": "404",
			"/v1/orders/%00": "404", "/v1/orders/%ff": "404", "/v1/orders/a%2": "400", "/v1/operations/%00": "404", "/v1/operations/%ff%fe": "404",
			"/v1/subscriptions/%00": "404", "/v1/orders/" + strings.Repeat("x", 2049): "404", "/v1/operations/" + strings.Repeat("%D0%B6", 2049): "404",
		} {
			if got := c.raw(t, "/api/merchant"+path); got != want {
				t.Errorf("%.60s: %s, want %s", path, got, want)
			}
		}
	})
}

// raw sends a GET without touching its path and returns the status.
func (c *client) raw(t *testing.T, path string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(c.app.URL, "http://"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = conn.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\nAuthorization: Api-Key " + c.shop.APIKey + "\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 12)
	if _, err := io.ReadFull(conn, head); err != nil {
		t.Fatal(err)
	}
	return string(head[9:])
}

func TestHeadIsLikeGet(t *testing.T) {
	t.Parallel()
	c := newClient(t, storetest.New(t, store.SQLite), nil)
	path := c.order(t, "A-1")
	if a := c.do(t, request{method: http.MethodHead, path: path}); a.status != 200 || len(a.body) != 0 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
