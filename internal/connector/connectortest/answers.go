package connectortest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// strange are answers of a server that is no provider, or of one that is broken.
var strange = []struct {
	name   string
	status int
	header string // of Content-Type, or another as "Name: value"
	body   string
}{
	{"empty", 200, "application/json", ""},
	{"web page", 200, "text/html", "<html><body>Welcome</body></html>"},
	{"null", 200, "application/json", "null"},
	{"empty object", 200, "application/json", "{}"},
	{"list", 200, "application/json", `[{"status":"approved"}]`},
	{"text", 200, "application/json", `"approved"`},
	{"bare status", 200, "application/json", `{"status":"approved","responseCode":"00"}`},
	{"nothing to tell", 204, "application/json", ""},
	{"accepted", 202, "application/json", "{}"},
	{"redirect", 307, "Location: /elsewhere", ""},
	{"moved", 301, "Location: /elsewhere", ""},
	{"request timeout", 408, "application/json", "{}"},
	{"conflict", 409, "application/json", "{}"},
	{"bare 500", 500, "text/plain", ""},
	{"busy with a promise", 503, "application/json", `{"error":{"code":"internal","processed":false}}`},
	{"bytes", 200, "application/octet-stream", "\x00\xff\xfe\x01"},
	{"deep", 200, "application/json", strings.Repeat("[", 100_000)},
}

// strangeAnswers makes every kind of call to a server that knows nothing. Nothing that
// it says proves anything, and it is asked once.
func strangeAnswers(t *testing.T, s Suite) {
	p := s.Open(t)
	for _, c := range strange {
		t.Run(c.name, func(t *testing.T) {
			r, count := cannedRig(t, s, p, func(w http.ResponseWriter) {
				name, value, ok := strings.Cut(c.header, ": ")
				if !ok {
					name, value = "Content-Type", c.header
				}
				w.Header().Set(name, value)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body) // the client may have gone
			})
			r.learnsNothing(t, count)
		})
	}
	t.Run("bomb", func(t *testing.T) {
		var packed bytes.Buffer
		zip := gzip.NewWriter(&packed)
		if _, err := zip.Write(bytes.Repeat([]byte(" "), 64<<20)); err != nil {
			t.Fatal(err)
		}
		if err := zip.Close(); err != nil {
			t.Fatal(err)
		}
		r, count := cannedRig(t, s, p, func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed.Bytes()) // the client hangs up early
		})
		r.learnsNothing(t, count)
	})
}

// cannedRig opens the connector on a server that gives every request one answer.
func cannedRig(t *testing.T, s Suite, p Provider, answer func(http.ResponseWriter)) (*rig, *atomic.Int64) {
	t.Helper()
	count := new(atomic.Int64)
	double := httputil.NewSingleHostReverseProxy(addressOf(t, p.URL))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if p.Prepares != nil && p.Prepares(req) {
			double.ServeHTTP(w, req)
			return
		}
		count.Add(1)
		_, _ = io.Copy(io.Discard, req.Body) // a cut request is answered all the same
		answer(w)
	}))
	t.Cleanup(server.Close)
	return rigAt(t, s, p, server.URL), count
}

// learnsNothing makes all calls once and wants UNKNOWN from each.
func (r *rig) learnsNothing(t *testing.T, count *atomic.Int64) {
	t.Helper()
	for _, kind := range kinds() {
		if !r.can(kind) {
			continue
		}
		before := count.Load()
		fact, err := r.send(t, kind, r.loose(kind))
		if !r.open(kind, fact, err) {
			t.Errorf("%s: %+v, %v; want UNKNOWN", kind, fact, err)
		}
		if n := count.Load() - before; n != 1 {
			t.Errorf("%s: %d requests for one call", kind, n)
		}
		fact, err = r.ask(t, kind, r.loose(kind))
		if !unknown(fact, err) || fact.NotFound && !r.suite.But.Begun {
			t.Errorf("status of %s: %+v, %v; want UNKNOWN and not NotFound", kind, fact, err)
		}
	}
	r.learnsNoBanks(t)
	if !r.canVerify() {
		return
	}
	if fact, err := r.send(t, payment.AttemptDeposit, r.verification(t, r.p.Good)); !r.open(payment.AttemptDeposit, fact, err) {
		t.Errorf("verification: %+v, %v; want UNKNOWN", fact, err)
	}
}

