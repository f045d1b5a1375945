package e2e

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// installations are two servers, of which the provider serves the merchant's shops, and is served by the simulator itself.
type installations struct {
	merchant, provider *server
	sim                *simulator
	at                 *client // the merchant at the provider
	shop               string  // id of the merchant's shop
}

// aMinute is after what time an answer that nothing was found counts, and a second one proves it.
const aMinute = 65 * time.Second

// ask has an operator ask about whatever is open, until nothing is: the ladder would, too, and is longer than a test should be.
func (i *installations) ask(t *testing.T, c *client) {
	t.Helper()
	for range 6 {
		time.Sleep(aMinute)
		open := 0
		for _, p := range c.all(t) {
			if p.State == "PENDING" {
				open++
				args := i.merchant.arguments("payment", "check", "--shop", i.shop, p.ID)
				if _, fault, code := runOnce(t, nil, args...); code != 0 {
					t.Logf("check of %s: %s", p.ID, fault)
				}
			}
		}
		if open == 0 {
			return
		}
	}
}

// newInstallations starts both. The shop at the provider has those settings; its key, signing key and id are returned.
func newInstallations(t *testing.T, database, other string, settings object) (*installations, hookShop) {
	t.Helper()
	dirs := [2]string{shortDir(t), shortDir(t)}
	i := &installations{sim: startSimulator(t, dirs[1])}
	i.merchant, i.provider = newServer(t, dirs[0], database, "--private-webhooks"), newServer(t, dirs[1], other, "--private-webhooks")
	i.merchant.start(t)
	i.provider.start(t)
	var shop hookShop
	i.sim.bySlowPath(t, func() { shop = i.provider.newImpatientHookShop(t, i.sim, settings, callLimit) })
	i.at = shop.client
	return i, shop
}

// newShopAt makes a shop of the merchant whose terminal is the shop at the provider, which is reached by a way that is slow at times.
func (i *installations) newShopAt(t *testing.T, connector string, shop, settings object) (made *client, terminalID string) {
	t.Helper()
	raw, err := json.Marshal(shop)
	if err != nil {
		t.Fatal(err)
	}
	var s struct{ ShopID, APIKey string }
	i.merchant.admin(t, &s, "shop", "create", "--settings", string(raw), "--name", "Shop at a provider")
	settings = with(with(with(settings, "url", newSlowPath(t, i.provider.base).url), "sluice", true), "timeoutMs", callLimit.Milliseconds())
	if raw, err = json.Marshal(settings); err != nil {
		t.Fatal(err)
	}
	var terminal struct{ TerminalID string }
	i.merchant.admin(t, &terminal, "terminal", "create", "--shop", s.ShopID, "--name", connector, "--connector", connector, "--settings", string(raw))
	i.shop = s.ShopID
	return newClient(i.merchant.base, s.APIKey), terminal.TerminalID
}

// killed kills one of the two, or both, and starts them again, for so many times.
func (i *installations) killed(t *testing.T, times int) (kills [2]int) {
	t.Helper()
	for range times {
		time.Sleep(shortLife + rand.N(longLife))
		which := rand.N(3) // the merchant's, the provider's, both
		for n, s := range []*server{i.merchant, i.provider} {
			if which != 1-n {
				s.kill()
				kills[n]++
			}
		}
		for n, s := range []*server{i.merchant, i.provider} {
			if which != 1-n {
				s.start(t)
			}
		}
	}
	return kills
}

// judge lets everything come to its end, and compares the provider's payments with the simulator's ledger, and the merchant's with those.
func (i *installations) judge(t *testing.T, c *client, undone ...string) (shown, at []paid, found []string) {
	t.Helper()
	i.at.settle(t, leaseIsOver)
	i.ask(t, c)
	shown = c.settle(t, leaseIsOver, undone...)
	at = i.at.settle(t, leaseIsOver)
	found = append(disagreements(at, i.sim.readLedger(t)), differences(shown, at)...)
	for n, why := range found {
		if n < 20 {
			t.Error(why)
		}
	}
	i.sim.healthy(t)
	return shown, at, found
}

