package e2e

import (
	"fmt"
	"math/big"
	"math/rand/v2"
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
	accounts           []*accountThere
	fromMerchant       []*slowPath // to the provider
	fromProvider       []*slowPath // to the simulator
}

// accountThere is a shop of the merchant, whose terminal is a shop of the provider.
type accountThere struct {
	ours     *client
	shop     string // id of ours
	terminal string // id of it
	theirs   hookShop
}

// newInstallations starts both.
func newInstallations(t *testing.T, database, other string) *installations {
	t.Helper()
	dirs := [2]string{shortDir(t), shortDir(t)}
	i := &installations{sim: startSimulator(t, dirs[1])}
	i.merchant, i.provider = newServer(t, dirs[0], database, "--private-webhooks"), newServer(t, dirs[1], other, "--private-webhooks")
	i.merchant.start(t)
	i.provider.start(t)
	return i
}

// open makes a shop on each side, with those settings, and a terminal of the merchant's by that connector. All ways are slow at times.
func (i *installations) open(t *testing.T, connector string, shop, there object, settings func(hookShop) object) *accountThere {
	t.Helper()
	a := &accountThere{}
	way := i.sim.bySlowPath(t, func() { a.theirs = i.provider.newImpatientHookShop(t, i.sim, there, callLimit) })
	i.fromProvider = append(i.fromProvider, way)
	way = newSlowPath(t, i.provider.base)
	i.fromMerchant = append(i.fromMerchant, way)
	var s struct{ ShopID, APIKey string }
	i.merchant.admin(t, &s, "shop", "create", "--settings", text(t, shop), "--name", "Shop at "+a.theirs.id)
	own := with(with(with(settings(a.theirs), "url", way.url), "sluice", true), "timeoutMs", callLimit.Milliseconds())
	var terminal struct{ TerminalID string }
	i.merchant.admin(t, &terminal, "terminal", "create", "--shop", s.ShopID, "--name", connector, "--connector", connector, "--settings", text(t, own))
	a.ours, a.shop, a.terminal = newClient(i.merchant.base, s.APIKey), s.ShopID, terminal.TerminalID
	i.accounts = append(i.accounts, a)
	return a
}

// aMinute is after what time an answer that nothing was found counts, and a second one proves it.
const aMinute = 65 * time.Second

// later stops both, lets all arrive that is under way, and starts them with clocks that are so much further: what nothing but time proves needs
// no waiting, and no process sees a clock that jumps.
func (i *installations) later(t *testing.T, by time.Duration) {
	t.Helper()
	for _, side := range []struct {
		s    *server
		ways []*slowPath
	}{{i.merchant, i.fromMerchant}, {i.provider, i.fromProvider}} {
		side.s.stop(t)
		for _, way := range side.ways {
			way.empty(t)
		}
	}
	for _, s := range []*server{i.merchant, i.provider} {
		s.ahead += by
		s.start(t)
	}
}

// ask has an operator ask about whatever is open, each time a minute later, until nothing is: the ladder would, too, and takes longer.
func (i *installations) ask(t *testing.T) {
	t.Helper()
	for range 6 {
		i.later(t, aMinute)
		var checks []func()
		for _, a := range i.accounts {
			for _, p := range a.ours.all(t) {
				if p.State == "PENDING" {
					checks = append(checks, func() {
						path, env := i.merchant.program(t)
						if _, fault, code := runBy(t, path, env, i.merchant.arguments("payment", "check", "--shop", a.shop, p.ID)...); code != 0 {
							t.Logf("check of %s: %s", p.ID, fault)
						}
					})
				}
			}
		}
		if len(checks) == 0 {
			return
		}
		atOnce(checks, checkers)
	}
}

// checkers is how many operators ask at the same time.
const checkers = 4

// atOnce does it all, so many at the same time.
func atOnce(all []func(), wide int) {
	var working sync.WaitGroup
	var next atomic.Int64
	for range wide {
		working.Go(func() {
			for n := next.Add(1); n <= int64(len(all)); n = next.Add(1) {
				all[n-1]()
			}
		})
	}
	working.Wait()
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
func (i *installations) judge(t *testing.T, undone ...string) (shown, at []paid, found []string) {
	t.Helper()
	began := time.Now()
	i.later(t, aMinute) // the leases of those who were killed are over
	for _, a := range i.accounts {
		a.theirs.settle(t, leaseIsOver)
	}
	i.ask(t)
	for _, a := range i.accounts {
		shown = append(shown, a.ours.settle(t, leaseIsOver, undone...)...)
		at = append(at, a.theirs.settle(t, leaseIsOver)...)
	}
	found = append(disagreements(at, i.sim.readLedger(t)), differences(shown, at)...)
	for n, why := range found {
		if n < 20 {
			t.Error(why)
		}
	}
	i.sim.healthy(t)
	t.Logf("judged in %s, with clocks %s ahead", time.Since(began).Round(time.Second), i.merchant.ahead)
	return shown, at, found
}

// ends stops both, and looks for secrets in what they leave.
func (i *installations) ends(t *testing.T, database string) {
	t.Helper()
	i.merchant.stop(t)
	i.provider.stop(t)
	searchSecrets(t, filepath.Dir(i.merchant.data), database)
	searchSecrets(t, filepath.Dir(i.provider.data), "")
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
		i := newInstallations(t, database, "")
		a := i.open(t, "gateway", object{}, object{}, func(s hookShop) object { return object{"apiKey": s.key, "signingKey": s.signingKey} })
		w := &witness{client: a.ours, told: map[string]paid{}, quiet: make(chan struct{})}
		w.more = []func(testing.TB, string){w.chain}
		began := time.Now()
		over := w.begin(t)
		kills := i.killed(t, max(6, wanted/20))
		await(t, "enough payments are acknowledged", leaseIsOver, func() bool { return w.acknowledged() >= wanted })
		over()
		w.catchUp(t)
		t.Logf("%d payments were made in %s", w.acknowledged(), time.Since(began).Round(time.Second))
		shown, at, found := i.judge(t, w.undone...)
		for n, why := range w.contradicted(shown) {
			if n < 20 {
				t.Error(why)
			}
		}
		t.Logf("kills of the merchant's and the provider's %v, %d payments acknowledged, %d rolled back, states %v, at the provider %v, %d disagreements",
			kills, len(w.told), len(w.undone), tally(shown), tally(at), len(found))
		i.ends(t, database)
	})
}
