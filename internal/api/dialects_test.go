package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/risk"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// fewerLives bounds the property tests of this package, each of whose lives is many requests. -rapid.checks says how
// many there are otherwise.
var fewerLives = sync.OnceValue(func() error {
	if f := flag.Lookup("rapid.checks"); f != nil && f.Value.String() == f.DefValue {
		return f.Value.Set("60")
	}
	return nil
})

// TestBothDialectsTellTheSameStory drives payments by whatever commands either dialect and the customer have, legal or
// not, at a provider that answers, refuses, dawdles or is not heard. After every step both dialects have to tell of the
// payment what the model below expects, and nobody else may see it.
func TestBothDialectsTellTheSameStory(t *testing.T) {
	t.Parallel()
	if err := fewerLives(); err != nil {
		t.Fatal(err)
	}
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWorld(t, d)
		met := map[string]int{}
		rapid.Check(t, func(rt *rapid.T) {
			l := w.newLife(rt)
			for range rapid.IntRange(4, 12).Draw(rt, "steps") {
				l.step()
				l.compare()
			}
			l.finish()
			l.compare()
			l.judge()
			for status := range l.met {
				met[status]++
			}
		})
		t.Logf("statuses met: %v", met)
	})
}

// tries goes on for half a minute, and for so many times that what is waited for had its turn on a machine that stands
// still for longer.
func tries(pause time.Duration) iter.Seq[int] {
	return func(yield func(int) bool) {
		end := time.Now().Add(30 * time.Second)
		for n := 0; n < 500 || time.Now().Before(end); n++ {
			if !yield(n) {
				return
			}
			time.Sleep(pause)
		}
	}
}

// world is an application with shops that have keys for both dialects.
type world struct {
	app      *testkit.App
	one, two testkit.Member // one stage and two
	stranger testkit.Member
	births   int
	screens  atomic.Value // payment.VerdictKind of what is submitted
}

func newWorld(t *testing.T, d *storetest.Database) *world {
	t.Helper()
	clock := testkit.SlowClock(200) // what the provider ends later, it ends when a life says so
	w := &world{}
	w.app = testkit.New(t, d.Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock, Screen: w.screen})
	relaxed := func(s *shop.Shop) { s.Settings.Required = shop.RequiredRelaxed }
	w.one, w.stranger = w.app.NewShop(t, relaxed), w.app.NewShop(t, relaxed)
	w.two = w.app.NewShop(t, func(s *shop.Shop) {
		relaxed(s)
		s.Settings.YandexPay.TwoStage = true
	})
	return w
}

// screen judges what is submitted as the present life has it.
func (w *world) screen(f *risk.Facts) (payment.Verdict, error) {
	kind, _ := w.screens.Load().(payment.VerdictKind) // all pass at first
	return payment.Verdict{Kind: kind, Reason: "never told", Until: f.Now.Add(reviewFor)}, nil
}

// reviewFor is how long a review lasts.
const reviewFor = 100 * time.Hour

// said is an answer of either dialect.
type said struct {
	status int
	doc    map[string]any
}

// at reads a value by its path, as text; "" for null and nothing.
func (s said) at(path string) string { return textAt(s.doc, path) }

