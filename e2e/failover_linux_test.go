package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

const (
	failoverShops     = 2                      // of the gateway's API, one at each node
	failoverMerchants = 6                      // at work for each of them
	failoverOrders    = 6                      // merchants of the other API
	failoverPayments  = 25                     // acknowledged between two failovers, at least
	failoverPause     = 200 * time.Millisecond // before a request is repeated
)

// TestFailoversLoseNothing: two nodes are under load of every kind, one by the list of both database servers and one by an
// address that is led to the one in charge. The primary is lost with all that it did, its synchronous replica takes its place,
// and a new replica is built, again and again. Every fifth time the replica is lost first, for longer than a node waits, and comes
// back for the primary that went on without it. What merchants were told stands, all money moved once, and everything ends.
func TestFailoversLoseNothing(t *testing.T) {
	t.Parallel()
	failovers := setting.Number(t, "SLUICE_TEST_FAILOVERS", 1)
	c := newCluster(t, true)
	dir := shortDir(t)
	nodes := startNodes(t, dir, c.list(t), c.one())
	sim, simOfOrders := startSimulator(t, newFolder(t, dir, "sim")), startSimulator(t, newFolder(t, dir, "orders"))
	r, tokens := newReceiver(t, nil, refuseSome()), newTokenReceiver(t, nodes[0])
	writes, reads := newGaps(), newGaps()

	shops := make([]*nodeShop, failoverShops)
	orders := &orderWitness{orders: map[string]*orderTold{}, names: map[string]string{}, quiet: make(chan struct{}), pause: failoverPause}
	sim.bySlowPath(t, func() {
		for i := range shops {
			shops[i] = newNodeShop(t, nodes, i, sim, r)
			shops[i].witness.pause, shops[i].witness.answered = failoverPause, writes.note
		}
	})
	simOfOrders.bySlowPath(t, func() {
		orders.shops = []*merchant{nodes[0].newMerchant(t, simOfOrders, tokens.URL+"/one", false), nodes[1].newMerchant(t, simOfOrders, tokens.URL+"/two/", true)}
	})
	var working sync.WaitGroup
	for i, s := range shops {
		for n := range failoverMerchants {
			working.Go(func() { s.witness.work(t, i*failoverMerchants+n) })
		}
		working.Go(func() { look(t, s.witness, reads) })
	}
	for n := range failoverOrders {
		working.Go(func() { orders.work(t, n) })
	}

	for n := range failovers {
		told := acknowledged(shops)
		await(t, "payments between two failovers", 2*patience, func() bool { return acknowledged(shops) >= told+failoverPayments })
		alone := n%5 == 4
		if alone {
			c.standAlone(t, len(nodes))
		}
		writes.begin()
		reads.begin()
		promotion := c.failOver(t)
		began := time.Now()
		c.build(t)
		built := time.Since(began)
		told = acknowledged(shops)
		await(t, "payments after a failover", 2*patience, func() bool { return acknowledged(shops) > told })
		t.Logf("failover %d (the replica was lost before: %t): the promotion took %s, the new replica %s; longest without a read that was "+
			"answered %s, without a write %s", n+1, alone, inMillis(promotion), inMillis(built), inMillis(reads.longest()), inMillis(writes.longest()))
	}
	await(t, "orders of many kinds are acknowledged", leaseIsOver, func() bool { return orders.saidEnough(failovers) })
	for _, s := range shops {
		close(s.witness.quiet)
	}
	close(orders.quiet)
	working.Wait()
	orders.catchUp(t)

	all, _ := judgeNodes(t, shops, sim, r)
	r.check(t)
	orders.judge(t, simOfOrders, tokens, failovers)
	sim.healthy(t)
	simOfOrders.healthy(t)
	countHarm(t, failovers, shops, all, orders, append(sim.readLedger(t), simOfOrders.readLedger(t)...))
	for _, n := range nodes {
		n.stop(t)
		noAlarms(t, n.log)
	}
	searchSecrets(t, dir, c.list(t))
}

func inMillis(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// noAlarms: a failover calls for nobody's eyes.
func noAlarms(t *testing.T, log string) {
	t.Helper()
	raw, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(raw) {
		if bytes.Contains(line, []byte("a human has to look")) {
			t.Errorf("an alarm: %s", line)
		}
	}
}

func newFolder(t *testing.T, dir, name string) string {
	t.Helper()
	dir = filepath.Join(dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func acknowledged(shops []*nodeShop) (n int) {
	for _, s := range shops {
		n += s.witness.acknowledged()
	}
	return n
}

// look reads as a dashboard does, until the merchants are done.
func look(t *testing.T, w *witness, answered *gaps) {
	for {
		select {
		case <-w.quiet:
			return
		case <-time.After(failoverPause / 4):
		}
		if r, err := w.client.do(t.Context(), request{method: "GET", path: payments + "?limit=5"}); err == nil && r.status == 200 {
			answered.note()
		}
	}
}

// gaps knows the longest time without an answer.
type gaps struct {
	mu   sync.Mutex
	last time.Time
	most time.Duration
}

func newGaps() *gaps { return &gaps{last: time.Now()} }

// begin forgets what was.
func (g *gaps) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.most = 0
}

// note is told of each answer.
func (g *gaps) note() {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.most, g.last = max(g.most, now.Sub(g.last)), now
}

// longest counts the one that still lasts, too.
func (g *gaps) longest() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(g.most, time.Since(g.last))
}

// countHarm counts what is worst by itself: what was acknowledged and is not there, money that moved twice, and what never ends.
func countHarm(t *testing.T, failovers int, shops []*nodeShop, all []paid, orders *orderWitness, ledger []booking) {
	t.Helper()
	there, references, lost, doubled, stuck := map[string]bool{}, map[string]int{}, 0, 0, 0
	ofOrders := map[string]bool{}
	for _, m := range orders.shops {
		for _, p := range m.all(t) {
			all = append(all, p)
			ofOrders[m.id+" "+p.ReferenceID] = true
		}
	}
	for i := range all {
		p := &all[i]
		there[p.ID] = true
		if p.PaymentType != "REFUND" || p.ReferenceID != "" {
			references[p.PaymentType+" "+p.ReferenceID]++
		}
		if p.State == "PENDING" {
			stuck++
		}
	}
	for _, s := range shops {
		for id := range s.witness.told {
			if !there[id] {
				lost++
			}
		}
	}
	for id, o := range orders.orders {
		if !ofOrders[o.shop.id+" "+id] {
			lost++
		}
	}
	for id, a := range accounts(ledger) {
		if !there[id] && a.moved() {
			lost++
		}
		for _, moves := range [][]booking{a.held, a.captured, a.refunded, a.paidOut} {
			doubled += max(0, len(moves)-1)
		}
	}
	for _, n := range references {
		doubled += max(0, n-1)
	}
	t.Logf("%d failovers, %d payments in the end, %d ledger entries: %d lost, %d doubled, %d stuck", failovers, len(all), len(ledger), lost, doubled, stuck)
	if lost+doubled+stuck > 0 {
		t.Error(fmt.Sprint(lost, " lost, ", doubled, " doubled, ", stuck, " stuck"))
	}
}
