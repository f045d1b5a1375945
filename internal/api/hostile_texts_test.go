package api_test

import (
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/api"
)

// node is a JSON value that may be written wrongly.
type node struct {
	name, raw string
	kids      []node
	open      string // "{" or "[", or "" for a value without kids
}

func treeOf(name string, v *api.Value) node {
	n := node{name: name}
	switch v.Kind() {
	case api.Object, api.Array:
		n.open = map[api.Kind]string{api.Object: "{", api.Array: "["}[v.Kind()]
		members := v.Members()
		for i := range members {
			n.kids = append(n.kids, treeOf(members[i].Name, &members[i].Value))
		}
	case api.String:
		n.raw = string(api.AppendString(nil, v.Text()))
	case api.Number:
		n.raw = v.Text()
	case api.Bool:
		n.raw = strconv.FormatBool(v.True())
	case api.Absent:
		n.raw = "null"
	}
	return n
}

func (n *node) become(raw string) { *n = node{name: n.name, raw: raw} }

// any is a value below n, or n where there is none.
func (n *node) any(r *rand.Rand) *node {
	for len(n.kids) > 0 {
		n = &n.kids[r.IntN(len(n.kids))]
		if r.IntN(4) == 0 {
			return n
		}
	}
	return n
}

// object is n or an object below it.
func (n *node) object(r *rand.Rand) *node {
	for range 3 {
		if below := n.any(r); below.open == "{" && r.IntN(2) == 0 {
			return below
		}
	}
	return n
}

func (n *node) append(dst []byte) []byte {
	if n.open == "" {
		return append(dst, n.raw...)
	}
	dst = append(dst, n.open...)
	for i := range n.kids {
		if i > 0 {
			dst = append(dst, ',')
		}
		if n.open == "{" {
			dst = append(append(append(dst, '"'), n.kids[i].name...), `":`...)
		}
		dst = n.kids[i].append(dst)
	}
	return append(dst, map[string]string{"{": "}", "[": "]"}[n.open]...)
}

// texts have broken somebody's parser, log, page or database.
var texts = []string{
	"", " ", "0", "-1", "null", "true", "NaN", "a\x00b", "\x00", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "\u202egnp.exe", "\u2066x\u2069", "\u200f", "\ufeff", "\uffff", "\U0010ffff",
	"e" + strings.Repeat("\u0301", 500), "'; DROP TABLE payment; --", "1 OR 1=1", "$1", "%s%n%x", "{{7*7}}${7*7}#{7*7}", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>",
	"javascript:alert(1)", "=cmd|' /C calc'!A0", "../../../../etc/passwd", "..\\..\\", "line\r\nX-Injected: 1", "\u2028", "\\", `"`, `\"`, "\x1b[31m", "\x7f", "👩‍👩‍👧‍👦", "𠜎", "İ", "ß", "ﬀ",
	strings.Repeat("a", 65), strings.Repeat("é", 257), strings.Repeat("ж", 513), strings.Repeat("𠜎", 2049), strings.Repeat("x", 17_000),
	"4.2", "1e3", "1234567890123456789012345678", "1000000000.000000000000000001", "99999999999999999999", "0.0000000000000000001", "٣", "１２", "+5", "1,5", "0x10",
	"2026-02-30", "2026-01-02T03:04:05Z", "0000-00-00", "+999999-01-01", "::1", "fe80::1%eth0", "999.1.1.1", "http://[::1]:99999/", "https://user:pw@shop.example/", "https://shop.example/{id}{",
	"0123456789abcdef0123456789abcdef", "01234567-89ab-7def-8123-456789abcdef", "RUB", "XXX", "REFUND", "CARD",
}