func textAt(v any, path string) string {
	for step := range strings.SplitSeq(path, ".") {
		in, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = in[step]
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func (s said) list(path string) []any {
	var at any = s.doc
	for step := range strings.SplitSeq(path, ".") {
		in, _ := at.(map[string]any) // nil has no members
		at = in[step]
	}
	all, _ := at.([]any) // none where there is no list
	return all
}

// ask sends a request with a JSON body, or none.
func (l *life) ask(authorization, method, address, body string) said {
	l.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, l.w.app.URL+address, strings.NewReader(body))
	if err != nil {
		l.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := l.w.app.Client.Do(r)
	if err != nil {
		l.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		l.Fatal(err)
	}
	s := said{status: resp.StatusCode}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&s.doc); err != nil {
		l.Fatalf("%s %s: %v in %s", method, address, err, raw)
	}
	if s.status >= 500 {
		l.Fatalf("%s %s %s: %d %s", method, address, body, s.status, raw)
	}
	return s
}

func (l *life) gateway(method, path, body string) said {
	l.Helper()
	return l.ask("Bearer "+l.shop.APIKey, method, "/api/v1/payments"+path, body)
}

func (l *life) yandex(method, path, body string) said {
	l.Helper()
	return l.ask("Api-Key "+l.shop.APIKey, method, "/api/merchant"+path, body)
}

// deed is what the model expects of one operation of an order.
type deed struct {
	kind, status string
	amount       int // kopecks
	name         string
	id           string // once it was seen
}

// back is what the model expects of one refund.
type back struct {
	id     string // of the engine; empty for one that a rollback made
	amount int
	state  string // in the gateway's words
	deed   *deed  // nil for one that a rollback made
}

// pending is what the provider has not told yet: end is called with whether it was done. What is later than others can
// still be stopped.
type pending struct {
	done, later bool
	end         func(done bool)
}

// life is one payment and the model of it, which is written from the contracts alone.
type life struct {
	*rapid.T
	w    *world
	shop testkit.Member

	pid, order string // the engine's id, and what the other dialect calls it
	page       string
	direct     bool // the card came with the request, and it is the merchant who goes ahead

	preAuth                      bool
	state                        string // in the gateway's words; closed is DECLINED or CANCELLED
	amount, authorised, captured int    // kopecks
	held, rolled, atBank         bool
	reviewed                     bool
	card, word                   string // word: the reason of the cancel that succeeded
	deeds                        []*deed
	backs                        []*back
	open                         []pending
	names                        int
	met                          map[string]bool
}

// closed is the model's word for DECLINED and CANCELLED, between which it does not choose.
const closed = "CLOSED"

const (
	cardYes  = "4000000000000408"
	cardNo   = "4000000000009995"
	cardAsks = "4000000000000002"
)

func (l *life) chance(name string) bool { return rapid.Bool().Draw(l.T, name) }

func (l *life) pick(name string, words ...string) string {
	return rapid.SampledFrom(words).Draw(l.T, name)
}

func amountOf(kopecks int) string { return fmt.Sprintf("%d.%02d", kopecks/100, kopecks%100) }

// kopecks reads an amount of either dialect; none is nought.
func (l *life) kopecks(text string) int {
	l.Helper()
	if text == "" {
		return 0
	}
	a, err := money.Parse(text)
	if err != nil || a.Decimals() > 2 {
		l.Fatalf("amount %q: %v", text, err)
	}
	n, err := strconv.Atoi(strings.ReplaceAll(a.Fixed()[:len(a.Fixed())-money.Scale+2], ".", ""))
	if err != nil {
		l.Fatal(err)
	}
	return n
}

// newLife makes a payment by either dialect.
func (w *world) newLife(t *rapid.T) *life {
	w.births++
	w.app.Simulator.ClearScenarios()
	l := &life{T: t, w: w, shop: w.one, state: "CHECKOUT", met: map[string]bool{}}
	two := l.chance("two stages")
	if two {
		l.shop = w.two
	}
	l.amount = rapid.IntRange(200, 50000).Draw(t, "amount")
	w.screens.Store(rapid.SampledFrom([]payment.VerdictKind{"", payment.VerdictReview, "", "", payment.VerdictStop, ""}).Draw(t, "screening"))
	l.card = l.pick("card", cardYes, cardYes, cardYes, cardYes, cardAsks, cardAsks, cardNo)
	name := fmt.Sprintf("order/%d ё", w.births)
	if l.chance("by the gateway") {
		l.bornAtGateway(name)
	} else {
		l.order, l.preAuth = name, two
		a := l.yandex("POST", "/v1/orders", fmt.Sprintf(`{"orderId":%q,"currencyCode":"RUB","purpose":"Tea","cart":{"items":[{"productId":"p",`+
			`"title":"Tea","quantity":{"count":1},"total":%q}],"total":{"amount":%[2]q}}}`, name, amountOf(l.amount)))
		if l.page = a.at("data.paymentUrl"); a.status != 200 || l.page == "" {
			l.Fatalf("create: %v", a)
		}
		dashed := l.yandex("GET", "/v1/orders/"+url.PathEscape(name), "").at("data.order.cart.cartId")
		l.pid = bare(dashed)
	}
	l.compare()
	return l
}

func (l *life) bornAtGateway(name string) {
	l.preAuth, l.direct = l.chance("preAuth"), l.chance("card with the request")
	body := fmt.Sprintf(`{"paymentType":"DEPOSIT","currency":"RUB","amount":%s,"description":"Tea","preAuth":%t`, amountOf(l.amount), l.preAuth)
	if l.chance("with a reference") {
		l.order = name
		body += fmt.Sprintf(`,"referenceId":%q`, name)
	}
	if l.direct {
		body += fmt.Sprintf(`,"card":{"cardNumber":%q,"cardSecurityCode":"123","expiryMonth":"01","expiryYear":"2090"}`, l.card)
	} else {
		body += `,"paymentMethod":"BASIC_CARD"`
	}
	a := l.gateway("POST", "", body+"}")
	if a.status != 200 {
		l.Fatalf("create: %v", a)
	}
	l.pid, l.page = a.at("result.id"), a.at("result.redirectUrl")
	if l.order == "" {
		l.order = l.pid
	}
}

// path is the order's below the version.
func (l *life) path() string { return "/orders/" + url.PathEscape(l.order) }

// step is one thing that somebody does: mostly one that makes sense, else whatever.
func (l *life) step() {
	steps := []string{"pay", "bank", "capture", "void", "refund", "rollback", "settle", "expire", "review"}
	if rapid.IntRange(0, 3).Draw(l.T, "sense") > 0 {
		switch {
		case l.state == "CHECKOUT":
			steps = []string{"pay", "pay", "pay", "pay", "pay", "expire"}
		case l.reviewed:
			steps = []string{"review", "review", "review", "pay", "rollback"}
		case l.atBank:
			steps = []string{"bank"}
		case l.state == "PENDING":
			steps = []string{"settle"}
		case l.state == "AUTHORIZED":
			steps = []string{"capture", "capture", "capture", "void", "rollback"}
		case l.state == "COMPLETED":
			steps = []string{"refund", "refund", "refund", "refund", "settle", "settle", "rollback"}
		}
	}
	switch l.pick("step", steps...) {
	case "pay":
		l.pay()
	case "bank":
		l.bank(l.pick("button", "approve", "approve", "approve", "decline", "cancel"))
	case "capture":
		l.capture()
	case "void":
		l.void()
	case "refund":
		l.refund()
	case "rollback":
		l.rollback()
	case "review":
		l.review()
	case "settle":
		l.settle()
	case "expire":
		l.expire()
	}
}
