package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/loopback"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

const (
	nodeShops        = 4   // each with an endpoint of its own
	nodeMerchants    = 3   // at work for each shop
	nodeKills        = 3   // at least
	nodeEvents       = 100 // at least
	nodeLeast        = 1500 * time.Millisecond
	nodeMore         = 2500 * time.Millisecond // at most, between two kills
	oneReceiverIn    = 50                      // refuses an event that it sees for the first time
	longerThanLeases = 4 * time.Minute         // of a dead node, with the tries after it and a checkout of a minute
)

// TestNodesShareTheWorkAndDie: two nodes on one database are under load, and every few seconds one of them is killed.
func TestNodesShareTheWorkAndDie(t *testing.T) {
	t.Parallel()
	seconds := setting.Number(t, "SLUICE_TEST_NODES_SECONDS", 20)
	database := storetest.New(t, store.Postgres).Options(func(o *store.Options) { o.Migrate = false }).URL
	dir := shortDir(t)
	sim := startSimulator(t, dir)
	nodes := startNodes(t, dir, database, database)
	r := newReceiver(t, nil, refuseSome())

	shops := make([]*nodeShop, nodeShops)
	var working sync.WaitGroup
	sim.bySlowPath(t, func() {
		for i := range shops {
			shops[i] = newNodeShop(t, nodes, i, sim, r)
			for n := range nodeMerchants {
				working.Go(func() { shops[i].witness.work(t, i*nodeMerchants+n) })
			}
		}
	})

	kills := 0
	for end := time.Now().Add(time.Duration(seconds) * time.Second); kills < nodeKills || time.Now().Before(end); kills++ {
		time.Sleep(nodeLeast + rand.N(nodeMore))
		victim := nodes[rand.N(len(nodes))]
		victim.kill()
		time.Sleep(rand.N(time.Second))
		victim.start(t)
	}
	await(t, "enough is told", patience, func() bool {
		told := 0
		for _, s := range shops {
			told += len(s.feed(t))
		}
		return told >= nodeEvents
	})
	for _, s := range shops {
		close(s.witness.quiet)
	}
	working.Wait()
	t.Logf("%d kills of two nodes", kills)
	if _, events := judgeNodes(t, shops, sim, r); events < nodeEvents || kills < nodeKills {
		t.Errorf("%d events, %d kills: the test did not test", events, kills)
	}
	r.check(t)
	sim.healthy(t)
	for _, n := range nodes {
		n.stop(t)
	}
	searchSecrets(t, dir, database)
}