func addressOf(t *testing.T, base string) *url.URL {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// editor stands between the connector and the double and edits answers: all of them, or only those to requests that do something.
type editor struct {
	edit  atomic.Pointer[func([]byte) []byte]
	doing atomic.Bool
}

func editedRig(t *testing.T, s Suite) (*rig, *editor) {
	t.Helper()
	p, e := s.Open(t), new(editor)
	e.set(func(body []byte) []byte { return body })
	target := addressOf(t, p.URL)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(target)
			pr.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: func(res *http.Response) error {
			body, err := io.ReadAll(res.Body)
			if err != nil {
				return err
			}
			if asks := res.Request.Method == http.MethodGet; !asks || !e.doing.Load() {
				body = (*e.edit.Load())(body)
			}
			res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			res.Header.Set("Content-Length", strconv.Itoa(len(body)))
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return rigAt(t, s, p, server.URL), e
}

func (e *editor) set(edit func([]byte) []byte) { e.edit.Store(&edit) }

// cutAnswers cuts true answers at many places, in a way that HTTP does not notice.
func cutAnswers(t *testing.T, s Suite) {
	r, e := editedRig(t, s)
	q := r.sale()
	card, length := q.Means, 0
	e.set(func(body []byte) []byte { length = len(body); return body })
	q.Means = instrument.Clone(card)
	r.must(t, payment.AttemptDeposit, q)
	for cut := 0; cut < length; cut += max(1, length/48) {
		e.set(func(body []byte) []byte { return body[:min(cut, len(body)-1)] })
		q.Means = instrument.Clone(card)
		if fact, err := r.send(t, payment.AttemptDeposit, q); !r.open(payment.AttemptDeposit, fact, err) {
			t.Errorf("cut after %d bytes: %+v, %v; want UNKNOWN", cut, fact, err)
		}
		if fact, err := r.ask(t, payment.AttemptDeposit, q); !unknown(fact, err) || fact.NotFound {
			t.Errorf("status cut after %d bytes: %+v, %v; want UNKNOWN", cut, fact, err)
		}
	}
	r.booked(t, q, Taken)
}

// swappedAnswers gives each kind of call the answer to somebody else's request.
func swappedAnswers(t *testing.T, s Suite) {
	for _, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			r, e := editedRig(t, s)
			q := r.request(t, kind)
			echoed := false
			e.set(func(body []byte) []byte {
				echoed = bytes.Contains(body, []byte(r.said(q.Key)))
				return swapped(body, r.said(q.Key))
			})
			e.doing.Store(s.But.Follows)
			fact, err := r.send(t, kind, q)
			e.doing.Store(false)
			if !echoed {
				t.Skip("the provider does not echo our key")
			}
			if !r.open(kind, fact, err) {
				t.Errorf("%+v, %v; want UNKNOWN", fact, err)
			}
			if errors.Is(err, outbound.ErrNotSent) { // it is what was sent before that was not believed
				r.booked(t, q)
				return
			}
			listed := r.c.Traits().ByOriginal && kind != payment.AttemptDeposit // one with another key is another
			if fact, err = r.ask(t, kind, q); !unknown(fact, err) || fact.NotFound && !listed {
				t.Errorf("status: %+v, %v; want UNKNOWN", fact, err)
			}
			e.set(func(body []byte) []byte { return body })
			r.pay(t, kind, q)
			r.booked(t, q, movement(kind))
		})
	}
}

// swapped is an answer about a key that differs in its letters' case.
func swapped(body []byte, key string) []byte {
	return bytes.ReplaceAll(body, []byte(key), []byte(strings.ToUpper(key)))
}

// swappedFences gives a fence the answer to somebody else's.
func swappedFences(t *testing.T, s Suite) {
	for name, booked := range map[string]bool{"unused": false, "done": true} {
		t.Run(name, func(t *testing.T) {
			if s.But.Begun && !booked {
				t.Skip("nobody is asked about it")
			}
			r, e := editedRig(t, s)
			q := r.sale()
			if booked {
				r.must(t, payment.AttemptDeposit, q)
			}
			e.set(func(body []byte) []byte { return swapped(body, r.said(q.Key)) })
			if fact, err := r.fence(t, payment.AttemptDeposit, q); !unknown(fact, err) {
				t.Errorf("%+v, %v; want UNKNOWN", fact, err)
			}
		})
	}
}
