package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
	"github.com/sluicepay/sluice/internal/testkit/loopback"
)

const testSigningKey = "k7Qm2VtR9xLcB4nWz8HsD3fJ6yPaE5uG"

// output is what a listener prints, safe to read while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// receiver is a developer's server. It checks every signature and remembers the bodies in the order of their coming.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	ids    []string
	bodies []string
	wrong  []string
	answer func(id string, tries int) int // status; 200 when nil
	tries  map[string]int
}

func newReceiver(t testing.TB, answer func(id string, tries int) int) *receiver {
	r := &receiver{answer: answer, tries: map[string]int{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id := q.Header.Get("webhook-id")
	r.tries[id]++
	status := http.StatusOK
	if r.answer != nil {
		status = r.answer(id, r.tries[id])
	}
	if !genuine(q.Header, body) {
		r.wrong = append(r.wrong, id)
	}
	if status < 300 {
		r.ids, r.bodies = append(r.ids, id), append(r.bodies, string(body))
	}
	w.WriteHeader(status)
}

// genuine checks both signatures by the published recipes.
func genuine(h http.Header, body []byte) bool {
	sum := func(parts ...string) []byte {
		m := hmac.New(sha256.New, []byte(testSigningKey))
		_, _ = io.WriteString(m, strings.Join(parts, ".")) // a hash takes everything
		return m.Sum(nil)
	}
	seconds, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	age := time.Since(time.Unix(seconds, 0))
	standard := base64.StdEncoding.EncodeToString(sum(h.Get("webhook-id"), h.Get("webhook-timestamp"), string(body)))
	return err == nil && age > -time.Minute && age < time.Minute && h.Get("Content-Type") == "application/json" &&
		h.Get("Signature") == hex.EncodeToString(sum(string(body))) && h.Get("webhook-signature") == "v1,"+standard
}

func (r *receiver) received() (ids, wrong []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.ids...), append([]string(nil), r.wrong...)
}

// waitFor returns when the receiver has accepted so many posts.
func (r *receiver) waitFor(t testing.TB, count int) []string {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		ids, wrong := r.received()
		if len(wrong) > 0 {
			t.Fatalf("wrong signatures: %v", wrong)
		}
		if len(ids) >= count {
			return ids
		}
		if time.Now().After(end) {
			t.Fatalf("received %d of %d", len(ids), count)
		}
	}
}

// scriptedFeed is a server whose feed is a list of ids; its cursors are "c0", "c1", …
func scriptedFeed(ids ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at, after := 0, r.URL.Query().Get("after")
		if after == "latest" {
			at = len(ids)
		} else if after != "" {
			n, err := strconv.Atoi(strings.TrimPrefix(after, "c"))
			if err != nil || n > len(ids) {
				http.Error(w, "no such cursor", http.StatusBadRequest)
				return
			}
			at = n
		}
		if r.Header.Get("Authorization") != "Bearer key" {
			http.Error(w, "no such key", http.StatusUnauthorized)
			return
		}
		if at == len(ids) { // like the real one, it does not answer at once
			select {
			case <-r.Context().Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
		var items []string
		last := min(at+2, len(ids))
		for n := at; n < last; n++ {
			items = append(items, fmt.Sprintf(`{"id":%q,"type":"payment.completed","paymentId":"p1","cursor":"c%d","payload":{"n": %d}}`,
				ids[n], n+1, n))
		}
		fmt.Fprintf(w, `{"hasMore":%t,"cursor":"c%d","result":[%s]}`, last < len(ids), last, strings.Join(items, ","))
	}
}

// start runs a listener with short waits until the returned function stops it and returns its error.
func startListener(t testing.TB, server, target, state string, edit func(*listener)) (*output, func() error) {
	t.Helper()
	place, err := openPlace(state)
	if err != nil {
		t.Fatal(err)
	}
	out := &output{}
	l := &listener{
		feed:   &feedClient{server: server, key: "key", client: listenClient(time.Minute)},
		poster: &poster{url: target, key: testSigningKey, client: listenClient(time.Minute), now: time.Now, grace: time.Minute},
		place:  place, out: out, now: time.Now,
		again: []time.Duration{time.Millisecond, time.Millisecond}, away: 5 * time.Millisecond,
	}
	if edit != nil {
		edit(l)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- l.run(ctx) }()
	t.Cleanup(cancel)
	return out, func() error { cancel(); return <-done }
}

func TestListenForwardsInOrderAndResumes(t *testing.T) {
	t.Parallel()
	ids := []string{"evt_1", "evt_2", "evt_3", "evt_4", "evt_5"}
	first := httptest.NewServer(scriptedFeed(ids[:3]...))
	defer first.Close()
	r := newReceiver(t, nil)
	state := filepath.Join(t.TempDir(), "state.json")
	out, stop := startListener(t, first.URL, r.URL, state, nil)
	r.waitFor(t, 3)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "payment.completed   p1  200  "); n != 3 {
		t.Errorf("%d lines for 3 events:\n%s", n, out)
	}
	second := httptest.NewServer(scriptedFeed(ids...))
	defer second.Close()
	_, stop = startListener(t, second.URL, r.URL, state, nil)
	got := r.waitFor(t, 5)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("forwarded (-want +got):\n%s", diff)
	}
	if r.bodies[1] != `{"n": 1}` {
		t.Errorf("body %q is not what the feed held to the byte", r.bodies[1])
	}
}

