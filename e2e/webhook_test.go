package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// everyKind pays, declines, refunds, holds, captures, voids and pays out.
func everyKind(t testing.TB, c *client, name string) {
	t.Helper()
	sale := c.pay(t, deposit(name+"-sale", "20.00"))
	c.pay(t, with(deposit(name+"-declined", "20.00"), "card", card("4000000000000416", "123")))
	c.must(t, request{method: "POST", path: payments, body: deposit(name+"-fine", "20.001")})
	c.must(t, request{method: "POST", path: payments, body: refund(name+"-part", sale.ID, "5.25")})
	c.must(t, request{method: "POST", path: payments, body: withdrawal(name+"-out", "7.00")})
	c.must(t, request{method: "POST", path: payments, body: withdrawal(name+"-too-much", "10000.01")})
	for _, end := range []string{"/capture", "/void"} {
		held := c.pay(t, with(deposit(name+end, "30.00"), "preAuth", true))
		c.must(t, request{method: "POST", path: pathOf(held.ID) + end, body: object{}})
	}
}

const eventsOfEveryKind = 10 // eight payments, of which two are told to be AUTHORIZED first

func TestEveryDeliveryIsVerifiedInBothWays(t *testing.T) {
	t.Parallel()
	rounds := setting.Number(t, "SLUICE_TEST_HOOKS", 6)
	onEach(t, func(t *testing.T, url string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, url, "--private-webhooks")
		s.start(t)
		r := newReceiver(t, nil, nil)
		shop := s.newHookShop(t, sim, object{"webhookUrl": r.URL + "/shop?of=ours"})
		r.trust("", shop.signingKey)
		for n := range rounds {
			everyKind(t, shop.client, fmt.Sprintf("r%d", n))
		}
		own := shop.pay(t, with(deposit("own", "1.00"), "webhookUrl", r.URL+"/own"))

		feed := awaitTold(t, shop.client, r, patience)
		hooks := r.all()
		found, again := deliveryFaults(feed, hooks, shop.all(t))
		for _, why := range found {
			t.Error(why)
		}
		r.check(t)
		if want := rounds*eventsOfEveryKind + 1; len(feed) != want || len(hooks) != want || again != 0 {
			t.Errorf("%d events, %d posts, %d repeated; want %d, %d, 0", len(feed), len(hooks), again, want, want)
		}
		flips := 0
		for i := range hooks {
			h := &hooks[i]
			if (h.path == "/own") != strings.Contains(string(h.body), own.ID) {
				t.Errorf("%s was posted to %s", h.body, h.path)
			}
			flips += flipBits(t, shop.signingKey, h, i < eventsOfEveryKind)
		}
		for _, e := range feed {
			var shown struct{ Result json.RawMessage }
			r := shop.must(t, request{method: "GET", path: pathOf(e.PaymentID)})
			if err := json.Unmarshal(r.body, &shown); err != nil {
				t.Fatal(err)
			}
			if e.Type != "payment.authorized" && !bytes.Equal(shown.Result, e.Payload) {
				t.Errorf("told\n%s, GET shows\n%s", e.Payload, shown.Result)
			}
		}
		t.Logf("%d deliveries of %d payments accepted by both; %d bodies with a flipped bit, accepted by none", len(hooks), len(shop.all(t)), flips)
		t.Run("replayed", func(t *testing.T) { replay(t, shop.signingKey, &hooks[0]) })
		s.stop(t)
	})
}

// flipBits changes each bit of a body, or some of a long list of them, and returns how many bodies that made.
func flipBits(t testing.TB, key string, h *hook, every bool) (n int) {
	t.Helper()
	forged := hook{header: h.header, body: bytes.Clone(h.body)}
	for bit := range 8 * len(h.body) {
		if !every && rand.N(100) > 0 {
			continue
		}
		forged.body[bit/8] ^= 1 << (bit % 8)
		if verifyStandard(key, &forged) == nil || verifyContract(key, &forged) == nil {
			t.Errorf("accepted with bit %d flipped: %s", bit, forged.body)
		}
		forged.body[bit/8] ^= 1 << (bit % 8)
		n++
	}
	if n > 0 && verify(key, &forged) != nil {
		t.Error("the test flips wrongly")
	}
	return n
}

