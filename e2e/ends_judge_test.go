package e2e

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/sluicepay/sluice/internal/testkit/purse"
)

// mall is a server with a provider and shops whose settings differ, for walks in a browser.
type mall struct {
	server *server
	sim    *simulator
	site   string       // address of the shops' own site
	purse  *purse.Purse // of their customers
	at     [][]string   // commands that give a shop its accounts at the wallets

	strict  *mallShop // the first refusal decides
	honest  *mallShop // likewise, and what is paid late counts
	patient *mallShop // lets customers try three times
	hasty   *mallShop // its pages are open for a minute

	mu       sync.Mutex
	returned []string // payments whose money came late and went back
}

// mallShop is a shop of it: by the API, and as customers come from its site and return to it.
type mallShop struct {
	*client
	*browserSite
}

func openMall(t *testing.T, database string) *mall {
	t.Helper()
	dir := shortDir(t)
	m := &mall{sim: startSimulator(t, dir), server: newServer(t, dir, database)}
	m.server.start(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s", tail(m.server.log))
		}
	})
	m.site = shopSite(t)
	m.purse, m.at = walletAccounts(t, t.TempDir())
	m.sim.control(t, "/scenarios", object{"match": object{"operation": "payment", "cardLast4": slowCard[12:]}, "asyncAfterMs": -1})
	m.strict, m.honest = m.newShop(t, object{}), m.newShop(t, object{"honourLateSuccess": true})
	m.patient, m.hasty = m.newShop(t, object{"checkoutAttempts": 3}), m.newShop(t, object{"checkoutTimeout": 1})
	return m
}

func (m *mall) newShop(t *testing.T, settings object) *mallShop {
	t.Helper()
	made := m.server.newHookShop(t, m.sim, settings)
	m.server.giveWallets(t, made.id, m.at)
	c := made.client
	return &mallShop{c, &browserSite{BaseURL: c.base, APIKey: c.key, shop: m.site}}
}

// reference is the key under which the provider has the latest try of a payment.
func (m *mall) reference(t testing.TB, id string) string {
	t.Helper()
	for _, b := range slices.Backward(m.sim.readLedger(t)) {
		if paymentID(b.Reference) == id {
			return b.Reference
		}
	}
	t.Fatalf("the provider knows nothing of %s", id)
	return ""
}

// wantReturned waits until what was taken of a payment has gone back, and notes that for the judge.
func (m *mall) wantReturned(t testing.TB, id string) {
	t.Helper()
	await(t, "the return of what was paid late", browserPatience, func() bool {
		a := accounts(m.sim.readLedger(t))[id]
		return len(a.captured) == 1 && len(a.refunded) == 1
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.returned = append(m.returned, id)
}

// wantTimeOver looks at the page of a form that nobody has sent once its time is over.
func (m *mall) wantTimeOver(t *testing.T, b *tab, p browserPayment) {
	t.Helper()
	await(t, "the end of the checkout time", browserPatience+browserPatience, func() bool { return m.hasty.state(t, p.ID) == "CANCELLED" })
	b.open(p.RedirectURL)
	b.heading("Time ran out")
}

// judge compares what the merchants are shown with the provider's ledger. Payments whose money went back are compared apart: they
// stand as they ended, and neither side is owed anything.
func (m *mall) judge(t *testing.T) {
	t.Helper()
	shown := slices.Concat(m.strict.all(t), m.honest.all(t), m.patient.all(t), m.hasty.all(t))
	ledger := m.sim.readLedger(t)
	books := accounts(ledger)
	states, found := map[string]int{}, []string(nil)
	shown = slices.DeleteFunc(shown, func(p paid) bool {
		states[p.State]++
		apart := slices.Contains(m.returned, p.ID)
		if kept := keptOf(books[p.ID], nil); apart && (p.State == "COMPLETED" || kept != number(p.Amount).FloatString(2)+" of its money is kept" ||
			number(books[p.ID].refunded[0].Amount).Cmp(number(p.Amount)) != 0) {
			found = append(found, fmt.Sprintf("%s %s was to go back: %+v", p.State, p.ID, books[p.ID]))
		}
		return apart
	})
	ledger = slices.DeleteFunc(ledger, func(b booking) bool { return slices.Contains(m.returned, paymentID(b.Reference)) })
	for _, why := range append(found, disagreements(shown, ledger)...) {
		t.Error(why)
	}
	m.sim.healthy(t)
	t.Logf("%d payments, %v, %d went back, %d entries of the ledger", len(shown)+len(m.returned), states, len(m.returned), len(ledger))
}
