package gateway_test

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/golden"
)

// transcript is a conversation with the API that is kept as a file. What differs from run to run is replaced, so that
// the file is the same whatever the database.
type transcript struct {
	*client
	out   bytes.Buffer
	names map[string]string // of ids, in the order in which they are met
}

// record runs a conversation on both databases and compares each with testdata/<name>.http.
func record(t *testing.T, name string, edit func(*shop.Shop), talk func(*testing.T, *transcript)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		s := &transcript{client: newClient(t, d, edit), names: make(map[string]string)}
		talk(t, s)
		golden.Check(t, filepath.Join("testdata", name+".http"), s.out.Bytes())
	})
}

// by returns the transcript continued by another client of the same application.
func (s *transcript) by(c *client, talk func(*transcript)) {
	mine := s.client
	s.client = c
	talk(s)
	s.client = mine
}

// step sends a request, wants the status and writes both down.
func (s *transcript) step(t *testing.T, title string, status int, q request) answer {
	t.Helper()
	a := s.do(t, q)
	if a.status != status {
		t.Errorf("%s: %d, want %d\n%s", title, a.status, status, a.body)
	}
	fmt.Fprintf(&s.out, "### %s\n%s %s\n", title, q.method, s.normal(q.path))
	if given, changed := q.header["Authorization"]; !changed {
		s.out.WriteString("Authorization: Bearer <key>\n")
	} else if given != "" {
		s.out.WriteString("Authorization: " + given + "\n")
	}
	for _, name := range []string{"Accept", "Content-Encoding", "Content-Type", "Idempotency-Key", "X-Api-Key"} {
		if q.header[name] != "" {
			s.out.WriteString(name + ": " + q.header[name] + "\n")
		}
	}
	switch {
	case len(q.body) > 4096:
		fmt.Fprintf(&s.out, "\n<%d bytes>\n", len(q.body))
	case q.body != "":
		s.out.WriteString("\n" + s.normal(strings.ToValidUTF8(q.body, "<not UTF-8>")) + "\n")
	}
	fmt.Fprintf(&s.out, "\nHTTP/1.1 %d %s\n", a.status, http.StatusText(a.status))
	for _, name := range []string{"Accept-Encoding", "Allow", "Content-Type", "Duplicate-Of", "Idempotency-Replayed", "Retry-After", "WWW-Authenticate"} {
		if v := a.header.Get(name); v != "" {
			s.out.WriteString(name + ": " + s.normal(v) + "\n")
		}
	}
	s.out.WriteString("X-Request-Id: <request-id>\n\n" + s.normal(string(a.body)) + "\n\n")
	return a
}

func (s *transcript) post(t *testing.T, title, path, body string, status int) answer {
	t.Helper()
	return s.step(t, title, status, request{method: http.MethodPost, path: payments + path, body: body})
}

func (s *transcript) get(t *testing.T, title, path string, status int) answer {
	t.Helper()
	return s.step(t, title, status, request{method: http.MethodGet, path: payments + path})
}

func (s *transcript) patch(t *testing.T, title, id, body string, status int) answer {
	t.Helper()
	return s.step(t, title, status, request{method: http.MethodPatch, path: payments + "/" + id, body: body})
}

// prepare sends a request that is not worth writing down, and returns the payment's id.
func (s *transcript) prepare(t *testing.T, method, path, body string) string {
	t.Helper()
	a := s.want(t, request{method: method, path: payments + path, body: body}, http.StatusOK)
	return a.field(t, "id")
}

// paid prepares a card deposit that was executed.
func (s *transcript) paid(t *testing.T, pairs ...string) string {
	t.Helper()
	id := s.prepare(t, http.MethodPost, "", with(t, with(t, deposit, "card", card), pairs...))
	return s.prepare(t, http.MethodPatch, "/"+id, browser)
}

// noKey changes a request to come without a key.
func noKey(q request) request {
	q.header = map[string]string{"Authorization": ""}
	return q
}

// keyed adds an idempotency key.
func keyed(q request, key string) request {
	q.header = map[string]string{"Idempotency-Key": key}
	return q
}

const (
	browser   = `{"customerIp":"152.13.130.125"}`
	unknownID = "0193f0c2a7b17c9e8d4f5a6b7c8d9e0f"
)

var (
	tokenPath  = regexp.MustCompile(`/payment/[A-Za-z0-9_-]{64}`)
	recurring  = regexp.MustCompile(`"recurringToken":"[A-Za-z0-9]{32}"`)
	instant    = regexp.MustCompile(`20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\+00:00`)
	created    = regexp.MustCompile(`"created":"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"`)
	theirTime  = regexp.MustCompile(`20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z`)
	durationMs = regexp.MustCompile(`"durationMs\\":[0-9]+`)
	epoch      = regexp.MustCompile(`[0-9a-f]{8}-<id`)
	appPage    = regexp.MustCompile(`<provider>/pay/[A-Za-z0-9_-]{16,}`)
	pixCode    = regexp.MustCompile(`"qrCode":"[^"]+"`)
	hexID      = regexp.MustCompile(`\b[0-9a-f]{32}\b`)
)

func (s *transcript) normal(text string) string {
	text = strings.ReplaceAll(text, s.app.SimulatorURL, "<provider>")
	text = strings.ReplaceAll(text, s.app.URL, "<url>")
	text = tokenPath.ReplaceAllString(text, "/payment/<token>")
	text = recurring.ReplaceAllString(text, `"recurringToken":"<token>"`)
	text = appPage.ReplaceAllString(text, "<provider>/pay/<token>")
	text = pixCode.ReplaceAllString(text, `"qrCode":"<code>"`)
	text = instant.ReplaceAllString(text, "<instant>")
	text = created.ReplaceAllString(text, `"created":"<created>"`)
	text = theirTime.ReplaceAllString(text, "<time>")
	text = durationMs.ReplaceAllString(text, `"durationMs\":<ms>`)
	text = hexID.ReplaceAllStringFunc(text, func(id string) string {
		if id == unknownID {
			return id
		}
		if s.names[id] == "" {
			s.names[id] = fmt.Sprintf("<id-%d>", len(s.names)+1)
		}
		return s.names[id]
	})
	return epoch.ReplaceAllString(text, "<epoch>-<id")
}
