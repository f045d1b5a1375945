package upgrade

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// exchange is one answer as it is kept.
type exchange struct {
	call

	text string
}

// head names the request in the record.
func (q *call) head() string { return q.shop + " " + q.method + " " + q.path }

// reads are the requests that ask for all that the APIs show of what is there. Those of payments whose calls are under way
// are left to the lists: to read one is to ask its provider.
func (w *world) reads() []call {
	var all []call
	get := func(shop, path string) { all = append(all, call{shop: shop, method: "GET", path: path}) }
	names := make([]string, 0, len(w.Shops))
	for name := range w.Shops {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, shop := range names {
		get(shop, payments+"?limit=1000")
		get(shop, payments+"?limit=7&offset=3")
		get(shop, payments+"?limit=1000&referenceId.eq=paid")
		get(shop, payments+"?limit=1000&updated.gte="+w.At.UTC().Add(-time.Second).Format("2006-01-02T15:04:05"))
		get(shop, payments+"?limit=1000&created.gte=2026-01-01T00:00:00&created.lt="+w.At.UTC().Format("2006-01-02T15:04:05"))
		for _, p := range w.listed(shop) {
			if !w.calling(p) {
				get(shop, payments+"/"+p)
				get(shop, payments+"/"+p+"/operations")
			}
		}
	}
	for _, s := range w.Scenes {
		if s.Order == "" {
			continue
		}
		get(s.Shop, orderPath(s.Order))
		if s.Name == "s-1" {
			get(s.Shop, merchantAPI+"/v1/subscriptions/"+s.Token)
		}
		a := w.must(call{shop: s.Shop, method: "GET", path: orderPath(s.Order)})
		for _, id := range operationIDs(a) {
			get(s.Shop, merchantAPI+"/v1/operations/"+url.PathEscape(id))
		}
	}
	get("", "/api/jwks")
	return all
}

var operationID = regexp.MustCompile(`"operationId":"([^"]+)"`)

func operationIDs(a *answer) (ids []string) {
	for _, found := range operationID.FindAllSubmatch(a.body, -1) {
		ids = append(ids, string(found[1]))
	}
	return ids
}

// listed returns the ids of all payments of a shop.
func (w *world) listed(shop string) (ids []string) {
	w.t.Helper()
	var list struct{ Result []struct{ ID string } }
	readJSON(w.t, w.must(call{shop: shop, method: "GET", path: payments + "?limit=1000"}).body, &list)
	for _, p := range list.Result {
		ids = append(ids, p.ID)
	}
	return ids
}

func (w *world) calling(id string) bool {
	for _, s := range w.Scenes {
		if s.Payment == id && s.Calling {
			return true
		}
	}
	return false
}

// stamp is when an answer was given; everything else in it is compared.
var stamp = regexp.MustCompile(`^\{"timestamp":"[^"]*"`)

// record sends the requests and writes down what is answered.
func (w *world) record(reads []call) []exchange {
	w.t.Helper()
	kept := make([]exchange, 0, len(reads))
	for _, q := range reads {
		a, err := w.send(q)
		if err != nil {
			w.t.Fatalf("%s: %v", q.head(), err)
		}
		kept = append(kept, exchange{q, a.text()})
	}
	return kept
}

// text is an answer as it is compared: its status, the headers that say something, its body.
func (a *answer) text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d\n", a.status)
	for _, name := range []string{"Content-Type", "Cache-Control", "Retry-After", "Idempotency-Replayed", "Duplicate-Of", "Allow", "Location"} {
		if v := a.header.Get(name); v != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, v)
		}
	}
	out.WriteString("\n")
	out.Write(stamp.ReplaceAll(a.body, []byte(`{"timestamp":"<now>"`)))
	return out.String()
}

const between = "\n### "

// write makes a record one text.
func write(all []exchange) []byte {
	var out bytes.Buffer
	for i := range all {
		out.WriteString(between + strings.TrimSpace(all[i].head()) + "\n" + strings.ReplaceAll(all[i].text, between, " ### "))
	}
	return out.Bytes()
}

// read takes a record apart: the answers by their requests, and the requests in their order.
func read(raw []byte) (by map[string]string, heads []string) {
	by = map[string]string{}
	for part := range strings.SplitSeq(string(raw), between) {
		if head, text, found := strings.Cut(part, "\n"); found {
			head = strings.TrimSpace(head)
			by[head] = text
			heads = append(heads, head)
		}
	}
	return by, heads
}

// request takes apart what head made.
func request(head string) call {
	if strings.HasPrefix(head, "GET ") {
		head = " " + head
	}
	parts := strings.SplitN(head, " ", 3)
	return call{shop: parts[0], method: parts[1], path: parts[2]}
}

// compare demands the same of two records.
func compare(t testing.TB, what string, was, is string) {
	t.Helper()
	if was != is {
		t.Errorf("%s differs (-then +now):\n%s", what, cmp.Diff(was, is))
	}
}

// plainHeader is what of a post's header does not change with its try.
func plainHeader(h http.Header) http.Header {
	kept := http.Header{}
	for name, values := range h {
		switch name {
		case "Content-Length", "Webhook-Timestamp", "Webhook-Signature", "Accept-Encoding":
		case "X-Request-Id": // the event, and the try
			id, _, _ := strings.Cut(values[0], "_")
			kept.Set(name, id)
		default:
			kept[name] = values
		}
	}
	return kept
}
