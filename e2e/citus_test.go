package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

const (
	citusShops     = 8 // of the gateway API, each with an endpoint of its own
	citusMerchants = 2 // at work for each
	citusOrders    = 4 // clients of the other API
	citusPause     = 250 * time.Millisecond
)

// TestCitusUnderLoad: two nodes on a Citus are under load of every kind. Where SLUICE_TEST_CITUS_KILL names a command that kills a
// node of the Citus and starts it again, 0 for the coordinator and from 1 on for the workers, it is called as often as
// SLUICE_TEST_CITUS_KILLS says for workers, and once for each four of them for the coordinator.
func TestCitusUnderLoad(t *testing.T) {
	seconds := setting.Number(t, "SLUICE_TEST_CITUS_SECONDS", 15)
	database := storetest.NewCitus(t).Options(func(o *store.Options) { o.Migrate, o.Spread = false, false }).URL
	dir := shortDir(t)
	sims := []*simulator{startSimulator(t, dir), startSimulator(t, folderIn(t, dir, "orders"))}
	first := newServer(t, folderIn(t, dir, "n0"), database)
	if out, fault, code := runOnce(t, nil, first.arguments("migrate", "--citus")...); code != 0 {
		t.Fatalf("migrate --citus: %s%s", out, fault)
	}
	nodes := startNodes(t, dir, database, database)
	l := newCitusLoad(t, nodes, sims)
	over := l.begin(t)
	workers, coordinators := killCitus(t)
	time.Sleep(time.Duration(seconds) * time.Second)
	over()

	t.Logf("%d kills of workers, %d of the coordinator; %d requests to both nodes at once under one key, %d of which both answered; "+
		"%d pages of lists and feeds read meanwhile, %d not answered", workers, coordinators, l.twins.Load(), l.both.Load(), l.pages.Load(), l.unread.Load())
	l.orders.catchUp(t)
	l.orders.judge(t, sims[1], l.tokens, 1)
	judgeNodes(t, l.shops, sims[0], l.hooks)
	l.hooks.check(t)
	auditCitus(t, database)
	checkAway(t, nodes)
	for _, n := range nodes {
		n.stop(t)
	}
}

