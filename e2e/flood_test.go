package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/loopback"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// revokedKey is an API key of a shop that was good for a moment.
func revokedKey(t testing.TB, s *server, shop string) string {
	t.Helper()
	var made struct{ KeyID, APIKey string }
	s.admin(t, &made, "key", "create", "--shop", shop)
	s.command(t, "key", "revoke", "--shop", shop, made.KeyID)
	return made.APIKey
}

// scene is a server with a shop that is attacked and one that is not.
type scene struct {
	*server
	sim    *simulator
	victim hookShop
	payer  *payer
	bank   paid // a deposit of the victim whose customer is at the bank
	attack *attacker
}

func newScene(t *testing.T, url string, args ...string) *scene {
	t.Helper()
	return newSceneBy(t, url, func(s *server) { s.start(t) }, args...)
}

// newSceneBy is newScene with a server that is started in another way.
func newSceneBy(t *testing.T, url string, start func(*server), args ...string) *scene {
	t.Helper()
	dir := shortDir(t)
	sc := &scene{sim: startSimulator(t, dir)}
	sc.server = newServer(t, dir, url, append([]string{"--private-webhooks", "--metrics-listen", loopback.Address(t)}, args...)...).quiet()
	start(sc.server)
	sc.victim = sc.newHookShop(t, sc.sim, object{})
	sc.payer = newPayer(sc.newShop(t, sc.sim), "another shop")
	sc.bank = atTheBank(t, sc.victim.client, "at-the-bank")
	terminal := regexp.MustCompile(`\b[0-9a-f]{32}\b`).FindString(sc.command(t, "terminal", "list", "--shop", sc.victim.id))
	sc.attack = newAttacker(sc.base, sc.bank.RedirectURL, terminal, revokedKey(t, sc.server, sc.victim.id))
	return sc
}

// beside runs the attack while the other shop pays, until both are over.
func (sc *scene) beside(t *testing.T, payments int, attack func()) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(attack)
	for n := range payments {
		sc.payer.pays(t, n)
	}
	wg.Wait()
	sc.payer.check(t)
}

func (sc *scene) operations(t testing.TB, id string) int {
	t.Helper()
	return strings.Count(string(sc.victim.must(t, request{method: "GET", path: pathOf(id) + "/operations"}).body), `"operationType"`)
}

// TestFloodsWriteNothing: whoever has no key and calls the return address of a payment, its page and every other public
// address, as often as he likes, fills neither the payment's log nor the server's nor the disk.
func TestFloodsWriteNothing(t *testing.T) {
	t.Parallel()
	requests := setting.Number(t, "SLUICE_TEST_FLOOD", 4000)
	onEach(t, func(t *testing.T, url string) {
		sc := newScene(t, url)
		returns := strings.TrimPrefix(sc.bank.RedirectURL, sc.base) + "/return?n="
		sc.attack.flood(100) // what is written once is written
		ops, lines, bytes := sc.operations(t, sc.bank.ID), sc.lines(t), sc.bytes(t)
		statuses := sync.Map{}
		sc.beside(t, 10, func() {
			var wg sync.WaitGroup
			var n atomic.Int64
			for range 16 {
				wg.Go(func() {
					for i := n.Add(1); i <= int64(requests); i = n.Add(1) {
						res, err := sc.attack.http.Get(fmt.Sprint(sc.base, returns, i))
						if err != nil {
							t.Error(err)
							return
						}
						_, _ = io.Copy(io.Discard, res.Body)
						_ = res.Body.Close()
						count, _ := statuses.LoadOrStore(res.StatusCode, new(atomic.Int64))
						count.(*atomic.Int64).Add(1)
						if res.StatusCode == http.StatusTooManyRequests && res.Header.Get("Retry-After") == "" {
							t.Error("429 without Retry-After")
						}
					}
				})
			}
			wg.Wait()
			sc.attack.flood(requests)
		})
		grown := sc.operations(t, sc.bank.ID) - ops
		logged, written := sc.lines(t)-lines, sc.bytes(t)-bytes
		var answers []string
		statuses.Range(func(k, v any) bool {
			answers = append(answers, fmt.Sprintf("%d of %d", v.(*atomic.Int64).Load(), k))
			return true
		})
		t.Logf("%d requests to /return (%s) and %d to %d addresses (%v): %d operations more, %d lines more, %d bytes more",
			requests, strings.Join(answers, ", "), requests, len(sc.attack.addresses()), sc.attack.statuses, grown, logged, written)
		if grown > 20 { // a status query each time that one is due, not each time that somebody asks
			t.Errorf("%d operations more", grown)
		}
		if logged > 100 {
			t.Errorf("%d lines more", logged)
		}
		if url == "" && written > 8<<20 { // a log of the database that is cut back, and the payments beside it
			t.Errorf("%d bytes more", written)
		}
		if p := sc.victim.get(t, sc.bank.ID); p.State != "PENDING" {
			t.Errorf("the payment that was attacked: %+v", p)
		}
		sc.stop(t)
	})
}