// differences compares each payment of the merchant with what the provider has under its keys, and lists all that differs in words.
func differences(shown, at []paid) (found []string) {
	complain := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	of := map[string][]*paid{} // the provider's, by the merchant's payment
	moves := func(p *paid) bool { return p.State == "COMPLETED" || p.State == "AUTHORIZED" || p.State == "PENDING" }
	for n := range at {
		if p := &at[n]; p.PaymentType != "REFUND" && moves(p) {
			of[paymentID(p.ReferenceID)] = append(of[paymentID(p.ReferenceID)], p)
		}
	}
	back, backThere := returned(shown), returned(at)
	byID := map[string]bool{}
	for n := range shown {
		p := &shown[n]
		byID[p.ID] = true
		if p.State == "PENDING" {
			complain("%s %s is still open", p.PaymentType, p.ID)
		}
		if p.PaymentType == "REFUND" {
			continue
		}
		there := of[p.ID]
		switch {
		case !moves(p) && len(there) > 0, moves(p) && len(there) != 1:
			complain("%s %s is %s, and the provider has %d for it: %+v", p.PaymentType, p.ID, p.State, len(there), there)
		case moves(p) && (there[0].State != p.State || number(there[0].Amount).Cmp(number(p.Amount)) != 0 || there[0].Currency != p.Currency):
			complain("%s %s is %s %s %s, and at the provider %s %s %s", p.PaymentType, p.ID, p.State, p.Amount, p.Currency, there[0].State, there[0].Amount, there[0].Currency)
		case moves(p) && sumOf(back[p.ID]).Cmp(sumOf(backThere[there[0].ID])) != 0:
			complain("deposit %s has %s given back, and at the provider %s", p.ID, sumOf(back[p.ID]).FloatString(2), sumOf(backThere[there[0].ID]).FloatString(2))
		}
	}
	for id := range of {
		if !byID[id] {
			complain("the provider has a payment for %q, which the merchant does not have", id)
		}
	}
	return found
}

// returned is what was given back of each deposit.
func returned(all []paid) map[string]*big.Rat {
	sums := map[string]*big.Rat{}
	for n := range all {
		if p := &all[n]; p.PaymentType == "REFUND" && p.State == "COMPLETED" {
			sums[p.Parent] = new(big.Rat).Add(sumOf(sums[p.Parent]), number(p.Amount))
		}
	}
	return sums
}

func sumOf(r *big.Rat) *big.Rat {
	if r == nil {
		return new(big.Rat)
	}
	return r
}

// TestTwoInstallationsOneTheProviderOfTheOther by the gateway API: payments of every kind, while both are killed.
func TestTwoInstallationsOneTheProviderOfTheOther(t *testing.T) {
	t.Parallel()
	wanted := setting.Number(t, "SLUICE_TEST_PROVIDED", 40)
	onEach(t, func(t *testing.T, database string) {
		i, shop := newInstallations(t, database, "", object{})
		c, _ := i.newShopAt(t, "gateway", object{}, object{"apiKey": shop.key, "signingKey": shop.signingKey})
		w := &witness{client: c, told: map[string]paid{}, quiet: make(chan struct{})}
		over := w.begin(t)
		kills := i.killed(t, max(6, wanted/20))
		await(t, "enough payments are acknowledged", leaseIsOver, func() bool { return w.acknowledged() >= wanted })
		over()
		w.catchUp(t)
		shown, at, found := i.judge(t, c, w.undone...)
		for n, why := range w.contradicted(shown) {
			if n < 20 {
				t.Error(why)
			}
		}
		for n := range shown {
			if p := &shown[n]; p.ReferenceID == "" && !w.asked[p.Parent] {
				t.Logf("without a reference: %+v, of %+v", *p, c.get(t, p.Parent))
			}
		}
		t.Logf("kills of the merchant's and the provider's %v, %d payments acknowledged, %d rolled back, states %v, at the provider %v, %d disagreements",
			kills, len(w.told), len(w.undone), tally(shown), tally(at), len(found))
		i.merchant.stop(t)
		i.provider.stop(t)
		searchSecrets(t, filepath.Dir(i.merchant.data), database)
		searchSecrets(t, filepath.Dir(i.provider.data), "")
	})
}