func folderIn(t testing.TB, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Join(path, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// killCitus kills nodes of the Citus and returns how often.
func killCitus(t testing.TB) (workers, coordinators int) {
	t.Helper()
	command := os.Getenv("SLUICE_TEST_CITUS_KILL")
	if command == "" {
		t.Log("SLUICE_TEST_CITUS_KILL is not set: nothing is killed")
		return 0, 0
	}
	kills := setting.Number(t, "SLUICE_TEST_CITUS_KILLS", 4)
	for n := range kills + kills/4 {
		victim := 1 + n%2
		if n%5 == 4 {
			victim, coordinators = 0, coordinators+1
		} else {
			workers++
		}
		time.Sleep(nodeLeast + rand.N(nodeMore))
		if out, err := exec.CommandContext(t.Context(), command, strconv.Itoa(victim)).CombinedOutput(); err != nil {
			t.Fatalf("%s %d: %v\n%s", command, victim, err, out)
		}
	}
	return workers, coordinators
}

// citusLoad is all who are at work.
type citusLoad struct {
	nodes  []*server
	shops  []*nodeShop
	hooks  *receiver
	orders *orderWitness
	tokens *tokenReceiver

	twins, both, pages, unread atomic.Int64
}

func newCitusLoad(t testing.TB, nodes []*server, sims []*simulator) *citusLoad {
	t.Helper()
	l := &citusLoad{nodes: nodes, hooks: newReceiver(t, nil, refuseSome()), tokens: newTokenReceiver(t, nodes[0])}
	l.orders = &orderWitness{orders: map[string]*orderTold{}, names: map[string]string{}, quiet: make(chan struct{})}
	sims[0].bySlowPath(t, func() {
		for i := range citusShops {
			s := newNodeShop(t, nodes, i, sims[0], l.hooks)
			s.witness.pause = citusPause
			l.shops = append(l.shops, s)
		}
	})
	sims[1].bySlowPath(t, func() {
		for i, path := range []string{"/one", "/two/"} {
			m := nodes[0].newMerchant(t, sims[1], l.tokens.URL+path, i == 1)
			m.http.Transport = &failover{hosts: hostsOf(nodes, i), base: m.http.Transport}
			l.orders.shops = append(l.orders.shops, m)
		}
	})
	return l
}

// begin has all work until the function is called that it returns.
func (l *citusLoad) begin(t testing.TB) (over func()) {
	t.Helper()
	var working sync.WaitGroup
	quiet := make(chan struct{})
	for i, s := range l.shops {
		for n := range citusMerchants {
			working.Go(func() { s.witness.work(t, i*citusMerchants+n) })
		}
		working.Go(func() { l.together(t, s, i, quiet) })
		working.Go(func() { l.read(t, s, quiet) })
	}
	for n := range citusOrders {
		working.Go(func() { l.orders.work(t, n) })
	}
	return func() {
		close(quiet)
		close(l.orders.quiet)
		for _, s := range l.shops {
			close(s.witness.quiet)
		}
		working.Wait()
	}
}

// hostsOf are the hosts of the nodes, one of them first.
func hostsOf(nodes []*server, first int) []string {
	hosts := make([]string, len(nodes))
	for n := range nodes {
		hosts[n] = strings.TrimPrefix(nodes[(first+n)%len(nodes)].base, "http://")
	}
	return hosts
}

// together sends each request to both nodes at once, under one key: there is one payment, whoever answers.
func (l *citusLoad) together(t testing.TB, s *nodeShop, i int, quiet <-chan struct{}) {
	clients := make([]*client, len(l.nodes))
	for n, node := range l.nodes {
		clients[n] = newClient(node.base, s.key)
	}
	for k := 0; ; k++ {
		select {
		case <-quiet:
			return
		case <-time.After(citusPause):
		}
		name := fmt.Sprintf("twin%d-%d", i, k)
		q := request{method: "POST", path: payments, key: name, body: deposit(name, amountOf(1000+rand.N(9000)))}
		var ids [2]string
		var asking sync.WaitGroup
		for n, c := range clients {
			asking.Go(func() {
				for range 20 {
					r, err := c.do(t.Context(), q)
					if l.toldAway(s, r, err) {
						ids[n] = r.payment.ID
						return
					}
					time.Sleep(citusPause)
				}
			})
		}
		asking.Wait()
		l.twins.Add(1)
		if ids[0] != "" && ids[1] != "" {
			l.both.Add(1)
			if ids[0] != ids[1] {
				s.witness.complainf("one key at both nodes made two payments, %s and %s", ids[0], ids[1])
			}
		}
		if ids[0] != "" || ids[1] != "" {
			s.witness.mu.Lock()
			s.witness.sent = append(s.witness.sent, name)
			s.witness.mu.Unlock()
		}
	}
}

// read reads lists and the feed.
func (l *citusLoad) read(t testing.TB, s *nodeShop, quiet <-chan struct{}) {
	paths := []string{payments + "?limit=50", "/api/v1/events?limit=50", payments + "?limit=50&state.eq=COMPLETED"}
	for n := 0; ; n++ {
		select {
		case <-quiet:
			return
		case <-time.After(citusPause):
		}
		l.pages.Add(1)
		if r, err := s.do(t.Context(), request{method: "GET", path: paths[n%len(paths)]}); !l.toldAway(s, r, err) {
			l.unread.Add(1)
		}
	}
}

// toldAway reports an answer that is one. Whoever gets none is told that the database is away, and when to come again.
func (l *citusLoad) toldAway(s *nodeShop, r *reply, err error) bool {
	switch {
	case err != nil:
		s.witness.complainf("no answer from a node that is there: %v", err)
	case r.status == http.StatusOK:
		return true
	case r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "":
		s.witness.complainf("while a database is away: Retry-After %q, %s", r.header.Get("Retry-After"), r)
	}
	return false
}

// checkAway: whatever the nodes of Sluice answered while nodes of the Citus were away, no answer called it a fault of Sluice's own.
func checkAway(t *testing.T, nodes []*server) {
	t.Helper()
	answers, away, other := 0, 0, 0
	for _, n := range nodes {
		answers += n.metric(t, "sluice_http_requests_total", "status=")
		away += n.metric(t, "sluice_http_requests_total", `status="503"`)
		other += n.metric(t, "sluice_http_requests_total", `status="5`)
	}
	if other -= away; other != 0 {
		t.Errorf("%d answers by a 5xx that is not 503", other)
	}
	t.Logf("%d requests answered, %d of which by 503, %d by another 5xx", answers, away, other)
}

// auditCitus looks for what is half written: everything of a payment is counted in its row.
func auditCitus(t *testing.T, database string) {
	t.Helper()
	conn, err := pgx.Connect(context.WithoutCancel(t.Context()), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	var said []string
	for _, c := range []struct{ what, sql string }{
		{"payments", ""},
		{"attempts not those of the row", "tries <> (SELECT COUNT(*) FROM attempt a WHERE a.shop_id = p.shop_id AND a.payment_id = p.id)"},
		{"operations not those of the row", "ops <> (SELECT COUNT(*) FROM operation o WHERE o.shop_id = p.shop_id AND o.payment_id = p.id)"},
		{"events not those of the row", "events <> (SELECT COUNT(*) FROM event e WHERE e.shop_id = p.shop_id AND e.payment_id = p.id)"},
		{"operations open", "EXISTS (SELECT 1 FROM operation o WHERE o.shop_id = p.shop_id AND o.payment_id = p.id AND o.completed IS NULL)"},
		{"calls open", "live <> 0 AND state = 'PENDING'"},
		{"parked", "due IS NULL AND due_fails > 0"},
		{"deposits whose reservation is not their refunds", `type = 'DEPOSIT' AND COALESCE(refund_reserved, 0) <> (SELECT COALESCE(SUM(r.amount), 0)
			FROM payment r WHERE r.shop_id = p.shop_id AND r.parent_id = p.id AND r.type = 'REFUND' AND r.state NOT IN ('DECLINED', 'CANCELLED'))`},
		{"deliveries open", "EXISTS (SELECT 1 FROM delivery d WHERE d.shop_id = p.shop_id AND d.payment_id = p.id AND d.state <> 'DELIVERED')"},
	} {
		text := "SELECT COUNT(*) FROM payment p"
		if c.sql != "" {
			text += " WHERE " + c.sql
		}
		var n int
		if err := conn.QueryRow(t.Context(), text).Scan(&n); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		said = append(said, fmt.Sprintf("%s: %d", c.what, n))
		if c.sql != "" && n != 0 {
			t.Errorf("%s: %d payments", c.what, n)
		}
	}
	t.Log(strings.Join(slices.Clip(said), "; "))
}
