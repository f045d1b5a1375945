package e2e

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sluicepay/sluice/internal/testkit/loopback"
)

// hook is one post that reached a receiver.
type hook struct {
	path   string
	header http.Header
	body   []byte
	status int // that it was answered with
	at     time.Time
}

// id is the event's; signed tokens have it as the first half of X-Request-Id.
func (h *hook) id() string {
	if id := h.header.Get("webhook-id"); id != "" {
		return id
	}
	event, _, _ := strings.Cut(h.header.Get("X-Request-Id"), "_")
	return event
}

// receiver is a merchant's server. It verifies each post in both ways that merchants have, and remembers it.
type receiver struct {
	URL string

	address string
	server  *http.Server
	answer  func(h *hook) int // nil: 200; it runs alone

	mu     sync.Mutex
	keys   map[string]string // path to the signing key that is good there; without one nothing is verified
	hooks  []hook
	faults []string
}

// newReceiver starts a receiver. A path of "" among the keys stands for all that are not named.
func newReceiver(t testing.TB, keys map[string]string, answer func(*hook) int) *receiver {
	t.Helper()
	if keys == nil {
		keys = map[string]string{}
	}
	r := &receiver{address: loopback.Address(t), keys: keys, answer: answer}
	r.URL = "http://" + r.address
	r.open(t)
	t.Cleanup(r.close)
	return r
}

func (r *receiver) open(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: patience}
	go func() { _ = r.server.Serve(l) }() // until close
}

// close lets the receiver answer what it has begun and then refuse connections until open.
func (r *receiver) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = r.server.Shutdown(ctx) // it may be closed already
}

func (r *receiver) trust(path, key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[path] = key
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // cut off: the sender died, and nothing was received
	}
	h := hook{path: q.URL.Path, header: q.Header.Clone(), body: body, status: http.StatusOK, at: time.Now()}
	r.mu.Lock()
	key, ok := r.keys[h.path]
	if !ok {
		key = r.keys[""]
	}
	if key != "" {
		if err := verify(key, &h); err != nil {
			r.faults = append(r.faults, fmt.Sprintf("%s at %s: %v", h.id(), h.path, err))
		}
	}
	if r.answer != nil {
		h.status = r.answer(&h)
	}
	r.hooks = append(r.hooks, h)
	r.mu.Unlock()
	w.WriteHeader(h.status)
}

// all returns what came so far, in the order of arrival.
func (r *receiver) all() []hook {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]hook(nil), r.hooks...)
}

// accepted returns the ids of what was accepted so far, with how often.
func (r *receiver) accepted() map[string]int {
	ids := map[string]int{}
	for _, h := range r.all() {
		if h.status < 300 {
			ids[h.id()]++
		}
	}
	return ids
}

// check fails the test for each post that could not be verified.
func (r *receiver) check(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, fault := range r.faults {
		if i < 10 {
			t.Error(fault)
		}
	}
}

// verify does what the public library of Standard Webhooks does, and what the contract's recipe for Signature says.
func verify(key string, h *hook) error {
	return errors.Join(verifyStandard(key, h), verifyContract(key, h))
}

func verifyStandard(key string, h *hook) error {
	library, err := standardwebhooks.NewWebhook("whsec_" + base64.StdEncoding.EncodeToString([]byte(key)))
	if err != nil {
		return err
	}
	return library.Verify(h.body, h.header)
}

var errContract = errors.New("the Signature does not fit")

func verifyContract(key string, h *hook) error {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(h.body)
	if !hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(h.header.Get("Signature"))) {
		return errContract
	}
	return nil
}

// hookShop is a shop with the key that signs what it is told.
type hookShop struct {
	*client
	id, signingKey string
}

// newHookShop is newShop with settings that differ from the defaults.
func (s *server) newHookShop(t testing.TB, sim *simulator, settings object) hookShop {
	t.Helper()
	return s.newImpatientHookShop(t, sim, settings, 0)
}

// newImpatientHookShop is newHookShop with a limit for provider calls, 0 for the usual one.
func (s *server) newImpatientHookShop(t testing.TB, sim *simulator, settings object, limit time.Duration) hookShop {
	t.Helper()
	var made struct{ ShopID, APIKey, SigningKey string }
	s.admin(t, &made, "shop", "create", "--name", "Shop "+strconv.FormatInt(time.Now().UnixNano(), 36),
		"--settings", text(t, settings))
	var secrets struct{ NoticeSecret string }
	raw, err := os.ReadFile(filepath.Join(filepath.Dir(sim.ledger), "simulator.json"))
	if err == nil {
		err = json.Unmarshal(raw, &secrets)
	}
	if err != nil {
		t.Fatal(err)
	}
	var terminal struct{ TerminalID string }
	s.admin(t, &terminal, "terminal", "create", "--shop", made.ShopID, "--name", "sandbox", "--connector", "sandbox",
		"--settings", text(t, object{"url": sim.URL, "apiKey": sim.APIKey, "noticeSecret": secrets.NoticeSecret,
			"timeoutMs": limit.Milliseconds()}))
	return hookShop{newClient(s.base, made.APIKey), made.ShopID, made.SigningKey}
}