// replay presents a delivery again later, as it was and with its time moved.
func replay(t *testing.T, key string, h *hook) {
	seconds, err := strconv.ParseInt(h.header.Get("webhook-timestamp"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { // whose clock is ours to move
		for _, c := range []struct {
			after time.Duration
			want  error
		}{
			{0, nil}, {5*time.Minute - time.Second, nil}, {5*time.Minute + time.Second, standardwebhooks.ErrMessageTooOld},
			{24 * time.Hour, standardwebhooks.ErrMessageTooOld},
		} {
			time.Sleep(time.Until(time.Unix(seconds, 0).Add(c.after)))
			if err := verifyStandard(key, h); !errors.Is(err, c.want) {
				t.Errorf("replayed after %s: %v, want %v", c.after, err, c.want)
			}
			if err := verifyContract(key, h); err != nil {
				t.Errorf("the Signature has no time, and is refused after %s: %v", c.after, err)
			}
		}
	})
	for _, moved := range []time.Duration{-time.Second, time.Second, 6 * time.Minute, -6 * time.Minute} {
		forged := hook{header: h.header.Clone(), body: h.body}
		forged.header.Set("webhook-timestamp", strconv.FormatInt(seconds+int64(moved.Seconds()), 10))
		if verifyStandard(key, &forged) == nil {
			t.Errorf("accepted with its time moved by %s", moved)
		}
	}
}

// TestReceiversThatMisbehave has one server and a shop for each kind of trouble.
func TestReceiversThatMisbehave(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, url string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, url, "--private-webhooks")
		s.start(t)
		for name, test := range map[string]func(*testing.T, *server, *simulator){
			"down and back": downAndBack, "gone": gone, "redirects": redirects, "slow": slow, "resent": resent, "new key": newKey,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, s, sim)
			})
		}
	})
}

func downAndBack(t *testing.T, s *server, sim *simulator) {
	r := newReceiver(t, nil, nil)
	shop := s.newHookShop(t, sim, object{"webhookUrl": r.URL})
	r.trust("", shop.signingKey)
	r.close()
	held := shop.pay(t, with(deposit("held", "30.00"), "preAuth", true))
	shop.must(t, request{method: "POST", path: pathOf(held.ID) + "/capture", body: object{}})
	shop.pay(t, deposit("sale", "20.00"))
	time.Sleep(time.Second)
	began := time.Now()
	r.open(t)
	feed := awaitTold(t, shop.client, r, patience)
	found, again := deliveryFaults(feed, r.all(), shop.all(t))
	for _, why := range found {
		t.Error(why)
	}
	r.check(t)
	if len(feed) != 3 || again != 0 {
		t.Errorf("%d events, %d repeated", len(feed), again)
	}
	t.Logf("all %d told %s after the receiver came back", len(feed), time.Since(began).Round(time.Millisecond))
}

func gone(t *testing.T, s *server, sim *simulator) {
	r := newReceiver(t, nil, func(*hook) int { return http.StatusGone })
	shop := s.newHookShop(t, sim, object{"webhookUrl": r.URL})
	shop.pay(t, deposit("first", "1.00"))
	await(t, "the endpoint is disabled", patience, func() bool {
		return strings.Contains(s.command(t, "webhook", "endpoints", "--shop", shop.id), "DISABLED")
	})
	for n := range 3 {
		shop.pay(t, deposit(fmt.Sprintf("later-%d", n), "1.00"))
	}
	time.Sleep(2500 * time.Millisecond) // two polls and more
	if n := len(r.all()); n != 1 {
		t.Errorf("%d posts to an endpoint that is gone, want 1", n)
	}
	if _, fault, code := runOnce(t, nil, append([]string{"webhook", "resend", "--shop", shop.id, "--state", "failed", "--data", s.data},
		databaseArgs(s.database())...)...); code == 0 || !strings.Contains(fault, "disabled") {
		t.Errorf("sent again to a disabled endpoint: exit code %d, %s", code, fault)
	}
	r.mu.Lock()
	r.answer = nil
	r.mu.Unlock()
	var endpoint struct{ EndpointID string }
	s.admin(t, &endpoint, "webhook", "endpoints", "--shop", shop.id, "--json")
	s.command(t, "webhook", "enable", "--shop", shop.id, endpoint.EndpointID)
	s.command(t, "webhook", "resend", "--shop", shop.id)
	awaitTold(t, shop.client, r, patience)
}

func (s *server) database() string {
	if at := indexOf(s.args, "--database"); at >= 0 {
		return s.args[at+1]
	}
	return ""
}