// hosted makes payments whose customers pay at the provider, gives some of them back, and goes on with others.
type hosted struct {
	*client
	quiet chan struct{}
	count atomic.Int64

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
			h.sell(t, name, kind == 2)
		}
		h.count.Add(1)
	}
}

// sell makes a deposit, sends its customer away, and looks what has become of it.
func (h *hosted) sell(t testing.TB, name string, begins bool) {
	body := with(with(order("DEPOSIT", name, amountOf(1000+rand.N(9000))), "currency", "RUB"), "paymentMethod", "BASIC_CARD")
	if begins {
		body = with(body, "startRecurring", true)
	}
	p := h.ask(t, request{method: "POST", path: payments, key: name, body: body})
	if p == nil || h.ask(t, request{method: "PATCH", path: pathOf(p.ID), key: name, body: browser}) == nil {
		return
	}
	for range 100 {
		r, err := h.do(t.Context(), request{method: "GET", path: pathOf(p.ID)})
		if err == nil && r.status == http.StatusOK && r.payment.State != "PENDING" {
			h.mu.Lock()
			defer h.mu.Unlock()
			if r.payment.State == "COMPLETED" {
				h.paid = append(h.paid, p.ID)
			}
			if r.payment.RecurringToken != "" {
				h.chain = append(h.chain, r.payment.RecurringToken)
			}
			return
		}
		select {
		case <-h.quiet:
			return
		case <-time.After(usualDelay):
		}
	}
}

// customers pay what is to be paid at the provider, some with a card that is declined, until the function is called that it returns.
func (i *installations) customers(t *testing.T) (over func()) {
	quiet, done := make(chan struct{}), make(chan struct{})
	m := &merchant{client: i.at}
	go func() {
		defer close(done)
		for {
			r, err := i.at.do(t.Context(), request{method: "GET", path: payments + "?limit=200"})
			if err == nil && r.status == http.StatusOK {
				for n := range r.list {
					if p := &r.list[n]; p.State == "CHECKOUT" && p.RedirectURL != "" {
						number := cardNumber
						if rand.N(6) == 0 {
							number = "4000000000000416"
						}
						code := map[bool]string{true: securityCode, false: "123"}[number == cardNumber]
						_ = m.payAt(t.Context(), p.RedirectURL, number, code) // one that fails is paid the next time
					}
				}
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
// provider's page.
func TestTwoInstallationsByOrders(t *testing.T) {
	t.Parallel()
	wanted := setting.Number(t, "SLUICE_TEST_PROVIDED", 40)
	onEach(t, func(t *testing.T, database string) {
		i, shop := newInstallations(t, database, "", object{})
		c, terminal := i.newShopAt(t, "yandexpay", object{"checkoutTimeout": 5}, object{"apiKey": shop.key, "merchantId": dashed(shop.id)})
		var told struct{ ShopID string }
		i.provider.admin(t, &told, "shop", "update", "--shop", shop.id, "--settings",
			fmt.Sprintf(`{"yandexPay":{"callbackUrl":"%s/notices/%s"}}`, i.merchant.base, terminal))
		h := &hosted{client: c, quiet: make(chan struct{})}
		paidUp := i.customers(t)
		var working sync.WaitGroup
		for n := range orderMerchants {
			working.Go(func() { h.work(t, n) })
		}
		kills := i.killed(t, max(6, wanted/20))
		await(t, "enough payments are made", leaseIsOver, func() bool { return h.count.Load() >= int64(wanted) })
		close(h.quiet)
		working.Wait()
		shown, at, found := i.judge(t, c)
		paidUp()
		t.Logf("kills of the merchant's and the provider's %v, states %v, at the provider %v, %d disagreements", kills, tally(shown), tally(at), len(found))
		i.merchant.stop(t)
		i.provider.stop(t)
		searchSecrets(t, filepath.Dir(i.merchant.data), database)
		searchSecrets(t, filepath.Dir(i.provider.data), "")
	})
}