// startNodes starts a server for each of the URLs, which lead to one database, with the same keys.
func startNodes(t testing.TB, dir string, databases ...string) []*server {
	t.Helper()
	nodes := make([]*server, len(databases))
	for i, database := range databases {
		home := filepath.Join(dir, fmt.Sprintf("n%d", i))
		nodes[i] = newServer(t, home, database, "--private-webhooks", "--metrics-listen", loopback.Address(t))
		if err := os.MkdirAll(nodes[i].data, 0o700); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			for _, name := range []string{"keys.json", "master.key"} {
				keys, err := os.ReadFile(filepath.Join(nodes[0].data, name))
				if err == nil {
					err = os.WriteFile(filepath.Join(nodes[i].data, name), keys, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		nodes[i].start(t)
	}
	return nodes
}

// nodeShop is a shop whose merchants call one node, and the other where that one does not listen.
type nodeShop struct {
	hookShop
	witness *witness
}

func newNodeShop(t testing.TB, nodes []*server, i int, sim *simulator, r *receiver) *nodeShop {
	t.Helper()
	path := fmt.Sprintf("/shop-%d", i)
	s := &nodeShop{hookShop: nodes[0].newImpatientHookShop(t, sim, object{"webhookUrl": r.URL + path, "checkoutTimeout": 1}, callLimit)}
	r.trust(path, s.signingKey)
	first := i % len(nodes)
	hosts := make([]string, len(nodes))
	for n := range nodes {
		hosts[n] = strings.TrimPrefix(nodes[(first+n)%len(nodes)].base, "http://")
	}
	s.http.Transport = &failover{hosts: hosts, base: s.http.Transport}
	s.witness = &witness{client: s.client, told: map[string]paid{}, quiet: make(chan struct{})}
	return s
}

// failover sends to the first host that listens, as a load balancer with a preference does.
type failover struct {
	hosts []string
	base  http.RoundTripper
}

func (f *failover) RoundTrip(q *http.Request) (res *http.Response, err error) {
	for _, host := range f.hosts {
		again := q.Clone(q.Context())
		again.URL.Host = host
		if q.GetBody != nil {
			if again.Body, err = q.GetBody(); err != nil {
				return nil, err
			}
		}
		if res, err = f.base.RoundTrip(again); !errors.Is(err, syscall.ECONNREFUSED) {
			return res, err
		}
	}
	return nil, err
}

// refuseSome lets some events fail the first time they come.
func refuseSome() func(*hook) int {
	seen := map[string]bool{}
	return func(h *hook) int {
		first := !seen[h.id()]
		seen[h.id()] = true
		if first && rand.N(oneReceiverIn) == 0 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
}

// judgeNodes waits until everything is over and compares what the merchants were told, by answers and by webhooks,
// with what stands and with the provider's books. It returns all payments and how many events there were.
func judgeNodes(t *testing.T, shops []*nodeShop, sim *simulator, r *receiver) ([]paid, int) {
	t.Helper()
	var found []string
	var all []paid
	var undone []string
	var feed []toldEvent
	requests, repeated, cards := 0, int64(0), int64(0)
	for _, s := range shops {
		s.witness.catchUp(t)
	}
	for _, s := range shops {
		shown := s.awaitFinal(t)
		found = append(found, s.witness.contradicted(shown)...)
		all, undone = append(all, shown...), append(undone, s.witness.undone...)
		requests, repeated, cards = requests+len(s.witness.told), repeated+s.witness.repeated.Load(), cards+s.witness.cardLost.Load()
	}
	found = append(found, disagreements(all, sim.readLedger(t), undone...)...)
	for _, s := range shops {
		feed = append(feed, awaitTold(t, s.client, r, longerThanLeases)...)
	}
	hooks := r.all()
	faults, again := deliveryFaults(feed, hooks, all)
	found = append(found, faults...)
	for i, why := range found {
		if i < 20 {
			t.Error(why)
		}
	}
	for i := range all {
		if !all[i].final() {
			t.Errorf("%s %s is %s in the end", all[i].PaymentType, all[i].ID, all[i].State)
		}
	}
	delays := delaysOf(feed, hooks)
	t.Logf("%d payments, %d acknowledged, %d requests repeated, %d cards asked for again; states %v; "+
		"%d events, %d posts, %d refused by the receiver, %d repeated under the same webhook-id, %d faults; "+
		"from event to receiver: median %s, 99 of 100 within %s, longest %s", len(all), requests, repeated, cards, tally(all),
		len(feed), len(hooks), refusedPosts(hooks), again, len(found),
		delays[len(delays)/2], delays[len(delays)*99/100], delays[len(delays)-1])
	return all, len(feed)
}

// awaitFinal waits until every payment of the shop is. A checkout whose card died with a node ends by its time; holds
// that nobody ended are released here.
func (s *nodeShop) awaitFinal(t testing.TB) []paid {
	t.Helper()
	began := time.Now()
	for deadline := began.Add(longerThanLeases); ; time.Sleep(500 * time.Millisecond) {
		shown := s.all(t)
		owed := owing(shown, s.witness.undone)
		if time.Since(began) > patience/2 {
			s.remind(t, shown, owed)
		}
		open := len(owed)
		for i := range shown {
			if shown[i].final() {
				continue
			}
			open++
			if shown[i].State == "AUTHORIZED" && !slices.Contains(s.witness.undone, shown[i].ID) {
				// Something else may be under way for it by now: then it is looked at again.
				if _, err := s.do(t.Context(), request{method: "POST", path: pathOf(shown[i].ID) + "/void"}); err != nil {
					t.Errorf("void of %s: %v", shown[i].ID, err)
				}
			}
		}
		if open == 0 || time.Now().After(deadline) {
			return shown
		}
	}
}

func refusedPosts(hooks []hook) (n int) {
	for i := range hooks {
		if hooks[i].status >= 300 {
			n++
		}
	}
	return n
}

// delaysOf returns how long events took until they were accepted first, shortest first.
func delaysOf(feed []toldEvent, hooks []hook) []time.Duration {
	first := map[string]time.Time{}
	for i := range hooks {
		if h := &hooks[i]; h.status < 300 && first[h.id()].IsZero() {
			first[h.id()] = h.at
		}
	}
	delays := []time.Duration{0}
	for i := range feed {
		created, err := time.Parse("2006-01-02T15:04:05.000-07:00", feed[i].Created)
		if at := first[feed[i].ID]; err == nil && !at.IsZero() {
			delays = append(delays, at.Sub(created).Round(time.Millisecond))
		}
	}
	slices.Sort(delays)
	return delays
}

// TestIdleCost says what a server costs that has nothing to do.
func TestIdleCost(t *testing.T) {
	seconds := setting.Number(t, "SLUICE_TEST_IDLE_SECONDS", 10)
	onEach(t, func(t *testing.T, url string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, url, "--private-webhooks")
		s.start(t)
		r := newReceiver(t, nil, nil)
		shop := s.newHookShop(t, sim, object{"webhookUrl": r.URL})
		everyKind(t, shop.client, "before")
		awaitTold(t, shop.client, r, patience)
		time.Sleep(2 * time.Second)
		before, err := cpuTime(s.cmd.Process.Pid)
		if err != nil {
			t.Skip("no /proc here: ", err)
		}
		time.Sleep(time.Duration(seconds) * time.Second)
		after, err := cpuTime(s.cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("idle for %d s: %s of processor time, %.2f %% of a core", seconds, after-before, 100*(after-before).Seconds()/float64(seconds))
		s.stop(t)
	})
}

// cpuTime is what the process has used so far, in user and system mode.
func cpuTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	var user, system int64
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+2:]))
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0, err
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux
	return time.Duration(user+system) * tick, nil
}