func text(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// command runs a command on the server's data and returns what it prints.
func (s *server) command(t testing.TB, args ...string) string {
	t.Helper()
	args = append(args, "--data", s.data)
	if at := indexOf(s.args, "--database"); at >= 0 {
		args = append(args, s.args[at:at+2]...)
	}
	out, fault, code := runOnce(t, nil, args...)
	if code != 0 {
		t.Fatalf("sluice %v: exit code %d\n%s", args, code, fault)
	}
	return out
}

// toldEvent is an event of the pull feed.
type toldEvent struct {
	ID, Type, PaymentID, Cursor string
	Created                     string
	Sequence                    int
	Payload                     json.RawMessage
}

// feed reads all events of the shop.
func (c *client) feed(t testing.TB) []toldEvent {
	t.Helper()
	var all []toldEvent
	for after := ""; ; {
		r := c.must(t, request{method: "GET", path: "/api/v1/events?limit=1000&after=" + after})
		var page struct {
			HasMore bool
			Cursor  string
			Result  []toldEvent
		}
		if err := json.Unmarshal(r.body, &page); err != nil {
			t.Fatal(err)
		}
		all, after = append(all, page.Result...), page.Cursor
		if !page.HasMore {
			return all
		}
	}
}

// await waits until something is so; what it waited for is named if it never is.
func await(t testing.TB, what string, within time.Duration, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

// awaitTold waits until each event of the feed was accepted, and returns the feed.
func awaitTold(t testing.TB, c *client, r *receiver, within time.Duration) []toldEvent {
	t.Helper()
	feed := c.feed(t)
	for deadline := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		got := r.accepted()
		missing := 0
		for i := range feed {
			if got[feed[i].ID] == 0 {
				missing++
			}
		}
		if missing == 0 {
			return feed
		}
		if time.Now().After(deadline) {
			t.Errorf("%d of %d events were not delivered within %s", missing, len(feed), within)
			return feed
		}
	}
}

// deliveryFaults compares what arrived with the feed: the same bytes, in order for each payment, nothing else, and
// the last of each payment tells its present state. again counts how often something came that was accepted before.
func deliveryFaults(feed []toldEvent, hooks []hook, shown []paid) (found []string, again int) {
	events, newest, arrived := map[string]*toldEvent{}, map[string]*toldEvent{}, map[string]int{}
	for i := range feed {
		e := &feed[i]
		if events[e.ID] != nil {
			found = append(found, "the feed has "+e.ID+" twice")
		}
		events[e.ID] = e
		if n := newest[e.PaymentID]; n == nil || n.Sequence < e.Sequence {
			newest[e.PaymentID] = e
		}
	}
	accepted := map[string]bool{}
	for i := range hooks {
		h := &hooks[i]
		e := events[h.id()]
		switch {
		case e == nil:
			found = append(found, h.id()+" was posted and is not in the feed")
			continue
		case !bytes.Equal(e.Payload, h.body):
			found = append(found, fmt.Sprintf("%s: posted %s, in the feed %s", e.ID, h.body, e.Payload))
		case arrived[e.PaymentID] > e.Sequence:
			found = append(found, fmt.Sprintf("payment %s: event %d after event %d", e.PaymentID, e.Sequence, arrived[e.PaymentID]))
		}
		arrived[e.PaymentID] = max(arrived[e.PaymentID], e.Sequence)
		if accepted[h.id()] {
			again++
		}
		accepted[h.id()] = accepted[h.id()] || h.status < 300
	}
	for i := range shown {
		p := &shown[i]
		state := ""
		if n := newest[p.ID]; n != nil {
			var body paid
			if err := json.Unmarshal(n.Payload, &body); err != nil {
				found = append(found, err.Error())
			}
			state = body.State
		}
		if (p.final() || p.State == "AUTHORIZED" || state != "") && state != p.State {
			found = append(found, fmt.Sprintf("payment %s is %s and was told to be %q", p.ID, p.State, state))
		}
	}
	return found, again
}