func TestListenGoesOnAfterRefusals(t *testing.T) {
	t.Parallel()
	feed := httptest.NewServer(scriptedFeed("evt_1", "evt_2", "evt_3"))
	defer feed.Close()
	r := newReceiver(t, func(id string, tries int) int {
		switch {
		case id == "evt_1" && tries < 3:
			return http.StatusInternalServerError
		case id == "evt_2":
			return http.StatusFound
		}
		return http.StatusNoContent
	})
	out, stop := startListener(t, feed.URL, r.URL, filepath.Join(t.TempDir(), "state.json"), nil)
	got := r.waitFor(t, 2)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"evt_1", "evt_3"}, got); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
	if r.tries["evt_2"] != 3 {
		t.Errorf("the refused one was tried %d times", r.tries["evt_2"])
	}
	for _, want := range []string{"  500  ", "again in 1ms", "  302  ", "given up after 3 tries", "Forwarded 2 events, gave up on 1."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}

// serveAt answers at an address until the returned function ends it.
func serveAt(t *testing.T, address string, h http.Handler) func() {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()                // ends with Close
	return func() { _, _ = server.Close(), l.Close() } // the server knows the listener once it serves
}

func TestListenWaitsForTheDevelopersServer(t *testing.T) {
	t.Parallel()
	feed := httptest.NewServer(scriptedFeed("evt_1", "evt_2"))
	defer feed.Close()
	r := newReceiver(t, nil)
	address := loopback.Address(t)
	out, stop := startListener(t, feed.URL, "http://"+address, filepath.Join(t.TempDir(), "state.json"), nil)
	for !strings.Contains(out.String(), "waiting for it") {
		time.Sleep(time.Millisecond)
	}
	defer serveAt(t, address, r)()
	r.waitFor(t, 2)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(out.String(), "waiting for it"); n != 1 {
		t.Errorf("it says %d times that it waits", n)
	}
}

func TestListenOutlivesARestartOfTheServer(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, nil)
	address := loopback.Address(t)
	out, stop := startListener(t, "http://"+address, r.URL, filepath.Join(t.TempDir(), "state.json"), nil)
	for _, ids := range [][]string{{"evt_1"}, {"evt_1", "evt_2", "evt_3"}} {
		end := serveAt(t, address, scriptedFeed(ids...))
		r.waitFor(t, len(ids))
		end()
		down := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		end = serveAt(t, address, down) // a proxy in front of it
		for !strings.Contains(out.String(), "does not answer") {
			time.Sleep(time.Millisecond)
		}
		end()
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	ids, _ := r.received()
	if diff := cmp.Diff([]string{"evt_1", "evt_2", "evt_3"}, ids); diff != "" {
		t.Errorf("forwarded (-want +got):\n%s", diff)
	}
	if !strings.Contains(out.String(), "does not answer") || !strings.Contains(out.String(), "answers again") {
		t.Errorf("it does not tell of the restart:\n%s", out)
	}
}

func TestListenFromNow(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, nil)
	address := loopback.Address(t)
	state := filepath.Join(t.TempDir(), "state.json")
	end := serveAt(t, address, scriptedFeed("evt_1", "evt_2"))
	_, stop := startListener(t, "http://"+address, r.URL, state, func(l *listener) { l.fromNow = true })
	for {
		if p, err := openPlace(state); err == nil && p.Cursor == "c2" {
			break
		}
		time.Sleep(time.Millisecond)
	}
	end()
	defer serveAt(t, address, scriptedFeed("evt_1", "evt_2", "evt_3"))()
	got := r.waitFor(t, 1)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"evt_3"}, got); diff != "" {
		t.Errorf("forwarded (-want +got):\n%s", diff)
	}
}

