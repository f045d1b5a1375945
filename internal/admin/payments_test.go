package admin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
)

// TestErrorsNameWhatWasAskedFor: an update that is not there is no payment that is not there, and a shop is looked for first.
func TestErrorsNameWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	onEach(t, nil, func(c *counter) {
		const none = "01a2259fa9e573288929068074129ec1"
		is, no := string(c.shop.ID), "0123456789abcdef0123456789abcdef"
		of := func(s string) admin.OfPayment { return admin.OfPayment{Shop: s, Payment: none} }
		does := map[string]func(ctx context.Context, s string) error{
			"no payment check": func(ctx context.Context, s string) error {
				_, err := admin.OpCheckPayment.Do(ctx, c.desk, of(s))
				return err
			},
			"no payment update": func(ctx context.Context, s string) error {
				_, err := admin.OpUpdatePayment.Do(ctx, c.desk, admin.UpdatePayment{OfPayment: of(s), State: "DECLINED", Reason: "r", By: "ann"})
				return err
			},
			"no payment stop": func(ctx context.Context, s string) error {
				_, err := admin.OpStopRecurring.Do(ctx, c.desk, of(s))
				return err
			},
			"no payment show": func(ctx context.Context, s string) error {
				_, err := admin.OpShowPayment.Do(ctx, c.desk, admin.ShowPayment{OfPayment: of(s)})
				return err
			},
			"no payment void": func(ctx context.Context, s string) error {
				_, err := admin.OpVoidPayment.Do(ctx, c.desk, admin.Act{OfPayment: of(s), Reason: "r", By: "ann", Key: "k"})
				return err
			},
			"no payment updates": func(ctx context.Context, s string) error {
				_, err := admin.OpListUpdates.Do(ctx, c.desk, admin.ListUpdates{OfShop: admin.OfShop{Shop: s}, Payment: none, Limit: 1})
				return err
			},
			"no update approve": func(ctx context.Context, s string) error {
				_, err := admin.OpApproveUpdate.Do(ctx, c.desk, admin.ApproveUpdate{Shop: s, Update: none, By: "bob"})
				return err
			},
			"no endpoint switch": func(ctx context.Context, s string) error {
				_, err := admin.OpSwitchEndpoint.Do(ctx, c.desk, admin.SwitchEndpoint{Shop: s, Endpoint: none, To: "UP"})
				return err
			},
			"no notice show": func(ctx context.Context, s string) error {
				_, err := admin.OpShowNotice.Do(ctx, c.desk, admin.OfNotice{Shop: s, Terminal: none, Notice: none})
				return err
			},
			"no notice retry": func(ctx context.Context, s string) error {
				_, err := admin.OpRetryNotice.Do(ctx, c.desk, admin.OfNotice{Shop: s, Terminal: none, Notice: none})
				return err
			},
			"no shop alarms": func(ctx context.Context, s string) error {
				if s == is {
					s = no
				}
				_, err := admin.OpListAlarms.Do(ctx, c.desk, admin.ListAlarms{Shop: s, Limit: 1})
				return err
			},
		}
		for name, do := range does {
			what := name[:strings.LastIndex(name, " ")]
			if err := do(c.Context(), is); err == nil || !strings.Contains(err.Error(), what+" \"") {
				c.Errorf("%s: %v", name, err)
			}
			if err := do(c.Context(), no); err == nil || !strings.Contains(err.Error(), `no shop "`+no) {
				c.Errorf("%s of an unknown shop: %v", name, err)
			}
		}
		if _, err := admin.OpAckAlarm.Do(c.Context(), c.desk, admin.AckAlarm{Alarm: none, By: "ann", Note: "n"}); err == nil || !strings.Contains(err.Error(), "no alarm") {
			c.Errorf("%v", err)
		}
	})
}

// TestObsoleteUpdatesDoNotWait: what a second person cannot approve any more says so, and why, in lists and at its payment.
func TestObsoleteUpdatesDoNotWait(t *testing.T) {
	t.Parallel()
	atClock(t, func(c *counter) {
		of := admin.OfShop{Shop: string(c.shop.ID)}
		four := admin.UpdateShop{OfShop: of, Settings: `{"fourEyes":true}`}
		if _, err := admin.OpUpdateShop.Do(c.Context(), c.desk, four); err != nil {
			c.Fatal(err)
		}
		stuck := func(amount string) payment.ID {
			c.Helper()
			_, err := c.app.Simulator.AddScenario(simulator.Scenario{
				Match: simulator.Match{Operation: "payment", Amount: amount}, Effect: simulator.Effect{Fault: simulator.FaultDrop}, Times: 1,
			})
			if err != nil {
				c.Fatal(err)
			}
			return c.deposit(amount, false)
		}
		ask := func(id payment.ID, to payment.State) {
			c.Helper()
			u, err := admin.OpUpdatePayment.Do(c.Context(), c.desk, admin.UpdatePayment{OfPayment: c.act(id, "").OfPayment, State: string(to), Reason: "told so", By: "ann"})
			if err != nil || u.Done {
				c.Fatalf("%+v, %v", u, err)
			}
		}
		settled, open := stuck("31.00"), stuck("32.00")
		ask(settled, payment.Declined)
		ask(open, payment.Declined)
		c.app.Clock.Advance(time.Minute)
		if stands, err := admin.OpCheckPayment.Do(c.Context(), c.desk, c.act(settled, "").OfPayment); err != nil || stands.State != payment.Completed {
			c.Fatalf("%+v, %v", stands, err)
		}
		l, err := admin.OpListUpdates.Do(c.Context(), c.desk, admin.ListUpdates{OfShop: of, Limit: 10})
		if err != nil || len(l.Items) != 2 {
			c.Fatalf("%+v, %v", l, err)
		}
		for _, u := range l.Items {
			if want := u.Payment == settled; want != (u.Obsolete != "") || want && !strings.Contains(u.Obsolete, "COMPLETED") {
				c.Errorf("%+v", u)
			}
			err := func() error {
				_, err := admin.OpApproveUpdate.Do(c.Context(), c.desk, admin.ApproveUpdate{Shop: of.Shop, Update: u.ID, By: "bob"})
				return err
			}()
			if (err != nil) != (u.Obsolete != "") {
				c.Errorf("obsolete %q, approved: %v", u.Obsolete, err)
			}
		}
		for id, want := range map[payment.ID]bool{settled: true, open: false} {
			shown, err := admin.OpShowPayment.Do(c.Context(), c.desk, admin.ShowPayment{OfPayment: c.act(id, "").OfPayment})
			if err != nil || len(shown.ByHand) != 1 || (shown.ByHand[0].Obsolete != "") != want {
				c.Errorf("%+v, %v", shown.ByHand, err)
			}
		}
	})
}
