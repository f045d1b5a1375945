package admin_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// atClock is onEach with a clock that the test moves, also the database's.
func atClock(t *testing.T, test func(*counter)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		clock := testkit.SlowClock(20)
		db := d.Open(func(o *store.Options) { o.Now = clock.Now })
		app := testkit.New(t, db, testkit.Options{Clock: clock})
		test(&counter{t, app, app.Desk, app.NewShop(t, nil)})
	})
}

// remove disables and removes the shop's terminal, whose id it returns.
func (c *counter) remove() admin.OfTerminal {
	c.Helper()
	of := admin.OfTerminal{OfShop: admin.OfShop{Shop: string(c.shop.ID)}, Terminal: c.shop.Terminals[0].ID}
	if _, err := admin.OpSwitchTerminal.Do(c.Context(), c.desk, admin.SwitchTerminal{OfTerminal: of}); err != nil {
		c.Fatal(err)
	}
	if _, err := admin.OpRemoveTerminal.Do(c.Context(), c.desk, of); err != nil {
		c.Fatal(err)
	}
	return of
}

func (c *counter) terminals() []admin.Terminal {
	c.Helper()
	l, err := admin.OpListTerminals.Do(c.Context(), c.desk, admin.OfShop{Shop: string(c.shop.ID)})
	if err != nil {
		c.Fatal(err)
	}
	return l.Items
}

// TestATerminalIsRemovedUnderARequest: a request that has read the shop before sends its payment all the same, at whatever
// node. Its provider can be asked about it, and it can be given back, for good.
func TestATerminalIsRemovedUnderARequest(t *testing.T) {
	t.Parallel()
	atClock(t, func(c *counter) {
		it := c.remove()
		if l := c.terminals(); len(l) != 0 {
			c.Errorf("still listed: %+v", l)
		}
		_, err := c.app.Simulator.AddScenario(simulator.Scenario{
			Match: simulator.Match{Operation: "payment", Amount: "26.00"}, Effect: simulator.Effect{Fault: simulator.FaultDrop}, Times: 1,
		})
		if err != nil {
			c.Fatal(err)
		}
		paid := c.deposit("26.00", false) // by the shop as it was
		for range 2 {
			c.app.Clock.Advance(25 * time.Hour)
			if err := c.desk.ForgetTerminals(c.Context()); err != nil {
				c.Fatal(err)
			}
		}
		c.app.Engine.InForce()
		stands, err := admin.OpCheckPayment.Do(c.Context(), c.desk, c.act(paid, "").OfPayment)
		if err != nil || stands.State != payment.Completed {
			c.Fatalf("%+v, %v", stands, err)
		}
		back, err := admin.OpRefundPayment.Do(c.Context(), c.desk, admin.RefundPayment{PartlyAct: admin.PartlyAct{Act: c.act(paid, "back")}})
		if err != nil || back.Outcome != admin.Done {
			c.Errorf("given back: %+v, %v", back, err)
		}
		if l := c.terminals(); len(l) != 1 || l[0].ID != it.Terminal || l[0].Removed.IsZero() || l[0].Enabled {
			c.Errorf("listed: %+v", l)
		}
		if _, err := admin.OpUpdateTerminal.Do(c.Context(), c.desk, admin.UpdateTerminal{OfTerminal: it, Settings: `{"timeoutMs":2000}`}); err != nil {
			c.Errorf("its settings cannot be changed: %v", err)
		}
		if _, err := admin.OpSwitchTerminal.Do(c.Context(), c.desk, admin.SwitchTerminal{OfTerminal: it, Enabled: true}); err == nil {
			c.Error("it can be enabled")
		}
	})
}

// TestARemovedTerminalIsErased: its name is free, its notices are unknown at once, and its secrets are gone after a day.
func TestARemovedTerminalIsErased(t *testing.T) {
	t.Parallel()
	atClock(t, func(c *counter) {
		it := c.remove()
		if err := c.app.Engine.Notice(c.Context(), engine.Post{Terminal: it.Terminal}); !errors.Is(err, payment.ErrNotFound) {
			c.Errorf("a notice to it: %v", err)
		}
		if _, err := admin.OpRemoveTerminal.Do(c.Context(), c.desk, it); err == nil {
			c.Error("it is removed twice")
		}
		settings, err := json.Marshal(map[string]string{"url": c.app.SimulatorURL, "apiKey": c.app.Simulator.APIKey()})
		if err != nil {
			c.Fatal(err)
		}
		fresh := admin.CreateTerminal{OfShop: it.OfShop, Name: c.shop.Terminals[0].Name, Connector: "sandbox", Settings: string(settings)}
		if _, err := admin.OpCreateTerminal.Do(c.Context(), c.desk, fresh); err != nil {
			c.Errorf("its name is taken: %v", err)
		}
		kept := func() int {
			c.Helper()
			var s shop.Shop
			err := c.app.DB.View(c.Context(), func(tx *store.Tx) (err error) { s, err = tx.Shops().Get(c.shop.ID); return err })
			if err != nil {
				c.Fatal(err)
			}
			return len(s.Terminals)
		}
		for _, want := range []int{2, 1} {
			if err := c.desk.ForgetTerminals(c.Context()); err != nil {
				c.Fatal(err)
			}
			if got := kept(); got != want {
				c.Errorf("%d terminals are kept, want %d", got, want)
			}
			c.app.Clock.Advance(25 * time.Hour)
		}
	})
}
