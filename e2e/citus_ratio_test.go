package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

const (
	ratioShops   = 20
	ratioClients = 16
	ratioTurn    = 3 * time.Second
)

// TestCitusBesideOnePostgres prints how many creates and paid flows a server does on a Citus for each that another does on one
// PostgreSQL on the same machine, in turns. It finds nothing wrong; SLUICE_TEST_CITUS_TURNS says how many turns each has.
func TestCitusBesideOnePostgres(t *testing.T) {
	turns := setting.Number(t, "SLUICE_TEST_CITUS_TURNS", 1)
	unmigrated := func(o *store.Options) { o.Migrate, o.Spread = false, false }
	databases := []string{storetest.NewCitus(t).Options(unmigrated).URL, storetest.New(t, store.Postgres).Options(unmigrated).URL}
	var sides [2][]*client
	for i, database := range databases {
		dir := shortDir(t)
		s := newServer(t, dir, database)
		sim := startSimulator(t, dir)
		if i == 0 {
			if out, fault, code := runOnce(t, nil, s.arguments("migrate", "--citus")...); code != 0 {
				t.Fatalf("migrate --citus: %s%s", out, fault)
			}
		}
		s.start(t)
		for range ratioShops {
			sides[i] = append(sides[i], s.newShop(t, sim))
		}
	}
	for _, kind := range []struct {
		name string
		one  func(c *client, name string) bool
	}{
		{"creates", func(c *client, name string) bool {
			r, err := c.do(t.Context(), request{method: "POST", path: payments, key: name, body: deposit(name, "11.12")})
			return err == nil && r.status == http.StatusOK
		}},
		{"paid flows", func(c *client, name string) bool {
			r, err := c.do(t.Context(), request{method: "POST", path: payments, key: name, body: deposit(name, "11.12")})
			if err == nil && r.status == http.StatusOK {
				r, err = c.do(t.Context(), request{method: "PATCH", path: pathOf(r.payment.ID), key: name, body: browser})
			}
			return err == nil && r.payment.State == "COMPLETED"
		}},
		{"lists", func(c *client, _ string) bool {
			r, err := c.do(t.Context(), request{method: "GET", path: payments + "?limit=20"})
			return err == nil && r.status == http.StatusOK
		}},
	} {
		var rates [2][]float64
		for turn := range turns {
			for i := range sides {
				rates[i] = append(rates[i], rate(t, sides[i], fmt.Sprintf("%s-%d", kind.name, turn), kind.one))
			}
		}
		for i := range rates {
			slices.Sort(rates[i])
		}
		citus, plain := rates[0][turns/2], rates[1][turns/2]
		t.Logf("%s in a second, median of %d turns: Citus %.0f, one PostgreSQL %.0f, ratio %.2f", kind.name, turns, citus, plain, citus/plain)
	}
}

// rate is how many a second of clients does.
func rate(t *testing.T, shops []*client, name string, one func(*client, string) bool) float64 {
	t.Helper()
	var done, failed atomic.Int64
	var working sync.WaitGroup
	began := time.Now()
	for w := range ratioClients {
		working.Go(func() {
			for n := 0; time.Since(began) < ratioTurn; n++ {
				if one(shops[rand.N(len(shops))], fmt.Sprintf("%s-%d-%d", name, w, n)) {
					done.Add(1)
				} else {
					failed.Add(1)
				}
			}
		})
	}
	working.Wait()
	if failed.Load() > 0 {
		t.Errorf("%s: %d failed", name, failed.Load())
	}
	return float64(done.Load()) / time.Since(began).Seconds()
}
