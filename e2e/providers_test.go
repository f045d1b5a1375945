package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/double/frame"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// The tests in this file pay at every provider that there is a connector for, as a customer does: on the hosted page of the real binary, with a
// real Chromium, through 3-D Secure, the page of a bank or of the provider, or an app of a bank. The provider is a server in this process that
// keeps books (internal/double); the merchant captures a part of what is held, gives back what was taken in two refunds, of which one is settled
// late, and in the end what the merchant is shown is what stands in the provider's books. Meanwhile one of the calls meets a fault.
//
// providers_rows_test.go and providers_banks_test.go have a row for each provider, providers_doubles_test.go what a row is, providers_pays_test.go
// what customers do, and providers_life_test.go what the merchant does and sees. By default every two of provider, way to pay, call, fault and
// database meet once; SLUICE_TEST_PROVIDERS=all (make lives) runs all combinations.

// The ways to pay.
const (
	byCard      = "card"
	byChallenge = "card with 3-D Secure"
	byHold      = "card with 3-D Secure, held" // at a gateway without a page of its own: held
	byBlik      = "BLIK"
	byPix       = "Pix"
	byLink      = "bank link"
	byAccount   = "open banking"
	byPage      = "card at the provider" // which is entered there
	byPageHold  = "card at the provider, held"
)

// The calls that meet faults.
const (
	atPay     = "pay"
	atCapture = "capture"
	atRefund  = "refund"
)

// mishap is a fault of one request.
type mishap struct {
	name  string
	fault frame.Fault
}

const (
	fine    = "no fault"
	refusal = "refused"
)

var mishaps = []mishap{
	{fine, frame.Fault{}},
	{"answer lost", frame.Fault{Kind: frame.Drop}},
	{"request lost", frame.Fault{Kind: frame.Drop, Before: true}},
	{"500", frame.Fault{Kind: frame.ServerError}},
	{"502", frame.Fault{Kind: frame.BadGateway, Before: true}},
	{"half an answer", frame.Fault{Kind: frame.Truncated}},
	{refusal, frame.Fault{Kind: frame.Rejected}},
}

// life is one combination.
type life struct {
	provider, way, call, mishap, database string
}

func (l life) String() string {
	return strings.Join([]string{l.provider, l.way, l.call, l.mishap, l.database}, ", ")
}

// parts are what is paired.
func (l life) parts() []string { return []string{l.provider, l.way, l.call, l.mishap, l.database} }

func held(way string) bool { return way == byHold || way == byPageHold }

// lives lists all combinations that there are.
func lives(all []pretended) (list []life) {
	for i := range all {
		p := &all[i]
		for _, way := range p.ways() {
			for _, call := range []string{atPay, atCapture, atRefund} {
				for _, m := range mishaps {
					none := m.fault.Kind == ""
					if p.call(call, way) == "" || call == atCapture && !held(way) || none && call != atPay || !none && p.unsure(way, call, m.fault) {
						continue
					}
					for _, database := range []string{"sqlite", "postgres"} {
						list = append(list, life{p.name, way, call, m.name, database})
					}
				}
			}
		}
	}
	return list
}

// pairwise picks so many of them that every two parts which meet in any meet in one that is picked, about as many on each database. It picks the
// same ones each time.
func pairwise(all []life) (picked []life) {
	pairs := func(l life) (found [][2]string) {
		parts := l.parts()
		for i := range parts {
			for j := range i {
				found = append(found, [2]string{fmt.Sprint(j, parts[j]), fmt.Sprint(i, parts[i])})
			}
		}
		return found
	}
	open := map[[2]string]bool{}
	for _, l := range all {
		for _, pair := range pairs(l) {
			open[pair] = true
		}
	}
	on := map[string]int{}
	for len(open) > 0 {
		best, most := life{}, 0
		for _, l := range all {
			n := 0
			for _, pair := range pairs(l) {
				if open[pair] {
					n++
				}
			}
			if n > most || n == most && n > 0 && on[l.database] < on[best.database] {
				best, most = l, n
			}
		}
		picked = append(picked, best)
		on[best.database]++
		for _, pair := range pairs(best) {
			delete(open, pair)
		}
	}
	return picked
}

// TestEveryTwoPartsMeet: of a provider's life nothing is left out by the choice.
func TestEveryTwoPartsMeet(t *testing.T) {
	all := lives(providers)
	picked := pairwise(all)
	met := map[string]bool{}
	for _, l := range picked {
		for i, a := range l.parts() {
			for j, b := range l.parts() {
				met[fmt.Sprint(i, a, j, b)] = true
			}
		}
	}
	for _, l := range all {
		for i, a := range l.parts() {
			for j, b := range l.parts() {
				if !met[fmt.Sprint(i, a, j, b)] {
					t.Errorf("%s never meets %s", a, b)
				}
			}
		}
	}
	t.Logf("%d of %d combinations", len(picked), len(all))
}

// offered are the rows of the connectors that the program has. One without a row fails the test, but for that of the simulator.
func offered(t *testing.T) (rows []pretended) {
	t.Helper()
	out, fault, code := runOnce(t, nil, "connectors", "--json")
	if code != 0 {
		t.Fatal(fault)
	}
	for dec := json.NewDecoder(strings.NewReader(out)); dec.More(); {
		var c struct{ Name string }
		if err := dec.Decode(&c); err != nil {
			t.Fatal(err)
		}
		before := len(rows)
		for _, p := range providers {
			if cmp.Or(p.connector, p.name) == c.Name {
				rows = append(rows, p)
			}
		}
		if len(rows) == before && c.Name != "sandbox" {
			t.Errorf("nobody pays at %s: it needs a row in providers_rows_test.go", c.Name)
		}
	}
	return rows
}

func TestTheWholeLifeAtEveryProvider(t *testing.T) {
	path := os.Getenv("SLUICE_TEST_CHROMIUM")
	if path == "" {
		setting.Missing(t, setting.Chromium, "lives at every provider: SLUICE_TEST_CHROMIUM is not set, see scripts/chromium.sh")
	}
	rows := offered(t)
	list := lives(rows)
	if os.Getenv("SLUICE_TEST_PROVIDERS") != "all" {
		list = pairwise(list)
	}
	root := startChromium(t, path)
	onEach(t, func(t *testing.T, url string) {
		database := "postgres"
		if url == "" {
			database = "sqlite"
		}
		s := newServer(t, shortDir(t), url)
		s.start(t)
		t.Cleanup(func() {
			s.stop(t)
			if t.Failed() {
				t.Logf("%s", tail(s.log))
			}
		})
		site := shopSite(t)
		for i := range rows {
			a := rows[i].start(t, s)
			t.Run(a.name, func(t *testing.T) {
				t.Parallel()
				for _, l := range list {
					if l.provider == a.name && l.database == database {
						t.Run(l.String(), func(t *testing.T) { a.live(t, openTab(t, root), site, l) })
					}
				}
			})
		}
	})
}
