package api_test

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"net/url"
	"strings"

	"github.com/sluicepay/sluice/internal/api"
)

// mutation changes a request.
type mutation func(r *rand.Rand, q *sent)

// mutate changes a request once, or sometimes twice or thrice. Mostly it is what it says that is changed.
func mutate(r *rand.Rand, q *sent) {
	for range 1 + r.IntN(3)*r.IntN(2) {
		all := [][]mutation{inHeader, inHeader, inTarget, inTarget, inMethod}
		if len(q.body) > 0 {
			all = append(all, inBody, inBody, inBody, inBody, inBody, inBody, inBody, inBody)
		}
		among := all[r.IntN(len(all))]
		among[r.IntN(len(among))](r, q)
	}
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

var inMethod = []mutation{func(r *rand.Rand, q *sent) {
	q.method = pick(r, []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get", "PRI", "G\u00c9T", "POST\t"})
}}

// inBody change JSON where there is any, else a form or bytes.
var inBody = []mutation{
	withTree(func(r *rand.Rand, n *node) { n.any(r).become(pick(r, values)) }),
	withTree(func(r *rand.Rand, n *node) { n.any(r).become(pick(r, values)) }),
	withTree(func(r *rand.Rand, n *node) { n.any(r).become(huge(r)) }),
	withTree(func(r *rand.Rand, n *node) { n.any(r).become(string(n.any(r).append(nil))) }),
	withTree(func(r *rand.Rand, n *node) {
		if at := n.object(r); len(at.kids) > 0 { // the name again, with the same value or another
			kid := pick(r, at.kids)
			if r.IntN(2) == 0 {
				kid.become(pick(r, values))
			}
			at.kids = append(at.kids, kid)
		}
	}),
	withTree(func(r *rand.Rand, n *node) {
		if at := n.object(r); len(at.kids) > 0 { // the name in another case, or escaped
			kid := &at.kids[r.IntN(len(at.kids))]
			kid.name = pick(r, []string{strings.ToUpper(kid.name), strings.Title(kid.name), kid.name + " ", "\ufeff" + kid.name, //nolint:staticcheck // a first letter is all that is wanted
				`\u00` + "6" + string("0123456789abcdef"[r.IntN(16)]) + kid.name})
		}
	}),
	withTree(func(r *rand.Rand, n *node) {
		if at := n.object(r); len(at.kids) > 0 {
			i := r.IntN(len(at.kids))
			at.kids = append(at.kids[:i], at.kids[i+1:]...)
		}
	}),
	withTree(func(r *rand.Rand, n *node) {
		at := n.object(r)
		at.kids = append(at.kids, node{name: pick(r, outputs), raw: pick(r, outputValues)})
	}),
	func(r *rand.Rand, q *sent) {
		q.body = append(q.body, pick(r, []string{"x", "{}", "\x00", ",", "]", "}", "\n//", "null", "\xff", " \r\n\t", string(q.body)})...)
	},
	func(r *rand.Rand, q *sent) {
		q.body = append([]byte(pick(r, []string{"\ufeff", "[", "/**/", "\x00", ")]}',\n", "\xff\xfe", "a=", " \t\r\n", "\x1f\x8b"})), q.body...)
	},
	func(r *rand.Rand, q *sent) { q.body = q.body[:r.IntN(len(q.body))] },
	func(r *rand.Rand, q *sent) {
		q.body = bytes.Clone(q.body)
		for range 1 + r.IntN(4) {
			q.body[r.IntN(len(q.body))] = byte(r.IntN(256))
		}
	},
	func(r *rand.Rand, q *sent) {
		at := r.IntN(len(q.body))
		q.body = append(append(bytes.Clone(q.body[:at]), pick(r, texts)...), q.body[at:]...)
	},
	func(r *rand.Rand, q *sent) { q.body = []byte(pick(r, values)) },
	func(r *rand.Rand, q *sent) { q.body = []byte(huge(r)) },
	func(r *rand.Rand, q *sent) {
		q.body = append(q.body, strings.Repeat(" ", 70_000*r.IntN(2)+r.IntN(60_000))...)
	},
	func(_ *rand.Rand, q *sent) { q.body = nil },
	inForm, inForm,
}

// inForm changes a field of a form.
func inForm(r *rand.Rand, q *sent) {
	form, err := url.ParseQuery(string(q.body))
	if q.area != areaPage || err != nil || len(form) == 0 {
		return
	}
	names := []string{"nonce", "method", "number", "expiry", "code", "holder", "amount", "state", "id", "shop", "returnUrl", "__proto__", "number[]"}
	for range 1 + r.IntN(3) {
		form[pick(r, names)] = pick(r, [][]string{nil, {""}, {pick(r, texts)}, {pick(r, texts), pick(r, texts)}, {strings.Repeat("9", r.IntN(20_000))}})
	}
	q.body = []byte(form.Encode())
	if r.IntN(4) == 0 {
		q.body = append(q.body, pick(r, []string{"&%zz", "&;", "&=", "&&&&", "%00", "&number=%ff", "#"})...)
	}
}

// inTarget change the path and query.
var inTarget = []mutation{
	func(r *rand.Rand, q *sent) { // an id, or another part of the path
		path, query, _ := strings.Cut(q.target, "?")
		parts := strings.Split(path, "/")
		parts[r.IntN(len(parts))] = pick(r, segments)
		q.target = strings.Join(parts, "/") + strings.TrimSuffix("?"+query, "?")
	},
	func(r *rand.Rand, q *sent) {
		path, query, _ := strings.Cut(q.target, "?")
		q.target = path + pick(r, []string{"/", "//", "/.", "/..", ";x=1", "%2f", "%2F..", "%00", "/%2e%2e/", "\\", "/x", "%", "%zz"}) + strings.TrimSuffix("?"+query, "?")
	},
	func(r *rand.Rand, q *sent) {
		at := min(len(q.target), 1+strings.LastIndex(q.target[:r.IntN(len(q.target)+1)], "/"))
		q.target = q.target[:at] + pick(r, []string{"../", "./", "/", "%2e%2e/", "..%2f", "x/../", "%2F"}) + q.target[at:]
	},
	func(r *rand.Rand, q *sent) {
		q.target = "http://" + pick(r, []string{"other.example", "[::1]", "a@b", ""}) + q.target
	},
	func(r *rand.Rand, q *sent) {
		q.target = pick(r, []string{"*", "", "//other.example/x", "/", "?", "#", "/api", "/api/v1", "/api/merchant", "/payment/", "/notices/"})
	},
	inQuery, inQuery, inQuery,
}

func inQuery(r *rand.Rand, q *sent) {
	path, query, _ := strings.Cut(q.target, "?")
	for range 1 + r.IntN(3) {
		name := pick(r, []string{"offset", "limit", "created.gte", "created.lt", "updated.gte", "referenceId.eq", "after", "wait", "state", "shopId", "limit[]", "limit[0]", "", "%00", "%zz"})
		query += "&" + name + "=" + pick(r, queryValues)
	}
	if r.IntN(8) == 0 {
		query += pick(r, []string{";limit=1", "&", "&&&=", "=", "%", strings.Repeat("&a=b", 3000), "?limit=1", "&limit"})
	}
	q.target = path + "?" + query
}

// inHeader change the lines above the body, and how the body is sent.
var inHeader = []mutation{
	func(r *rand.Rand, q *sent) { q.header = q.without("Authorization") },
	func(r *rand.Rand, q *sent) { // another word for the scheme, the wrong key, a key in disguise
		for i, line := range q.header {
			if scheme, key, ok := strings.Cut(strings.TrimPrefix(line, "Authorization: "), " "); ok && strings.HasPrefix(line, "Authorization") {
				q.header[i] = "Authorization: " + pick(r, []string{strings.ToUpper(scheme) + " " + key, "Basic " + key, key, scheme, scheme + "  " + key + "  ",
					scheme + " " + key[:len(key)-1], scheme + " " + key + "\x00", scheme + " " + strings.ToUpper(key), scheme + "\t" + key, scheme + " " + key + ",x",
					"Bearer " + key, "Api-Key " + key, scheme + " " + pick(r, texts), scheme + " " + strings.Repeat("k", 9000), "Api-Key 01234567-89ab-7def-8123-456789abcdef"})
			}
		}
	},
	func(_ *rand.Rand, q *sent) {
		for _, line := range q.header {
			if strings.HasPrefix(line, "Authorization") {
				q.header = append(q.header, line)
				return
			}
		}
	},
	func(r *rand.Rand, q *sent) {
		q.set("Content-Type", pick(r, []string{"", "text/plain", "application/json; charset=utf-16", "application/json;charset=UTF-8", "application/xml",
			"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json, text/html", "a/b; c=\"", "*/*", strings.Repeat("x", 5000), "APPLICATION/JSON", "\xff"}))
	},
	func(_ *rand.Rand, q *sent) { q.header = append(q.header, "Content-Type: text/html") },
	func(_ *rand.Rand, q *sent) { q.header = q.without("Content-Type") },
	func(r *rand.Rand, q *sent) { q.chunked = true },
	func(r *rand.Rand, q *sent) {
		q.length = pick(r, []string{"0", "5", "-1", "99999999999999999999", "70000", "1e3", "+5", "5, 5", "5\r\nContent-Length: 6", "\r\nTransfer-Encoding: chunked", "0x5", " "})
	},
	func(r *rand.Rand, q *sent) {
		q.broken = true
		q.header = append(q.header, "Transfer-Encoding: "+pick(r, []string{"gzip", "identity", "chunked, chunked", "Chunked", "x"}))
	},
	func(_ *rand.Rand, q *sent) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(bytes.Repeat([]byte(" "), 1<<20)) // to memory
		_, _ = z.Write(q.body)
		_ = z.Close()
		q.body = b.Bytes()
		q.header = append(q.header, "Content-Encoding: gzip")
	},
	func(r *rand.Rand, q *sent) {
		q.header = append(q.header, pick(r, headers)+": "+pick(r, texts))
	},
	func(r *rand.Rand, q *sent) {
		q.header = append(q.header, pick(r, headers)+": "+pick(r, []string{"", "0", "-1", "99999999999999999999", "1e9", "\"\"", "\"", strings.Repeat("a", 255), strings.Repeat("a", 256),
			strings.Repeat("a", 17_000), "a\r\nX-Injected: 1", "a\r\n folded", "a\nX-Injected: 1", "\x00", "\x7f", "é", "\xff\xfe", "127.0.0.1", "unknown, 10.0.0.1, ,", "100-continue", "200-ok"}))
	},
	func(r *rand.Rand, q *sent) {
		q.set("Host", pick(r, []string{"", "other.example", "a b", "a:99999", "[::1", "é", "a\r\nX: y", "169.254.169.254", strings.Repeat("a", 5000)}))
	},
	func(_ *rand.Rand, q *sent) {
		q.header = append(q.header, strings.Repeat("X-Y: z\r\n", 3000)+"X-End: 1")
	},
	func(r *rand.Rand, q *sent) {
		q.header = append(q.header, pick(r, []string{"X : y", ": y", "X", "\x00: y", "X\x00: y", "X: y\x00", " X: y", "(): y"}))
	},
}

// withTree changes a body of JSON as a tree.
func withTree(change func(*rand.Rand, *node)) mutation {
	return func(r *rand.Rand, q *sent) {
		doc, err := api.Decode(q.body)
		if err != nil {
			return
		}
		tree := treeOf("", doc)
		change(r, &tree)
		q.body = tree.append(nil)
	}
}