// values are JSON, or nearly.
var values = append([]string{
	"null", "true", "false", "0", "-0", "-0.0", "-1", "1.5", "1e400", "1E-400", "1e30", "1e31", "-1e-30", "0.1e1", "00", "01", "+1", ".5", "5.", "1e", "0x1", "NaN", "Infinity", "-Infinity",
	"1234567890123456789012345678", "1000000000.000000000000000001", "9223372036854775808", "-9223372036854775809", "0.30000000000000004", "0.0000000000000000001", "2147483648",
	strings.Repeat("9", 64), strings.Repeat("9", 65), strings.Repeat("9", 400), "0." + strings.Repeat("0", 63) + "1", "1e" + strings.Repeat("9", 300),
	`""`, `" "`, `"\u0000"`, `"\ud800"`, `"\udc00\ud800"`, `"\ud83d"`, `"\uZZZZ"`, `"\x"`, "'a'", "undefined", "a", `"`, `"a`, "[]", "{}", "[null]", `{"a":1,"a":2}`, `{"":""}`, `[1,]`, `{"a":1,}`, `{a:1}`,
	`{"__proto__":{"x":1}}`, `{"constructor":{"prototype":{"x":1}}}`, `[[[[[[[[]]]]]]]]`, "// x", "", " ", "\"\x01\"", "\"\x00\"", "\"\xff\"", "\"\xed\xa0\x80\"",
}, spelled(texts)...)

func spelled(all []string) []string {
	var out []string
	for _, text := range all {
		out = append(out, string(api.AppendString(nil, text)))
	}
	return out
}

// huge is a value that is large in one way or another.
func huge(r *rand.Rand) string {
	n := pick(r, []int{31, 33, 1000, 10_000, 60_000, 70_000})
	switch r.IntN(6) {
	case 0:
		return strings.Repeat("[", n) + strings.Repeat("]", n)
	case 1:
		return strings.Repeat(`{"a":`, n/5) + "1" + strings.Repeat("}", n/5)
	case 2:
		return "[" + strings.Repeat("0,", n/2) + "0]"
	case 3:
		return `"` + strings.Repeat("a", n) + `"`
	case 4:
		var b strings.Builder
		for i := range n / 9 {
			b.WriteString(`"k` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + `":0,`)
		}
		return "{" + b.String() + `"z":0}`
	}
	return "[" + strings.Repeat(`{"productId":"p","title":"t","quantity":{"count":1},"total":1},`, n/64) + "{}]"
}

// outputs are names of answers and rows, which no request may set.
var outputs = []string{
	"id", "state", "shopId", "shop_id", "merchantId", "created", "updated", "version", "errorCode", "terminalName", "terminal", "captured", "refunded", "authorised", "redirectUrl",
	"paymentMethodDetails", "externalResultCode", "externalFeeAmount", "live", "due", "paymentStatus", "operationId", "paymentUrl", "cartId", "status", "signingKey", "__proto__",
}

var outputValues = []string{`"COMPLETED"`, `"CAPTURED"`, `"SUCCESS"`, `1`, `null`, `true`, `"0123456789abcdef0123456789abcdef"`, `{}`, `"1000000"`}

var segments = []string{
	"", ".", "..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%2F", "%5c", "%00", "%ff", "%c0%af", "%ed%a0%80", "%0d%0aX-Injected:%201", "%0a", "*", "{id}", "null", "-1", "0",
	"0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789ABCDEF", "01234567-89ab-7def-8123-456789abcdef", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef0",
	"%30123456789abcdef0123456789abcde", "'%20OR%20'1'='1", "%3Cscript%3E", "a;b", "a%3fb", "%25", "%u0041", "é", strings.Repeat("a", 3000), strings.Repeat("%D0%B6", 2000), "payments", "capture", "recur", "cancel",
}

var queryValues = []string{
	"", "0", "1", "-1", "1000", "1001", "1000000", "1000001", "99999999999999999999", "1e3", "0x10", "%00", "%ff", "%2B1", "1%201", "abc", "true", "latest", "AAAAAAAAAAAAAAAA",
	"2021-10-13T10:26:18", "2021-10-13", "2021-10-13T10:26:18%2B01:00", "2021-10-13T10:26:18+01:00", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00", "2021-13-45T99:99:99",
	"%F0%A0%9C%8E", "%E2%80%AE", "'", "%22", "%zz", strings.Repeat("%D0%B6", 900), strings.Repeat("9", 500),
}

var headers = []string{
	"X-Request-Id", "Idempotency-Key", "X-Request-Timeout", "X-Request-Attempt", "Expect", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "X-HTTP-Method-Override",
	"X-Original-URL", "X-Rewrite-URL", "Cookie", "Accept-Language", "User-Agent", "Accept", "Accept-Encoding", "Range", "If-None-Match", "If-Match", "Upgrade", "Origin", "Referer", "Signature",
	"Content-Encoding", "Sandbox-Timestamp", "Sandbox-Signature", "Traceparent", "Proxy-Connection", "TE", "Trailer",
}
