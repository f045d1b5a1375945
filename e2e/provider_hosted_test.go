package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// hosted makes payments whose customers pay at the provider, gives some of them back, and goes on with others.
type hosted struct {
	*client
	hold  bool // the account holds money first
	quiet chan struct{}
	count *atomic.Int64 // of what was done

	mu    sync.Mutex
	paid  []string // ids of completed deposits
	chain []string // tokens
}

// ask repeats a request until it is answered, or the test is over.
func (h *hosted) ask(t testing.TB, q request) *paid {
	q.key = fmt.Sprintf("key-%s-%s", q.key, q.method)
	for {
		if r, err := h.do(t.Context(), q); err == nil && r.status != http.StatusServiceUnavailable {
			if r.status != http.StatusOK {
				return nil
			}
			return &r.payment
		}
		select {
		case <-h.quiet:
			return nil
		case <-time.After(pauseBefore):
		}
	}
}

func (h *hosted) work(t testing.TB, n int) {
	for k := 0; ; k++ {
		select {
		case <-h.quiet:
			return
		default:
		}
		name := fmt.Sprintf("h%d-%d", n, k)
		h.mu.Lock()
		parent, token := "", ""
		if len(h.paid) > 0 {
			parent = h.paid[rand.N(len(h.paid))]
		}
		if len(h.chain) > 0 {
			token = h.chain[rand.N(len(h.chain))]
		}
		h.mu.Unlock()
		switch kind := rand.N(6); {
		case kind == 0 && parent != "":
			h.ask(t, request{method: "POST", path: payments, key: name, body: with(refund(name, parent, amountOf(100+rand.N(900))), "currency", "RUB")})
		case kind == 1 && token != "":
			h.ask(t, request{method: "POST", path: payments, key: name, body: with(with(order("DEPOSIT", name, amountOf(1000+rand.N(9000))), "currency", "RUB"), "recurringToken", token)})
		default:
			h.sell(t, name, kind == 2 && !h.hold)
		}
		h.count.Add(1)
	}
}

// sell makes a deposit, sends its customer away, looks what has become of it, and ends a hold in some way.
func (h *hosted) sell(t testing.TB, name string, begins bool) {
	cents := 1000 + rand.N(9000)
	body := with(with(order("DEPOSIT", name, amountOf(cents)), "currency", "RUB"), "paymentMethod", "BASIC_CARD")
	if begins {
		body = with(body, "startRecurring", true)
	}
	if h.hold {
		body = with(body, "preAuth", true)
	}
	p := h.ask(t, request{method: "POST", path: payments, key: name, body: body})
	if p == nil || h.ask(t, request{method: "PATCH", path: pathOf(p.ID), key: name, body: browser}) == nil {
		return
	}
	if p = h.ended(t, p.ID); p != nil && p.State == "AUTHORIZED" {
		switch rand.N(4) {
		case 0:
			p = h.ask(t, request{method: "POST", path: pathOf(p.ID) + "/void", key: name + "-void"})
		case 1:
			p = h.ask(t, request{method: "POST", path: pathOf(p.ID) + "/capture", key: name + "-capture", body: object{"amount": json.Number(amountOf(cents / 2))}})
		case 2:
			p = h.ask(t, request{method: "POST", path: pathOf(p.ID) + "/capture", key: name + "-capture", body: object{}})
		}
	}
	if p == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.State == "COMPLETED" {
		h.paid = append(h.paid, p.ID)
	}
	if p.RecurringToken != "" {
		h.chain = append(h.chain, p.RecurringToken)
	}
}

// ended looks for a while what becomes of a payment. It is nil where that takes long.
func (h *hosted) ended(t testing.TB, id string) *paid {
	for range 100 {
		r, err := h.do(t.Context(), request{method: "GET", path: pathOf(id)})
		if err == nil && r.status == http.StatusOK && r.payment.State != "PENDING" {
			return &r.payment
		}
		select {
		case <-h.quiet:
			return nil
		case <-time.After(usualDelay):
		}
	}
	return nil
}

// customers pay what is to be paid at the provider, some with a card that is declined, until the function is called that it returns.
func (a *accountThere) customers(t *testing.T) (over func()) {
	quiet, done := make(chan struct{}), make(chan struct{})
	m := &merchant{client: a.theirs.client}
	go func() {
		defer close(done)
		for {
			r, err := a.theirs.do(t.Context(), request{method: "GET", path: payments + "?limit=1000"})
			if err == nil && r.status == http.StatusOK {
				var pages []func()
				for _, p := range r.list {
					if p.State == "CHECKOUT" && p.RedirectURL != "" {
						pages = append(pages, func() {
							number, code := cardNumber, securityCode
							if rand.N(6) == 0 {
								number, code = "4000000000000416", "123"
							}
							_ = m.payAt(t.Context(), p.RedirectURL, number, code) // one that fails is paid the next time
						})
					}
				}
				atOnce(pages, orderMerchants)
			}
			select {
			case <-quiet:
				return
			case <-time.After(usualDelay):
			}
		}
	}()
	return func() { close(quiet); <-done }
}

// TestTwoInstallationsByOrders is TestTwoInstallationsOneTheProviderOfTheOther by the Yandex Pay merchant API, where customers pay on the
// provider's page. One account takes money at once, the other holds it first.
func TestTwoInstallationsByOrders(t *testing.T) {
	t.Parallel()
	wanted := setting.Number(t, "SLUICE_TEST_PROVIDED", 40)
	onEach(t, func(t *testing.T, database string) {
		i := newInstallations(t, database, "")
		quiet, count := make(chan struct{}), new(atomic.Int64)
		var working sync.WaitGroup
		began := time.Now()
		for n, hold := range []bool{false, true} {
			a := i.open(t, "yandexpay", object{"checkoutTimeout": 5}, object{"yandexPay": object{"twoStage": hold}}, func(s hookShop) object {
				return object{"apiKey": s.key, "merchantId": dashed(s.id), "twoStage": hold}
			})
			var told struct{ ShopID string }
			i.provider.admin(t, &told, "shop", "update", "--shop", a.theirs.id, "--settings",
				text(t, object{"yandexPay": object{"twoStage": hold, "callbackUrl": i.merchant.base + "/notices/" + a.terminal}}))
			defer a.customers(t)()
			h := &hosted{client: a.ours, hold: hold, quiet: quiet, count: count}
			for k := range orderMerchants {
				working.Go(func() { h.work(t, 100*n+k) })
			}
		}
		kills := i.killed(t, max(6, wanted/20))
		await(t, "enough payments are made", leaseIsOver, func() bool { return count.Load() >= int64(wanted) })
		close(quiet)
		working.Wait()
		t.Logf("%d payments were made in %s", count.Load(), time.Since(began).Round(time.Second))
		shown, at, found := i.judge(t)
		t.Logf("kills of the merchant's and the provider's %v, states %v, at the provider %v, %d disagreements", kills, tally(shown), tally(at), len(found))
		i.ends(t, database)
	})
}
