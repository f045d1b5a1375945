package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// attacker calls whatever answers without a key. It has the address of one payment and the id of one terminal, as every
// customer and every provider has.
type attacker struct {
	base     string
	page     string // of a payment
	terminal string
	revoked  string // an API key that was good once
	http     *http.Client

	mu       sync.Mutex
	statuses map[string]int
	held     []net.Conn
	calls    atomic.Int64
}

func newAttacker(base, page, terminal, revoked string) *attacker {
	return &attacker{base: base, page: page, terminal: terminal, revoked: revoked, statuses: map[string]int{}, http: &http.Client{
		Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 32},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// addresses are the public ones, as method, path and body; %d becomes a number that was not used before.
func (a *attacker) addresses() [][3]string {
	page := strings.TrimPrefix(a.page, a.base)
	return [][3]string{
		{"GET", page + "/return?n=%d;x=1", ""}, {"POST", page + "/return", "n=%d"}, {"GET", page + "?n=%d", ""}, {"POST", page, "nonce=%d"},
		{"POST", page + "/cancel", "nonce=%d"}, {"POST", page + "/continue", "n=%d"}, {"GET", page + "/continue?n=%d", ""},
		{"GET", "/payment/%d", ""}, {"GET", "/payment/%d/return", ""}, {"GET", "/static/checkout/%d", ""},
		{"POST", "/notices/" + a.terminal, `{"n":%d}`}, {"POST", "/notices/%032d", `{}`}, {"POST", "/notices/%d", `{}`},
		{"GET", "/healthz?n=%d", ""}, {"GET", "/openapi.json?n=%d", ""}, {"GET", "/openapi-yandexpay.json?n=%d", ""}, {"GET", "/nowhere/%d", ""},
		{"GET", "/api/v1/payments?n=%d", ""}, {"POST", "/api/v1/payments", `{"n":%d}`}, {"GET", "/api/merchant/v1/orders/%d", ""},
		{"POST", "/api/merchant/v1/orders", `{"n":%d}`},
	}
}

// call makes the next request; every third one with a key that is good no more.
func (a *attacker) call() {
	n := a.calls.Add(1)
	all := a.addresses()
	at := all[int(n)%len(all)]
	fill := func(text string) string {
		if strings.Contains(text, "%") {
			return fmt.Sprintf(text, n)
		}
		return text
	}
	if n%11 == 0 { // breaks off before the answer
		if c, err := net.Dial("tcp", strings.TrimPrefix(a.base, "http://")); err == nil {
			_, _ = io.WriteString(c, at[0]+" "+fill(at[1])+" HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
			_ = c.Close()
		}
		a.count("broken off")
		return
	}
	q, err := http.NewRequest(at[0], a.base+fill(at[1]), strings.NewReader(fill(at[2])))
	if err != nil {
		a.count("no request")
		return
	}
	if strings.HasPrefix(at[2], "n") {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	switch scheme := "Bearer "; {
	case strings.HasPrefix(at[1], "/api/merchant"):
		scheme = "Api-Key "
		fallthrough
	case strings.HasPrefix(at[1], "/api/") && n%3 == 0:
		q.Header.Set("Authorization", scheme+a.revoked)
	}
	res, err := a.http.Do(q)
	if err != nil {
		a.count("no answer")
		return
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	a.count(strconv.Itoa(res.StatusCode))
}

func (a *attacker) count(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.statuses[what]++
}

// flood makes so many requests, sixteen at a time.
func (a *attacker) flood(requests int) {
	var left atomic.Int64
	left.Store(int64(requests))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				a.call()
			}
		})
	}
	wg.Wait()
}

// hold opens a connection that stays: with n it is one that sends nothing, part of a head, or part of a body.
func (a *attacker) hold(n int) {
	c, err := net.Dial("tcp", strings.TrimPrefix(a.base, "http://"))
	if err != nil {
		return
	}
	page := strings.TrimPrefix(a.page, a.base)
	_, _ = io.WriteString(c, []string{"", "GET /healthz HTTP/1.1\r\nHo", "POST " + page + " HTTP/1.1\r\nHost: h\r\n" +
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 16000\r\n\r\nnumber=4",
		"POST /notices/" + a.terminal + " HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n{"}[n%4])
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held = append(a.held, c)
}

// letGo closes what is held, and returns how many that were.
func (a *attacker) letGo() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := len(a.held)
	for _, c := range a.held {
		_ = c.Close() // nothing is under way on it
	}
	a.held = nil
	return n
}