func redirects(t *testing.T, s *server, sim *simulator) {
	elsewhere := newReceiver(t, nil, nil)
	var posts sync.WaitGroup
	posts.Add(2)
	var left atomic.Int64
	left.Store(2)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		http.Redirect(w, q, elsewhere.URL, http.StatusTemporaryRedirect)
		if left.Add(-1) >= 0 {
			posts.Done()
		}
	}))
	t.Cleanup(front.Close)
	shop := s.newHookShop(t, sim, object{"webhookUrl": front.URL})
	shop.pay(t, deposit("first", "1.00"))
	posts.Wait() // a redirect is a failure, so it came again
	if n := len(elsewhere.all()); n != 0 {
		t.Errorf("%d redirects followed", n)
	}
}

// slow: an endpoint that takes its time delays no other. Somebody else is told while a post hangs there, and not only once
// it is given up. On a slow machine that may need more than one try, for each of which a post hangs at an endpoint of its
// own: one that has failed before is left alone for long.
func slow(t *testing.T, s *server, sim *simulator) {
	release := make(chan struct{})
	var begun, ended atomic.Int64
	tar := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body) // the end of the connection is noticed behind the body only
		begun.Add(1)
		defer ended.Add(1)
		select {
		case <-release:
		case <-q.Context().Done():
		}
	}))
	t.Cleanup(func() { close(release); tar.CloseClientConnections(); tar.Close() })
	stuck := s.newHookShop(t, sim, object{})
	r := newReceiver(t, nil, nil)
	quick := s.newHookShop(t, sim, object{"webhookUrl": r.URL})
	r.trust("", quick.signingKey)
	began, n := time.Now(), 0
	await(t, "told while a post hangs at the other endpoint", 2*patience, func() bool {
		hanging := begun.Load()
		for range 4 {
			n++
			stuck.pay(t, with(deposit(fmt.Sprintf("stuck-%d", n), "1.00"), "webhookUrl", fmt.Sprintf("%s/%d", tar.URL, n)))
		}
		await(t, "a post hangs", patience, func() bool { return begun.Load() > hanging })
		over := ended.Load()
		if begun.Load() == over {
			return false
		}
		for i := range 4 {
			quick.pay(t, deposit(fmt.Sprintf("quick-%d-%d", n, i), "1.00"))
		}
		awaitTold(t, quick.client, r, patience)
		return ended.Load() == over
	})
	r.check(t)
	t.Logf("paid and told %s beside an endpoint that does not answer", time.Since(began).Round(time.Millisecond))
}

func resent(t *testing.T, s *server, sim *simulator) {
	r := newReceiver(t, nil, nil)
	shop := s.newHookShop(t, sim, object{"webhookUrl": r.URL})
	r.trust("", shop.signingKey)
	p := shop.pay(t, deposit("first", "1.00"))
	feed := awaitTold(t, shop.client, r, patience)
	var list string
	await(t, "it is recorded", patience, func() bool { // the receiver knows of it a moment before
		list = s.command(t, "webhook", "list", "--shop", shop.id, "--event", feed[0].ID)
		return strings.Contains(list, "DELIVERED")
	})
	for _, part := range []string{feed[0].ID, p.ID, "DELIVERED", "200"} {
		if !strings.Contains(list, part) {
			t.Errorf("no %s in\n%s", part, list)
		}
	}
	s.command(t, "webhook", "resend", "--shop", shop.id, "--payment", p.ID)
	await(t, "it came again", patience, func() bool { return r.accepted()[feed[0].ID] == 2 })
	hooks := r.all()
	if len(hooks) != 2 || !bytes.Equal(hooks[0].body, hooks[1].body) {
		t.Errorf("%d posts: %s, %s", len(hooks), hooks[0].body, hooks[1].body)
	}
	r.check(t)
}

// newKey: while the key is exchanged, a receiver with either is content with the list of signatures, and the one
// Signature is by the new key.
func newKey(t *testing.T, s *server, sim *simulator) {
	r := newReceiver(t, nil, nil)
	shop := s.newHookShop(t, sim, object{"webhookUrl": r.URL})
	var rotated struct{ SigningKey string }
	s.admin(t, &rotated, "webhook", "rotate-key", "--shop", shop.id, "--overlap", "1h")
	signedBy := func(key string) func() bool {
		n := 0
		return func() bool {
			n++
			shop.pay(t, deposit(fmt.Sprintf("with-%s-%d", key[:4], n), "1.00"))
			awaitTold(t, shop.client, r, patience)
			hooks := r.all()
			last := &hooks[len(hooks)-1]
			if verifyStandard(shop.signingKey, last) != nil {
				t.Error("the list of signatures has none by the old key")
			}
			return verify(key, last) == nil
		}
	}
	await(t, "signed by the new key", patience, signedBy(rotated.SigningKey))
}