func TestListenSaysWhatItCannotWaitFor(t *testing.T) {
	t.Parallel()
	feed := httptest.NewServer(scriptedFeed("evt_1"))
	defer feed.Close()
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	chatty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer chatty.Close()
	r := newReceiver(t, nil)
	dir := t.TempDir()
	unknown := filepath.Join(dir, "unknown.json")
	if err := os.WriteFile(unknown, []byte(`{"cursor":"c9"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ server, key, state, want string }{
		"key":                    {feed.URL, "other", "", "refuses the API key"},
		"cursor":                 {feed.URL, "key", unknown, "begin anew with --from-start"},
		"no api":                 {elsewhere.URL, "key", "", "is it a Sluice server?"},
		"no api, but answers":    {chatty.URL, "key", "", "does not answer like a Sluice server"},
		"state that is a folder": {feed.URL, "key", dir, "place in the feed"},
		"state nowhere":          {feed.URL, "key", filepath.Join(dir, "none", "s.json"), "place in the feed"},
		"address":                {"ftp://host", "key", "", "--server must be an https or http address"},
	} {
		c := listenCommand{ForwardTo: r.URL, APIKey: tc.key, Server: tc.server, SigningKey: testSigningKey, State: tc.state, From: "beginning"}
		if c.State == "" {
			c.State = filepath.Join(dir, name+".json")
		}
		err := c.Run(&surroundings{ctx: t.Context(), out: &output{}, err: &output{}})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v; want %q", name, err, tc.want)
		}
	}
}

func TestListenRefusesABrokenPlace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	for _, content := range []string{"", "{", "[]", `{"server":"x"}`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openPlace(path); err == nil || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// TestListenStoppedUnderLoad stops and starts a listener again and again while a real server's feed grows.
func TestListenStoppedUnderLoad(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		const payments, perPayment = 100, 4
		app := testkit.New(t, d.Open(), testkit.Options{})
		shop := app.NewShop(t, nil)
		r := newReceiver(t, func(string, int) int { time.Sleep(2 * time.Millisecond); return http.StatusOK })
		var writing sync.WaitGroup
		for w := range 4 {
			writing.Go(func() {
				for range payments / 4 {
					writeEvents(t, app, shop, perPayment)
					time.Sleep(time.Duration(5*w) * time.Millisecond)
				}
			})
		}
		state := filepath.Join(t.TempDir(), "state.json")
		withKey := func(l *listener) { l.feed.key = shop.APIKey }
		starts := 0
		for ids, _ := r.received(); len(ids) < payments*perPayment; ids, _ = r.received() {
			_, stop := startListener(t, app.URL, r.URL, state, withKey)
			time.Sleep(time.Duration(20+37*starts%90+starts/4) * time.Millisecond) // on a slow machine each lives longer
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if starts++; starts > 2000 {
				t.Fatalf("after %d starts %d of %d events", starts, len(ids), payments*perPayment)
			}
		}
		writing.Wait()
		ids := r.waitFor(t, payments*perPayment)
		t.Logf("%d events over %d starts", len(ids), starts)
		seen, order := map[string]bool{}, map[string]int{}
		for i, id := range ids {
			if seen[id] {
				t.Errorf("%s came twice", id)
			}
			seen[id] = true
			pid, seq, _ := strings.Cut(strings.Trim(r.bodies[i], `"`), "/")
			if order[pid]++; seq != strconv.Itoa(order[pid]) {
				t.Errorf("payment %s: event %s came as number %d", pid, seq, order[pid])
			}
		}
	})
}

// writeEvents writes the events of one payment, each in a transaction of its own. The body is "payment/sequence".
func writeEvents(t testing.TB, app *testkit.App, shop testkit.Member, count int) {
	pid, at := app.IDs.New()
	for seq := 1; seq <= count; seq++ {
		eid, _ := app.IDs.New()
		at = at.Add(time.Microsecond)
		err := app.DB.Update(context.WithoutCancel(t.Context()), func(tx *store.Tx) error {
			tx.Events().Insert(&store.Event{
				Shop: shop.ID, ID: eid, Dialect: "gateway", Payment: payment.ID(pid), Seq: seq, Type: "payment.completed",
				ContentType: "application/json", Body: fmt.Sprintf("%q", pid+"/"+strconv.Itoa(seq)), Created: at,
			})
			return nil
		})
		if err != nil {
			t.Error(err)
			return
		}
	}
}