// quiet makes the server log as it does unless something else is asked for.
func (s *server) quiet() *server {
	if at := indexOf(s.args, "--log-level"); at >= 0 {
		s.args[at+1] = "info"
	}
	return s
}

// lines is how many lines the server has logged, and bytes how many these and its data folder have.
func (s *server) lines(t testing.TB) int {
	t.Helper()
	raw, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(raw), "\n")
}

func (s *server) bytes(t testing.TB) (total int64) {
	t.Helper()
	err := filepath.Walk(s.data, func(_ string, f os.FileInfo, err error) error {
		if err == nil && f.Mode().IsRegular() {
			total += f.Size()
		}
		return nil // a file of the database may come and go
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}

// metric returns what the metrics page has of one name with one label value, all others added up.
func (s *server) metric(t testing.TB, name, label string) (sum int) {
	t.Helper()
	at := indexOf(s.args, "--metrics-listen")
	res, err := http.Get("http://" + s.args[at+1] + "/metrics")
	if err != nil {
		t.Fatalf("metrics: %v", err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("metrics: %v", err)
	}
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, name+"{") && strings.Contains(line, label) {
			n, _ := strconv.Atoi(strings.TrimSpace(line[strings.LastIndex(line, " "):]))
			sum += n
		}
	}
	return sum
}

// atTheBank is a deposit whose customer is at the bank: its page and its return address are known to that customer.
func atTheBank(t testing.TB, c *client, reference string) paid {
	t.Helper()
	p := c.must(t, request{method: "POST", path: payments, body: with(deposit(reference, "10.00"), "card", card("4000000000000002", "123"))}).payment
	page := p.RedirectURL
	if p = c.must(t, request{method: "PATCH", path: pathOf(p.ID), body: browser}).payment; p.State != "PENDING" || page == "" {
		t.Fatalf("a deposit at the bank: %+v", p)
	}
	p.RedirectURL = page
	return p
}

// payer is a shop that pays while others are attacked.
type payer struct {
	*client
	name string

	mu    sync.Mutex
	took  []time.Duration
	paid  int
	other []string // what did not come to its end
}

func newPayer(c *client, name string) *payer {
	return &payer{client: newClient(c.base, c.key), name: name}
}

// pays makes one deposit and tells how long its two requests took.
func (p *payer) pays(t testing.TB, n int) {
	t.Helper()
	began := time.Now()
	created, err := p.do(t.Context(), request{method: "POST", path: payments, body: deposit(fmt.Sprintf("%s-%d", p.name, n), "5.00")})
	var done *reply
	between := time.Now()
	if err == nil && created.status == http.StatusOK {
		done, err = p.do(t.Context(), request{method: "PATCH", path: pathOf(created.payment.ID), body: browser})
	}
	ended := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
		p.other = append(p.other, err.Error())
	case done == nil:
		p.other = append(p.other, created.String())
	case done.status != http.StatusOK || done.payment.State != "COMPLETED":
		p.other = append(p.other, done.String())
	default:
		p.paid++
		p.took = append(p.took, between.Sub(began), ended.Sub(between))
	}
}

// check reports what did not come to its end.
func (p *payer) check(t testing.TB) {
	t.Helper()
	for i, why := range p.other {
		if i < 5 {
			t.Errorf("%s: %s", p.name, why)
		}
	}
	if len(p.other) > 0 {
		t.Errorf("%s: %d payments did not come to their end beside %d that did", p.name, len(p.other), p.paid)
	}
}