// TestSlowBodiesOfOneShopHoldNobodyUp: a shop that sends more bodies than there are places, all in drops, refuses another
// shop nothing.
func TestSlowBodiesOfOneShopHoldNobodyUp(t *testing.T) {
	t.Parallel()
	bodies := setting.Number(t, "SLUICE_TEST_SLOW_BODIES", 1040)
	onEach(t, func(t *testing.T, url string) {
		sc := newScene(t, url, "--trusted-proxies", "127.0.0.1") // many shops are behind one address
		var held []net.Conn
		for range bodies {
			c, err := net.Dial("tcp", strings.TrimPrefix(sc.base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			if _, err := io.WriteString(c, "POST /api/v1/payments HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer "+sc.victim.key+
				"\r\nContent-Type: application/json\r\nContent-Length: 9000\r\nExpect: 100-continue\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			held = append(held, c)
		}
		reading := 0
		for _, c := range held { // the body is asked for when it is read
			_ = c.SetReadDeadline(time.Now().Add(patience))
			said, err := bufio.NewReader(c).ReadString('\n')
			if err == nil && strings.Contains(said, " 100 ") {
				reading++
			}
			_, _ = io.WriteString(c, "{")
		}
		for n := range 20 {
			sc.payer.pays(t, n)
			sc.payer.http.CloseIdleConnections() // each on connections of its own
		}
		sc.payer.check(t)
		t.Logf("beside %d bodies in drops of one shop, of which %d were read, %d payments of another were paid; longest request %s", len(held), reading, sc.payer.paid, longest(sc.payer.took))
		for _, c := range held {
			_ = c.Close()
		}
		sc.stop(t)
	})
}

// TestBodiesInDropsThatAnybodyMaySend: forms for one payment and notices for one terminal, more than there is memory for, all in
// drops. The forms of other payments and notices that are there at once are read.
func TestBodiesInDropsThatAnybodyMaySend(t *testing.T) {
	t.Parallel()
	const forms = 70
	notices := setting.Number(t, "SLUICE_TEST_SLOW_NOTICES", 540)
	onEach(t, func(t *testing.T, url string) {
		sc := newScene(t, url, "--trusted-proxies", "127.0.0.1")
		terminal := "/notices/" + sc.attack.terminal
		drops := func(n int, path, header string, announced, sent int) {
			for i := range n {
				c, err := net.Dial("tcp", strings.TrimPrefix(sc.base, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = c.Close() })
				if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.%d\r\n%sContent-Length: %d\r\n\r\n%s",
					path, i%8, header, announced, strings.Repeat("x", sent)); err != nil {
					t.Fatal(err)
				}
			}
		}
		drops(forms, strings.TrimPrefix(sc.bank.RedirectURL, sc.base), "Content-Type: application/x-www-form-urlencoded\r\n", 16000, 5000)
		drops(notices, terminal, "", 64000, 17000)
		// One for which there is no room comes again, as providers do: those in drops may only just have begun.
		notice := func(until time.Time) (status int) {
			for status = http.StatusServiceUnavailable; status == http.StatusServiceUnavailable && time.Now().Before(until); {
				res, err := http.Post(sc.base+terminal, "application/json", strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close() // only the status matters
				status = res.StatusCode
			}
			return status
		}
		slow := func() int { return sc.metric(t, "sluice_connections_refused_total", `reason="slow"`) }
		until := time.Now().Add(patience)
		small := 0
		for ; slow() == 0 && time.Now().Before(until); small += 50 { // until what is left between those is taken, too
			drops(50, terminal, "", 1000, 1)
			notice(until)
		}
		answers := map[int]int{}
		for range 10 {
			r := sc.victim.client.must(t, request{method: "POST", path: payments, body: object{
				"paymentType": "DEPOSIT", "amount": 5, "currency": "EUR", "paymentMethod": "BASIC_CARD"}})
			answers[submitFrom(t, r.payment.RedirectURL, acceptedCard, "203.0.113.7")]++
			answers[notice(until)]++
		}
		t.Logf("beside %d forms for one payment and %d notices in drops, 10 forms and 10 forged notices were answered %v; %d slow ones made room",
			forms, notices+small, answers, slow())
		if answers[http.StatusSeeOther] != 10 || answers[http.StatusUnauthorized] != 10 || slow() == 0 {
			t.Errorf("answered %v, %d slow ones made room", answers, slow())
		}
		sc.stop(t)
	})
}

func longest(took []time.Duration) (most time.Duration) {
	for _, d := range took {
		most = max(most, d)
	}
	return most.Round(time.Millisecond)
}

// hole takes connections and never answers. It has several addresses, because only so many connections go to one.
type hole struct {
	urls       []string
	open, most atomic.Int64
}

func newHole(t testing.TB, addresses int) *hole {
	t.Helper()
	h := &hole{}
	for range addresses {
		l, err := net.Listen("tcp", loopback.Address(t))
		if err != nil {
			t.Fatal(err)
		}
		h.urls = append(h.urls, "http://"+l.Addr().String())
		t.Cleanup(func() { _ = l.Close() })
		go h.take(l)
	}
	return h
}

func (h *hole) take(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		now := h.open.Add(1)
		for most := h.most.Load(); now > most && !h.most.CompareAndSwap(most, now); most = h.most.Load() {
			continue
		}
		go func() {
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
			h.open.Add(-1)
		}()
	}
}
