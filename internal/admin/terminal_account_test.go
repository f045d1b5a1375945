package admin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
)

// provider serves accounts of one provider, by their keys.
func provider(t *testing.T, accounts map[string]*simulator.Simulator) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		account := accounts[key]
		if account == nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.Header.Set("Authorization", "Bearer "+account.APIKey())
		account.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func keyed(t *testing.T, url, key string) string {
	t.Helper()
	raw, err := json.Marshal(map[string]string{"url": url, "apiKey": key})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestSettingsOfAnotherAccount: they are refused while the provider has got payments of the terminal, open or settled, and
// a new secret of the same account is not.
func TestSettingsOfAnotherAccount(t *testing.T) {
	t.Parallel()
	atClock(t, func(c *counter) {
		another, err := simulator.New(simulator.Config{APIKey: "another"})
		if err != nil {
			c.Fatal(err)
		}
		c.Cleanup(func() { _ = another.Close() })
		url := provider(c.T, map[string]*simulator.Simulator{"second": c.app.Simulator, "third": c.app.Simulator, "another": another})
		update := func(change admin.UpdateTerminal, key string) error {
			c.Helper()
			change.OfTerminal = admin.OfTerminal{OfShop: admin.OfShop{Shop: string(c.shop.ID)}, Terminal: "sandbox"}
			change.Settings = keyed(c.T, url, key)
			_, err := admin.OpUpdateTerminal.Do(c.Context(), c.desk, change)
			return err
		}
		for _, key := range []string{"another", "second"} { // nothing is there that could be lost
			if err := update(admin.UpdateTerminal{}, key); err != nil {
				c.Fatalf("%s: %v", key, err)
			}
		}
		c.app.Engine.InForce()
		for _, paid := range []struct {
			amount string
			effect simulator.Effect
			want   payment.State
		}{
			{"26.00", simulator.Effect{Fault: simulator.FaultDrop}, payment.Pending},
			{"27.00", simulator.Effect{}, payment.Completed},
		} {
			_, err := c.app.Simulator.AddScenario(simulator.Scenario{
				Match: simulator.Match{Operation: "payment", Amount: paid.amount}, Effect: paid.effect, Times: 1,
			})
			if err != nil {
				c.Fatal(err)
			}
			id := c.deposit(paid.amount, false)
			if p, err := c.app.Engine.Look(c.Context(), c.shop.ID, id); err != nil || p.State() != paid.want {
				c.Fatalf("%s is %s, %v", paid.amount, p.State(), err)
			}
			if err := update(admin.UpdateTerminal{}, "another"); err == nil || !strings.Contains(err.Error(), "--other-account") {
				c.Errorf("with a payment that is %s: %v", paid.want, err)
			}
		}
		if err := update(admin.UpdateTerminal{}, "third"); err != nil {
			c.Errorf("another secret of the account: %v", err)
		}
		for _, change := range []admin.UpdateTerminal{{OtherAccount: true}, {NoTrial: true}} {
			if err := update(change, "another"); err != nil {
				c.Errorf("%+v: %v", change, err)
			}
			if err := update(admin.UpdateTerminal{}, "second"); err != nil {
				c.Errorf("back to the account: %v", err)
			}
		}
	})
}
