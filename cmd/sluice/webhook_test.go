package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

const hookURL = "https://merchant.example/hook"

// hookBase is a database with a shop and three events of one payment, the first two given up, the third delivered.
func hookBase(t *testing.T) (*node, *shop.Shop) {
	t.Helper()
	s := &surroundings{ctx: t.Context(), out: io.Discard, err: io.Discard}
	b, err := load(s, config.Flags{Common: config.Common{Data: t.TempDir()}}, app.Make)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	a, err := newNode(b, "")
	if err != nil {
		t.Fatal(err)
	}
	made, key, err := a.Desk.NewShop(admin.CreateShop{Name: "Hooks"})
	if err != nil {
		t.Fatal(err)
	}
	k := store.EndpointKey{Shop: made.ID, ID: store.EndpointID(made.ID, hookURL)}
	inTx(t, a, func(tx *store.Tx) {
		tx.Shops().Insert(made)
		tx.APIKeys().Insert(key.Row)
		for seq := 1; seq <= 3; seq++ {
			tx.Deliveries().Insert(hookEvent(tx, made.ID, seq), hookURL)
		}
	})
	inTx(t, a, func(tx *store.Tx) {
		d := store.Delivery{DeliveryKey: store.DeliveryKey{Payment: hookPayment, Seq: 1}, Rung: 1, Began: tx.Now()}
		tx.Deliveries().Fail(k, &d, tx.Now())
		tx.Deliveries().InsertTry(k, &store.Try{DeliveryKey: d.DeliveryKey, Number: 1, At: tx.Now(), Took: time.Second, Status: 500, Error: "answered 500", Answer: "oops"})
		d.Seq = 2
		tx.Deliveries().Fail(k, &d, tx.Now())
		d.Seq = 3
		tx.Deliveries().Finish(k, []store.Try{{DeliveryKey: d.DeliveryKey, Number: 1, At: tx.Now(), Status: 204}})
	})
	return a, made
}

const hookPayment = payment.ID("0193f0c2a7b17c9e8d4f5a6b7c8d9e0f")

func hookEvent(tx *store.Tx, sid shop.ID, seq int) *store.Event {
	e := &store.Event{
		Shop: sid, ID: fmt.Sprintf("%032x", seq), Dialect: "gateway", Payment: hookPayment, Seq: seq, Type: "payment.completed",
		ContentType: "application/json", Body: "{}", Created: tx.Now().Add(time.Duration(seq) * time.Microsecond),
	}
	tx.Events().Insert(e)
	return e
}

func inTx(t *testing.T, b *node, body func(*store.Tx)) {
	t.Helper()
	if err := b.DB().Update(context.Background(), func(tx *store.Tx) error { body(tx); return nil }); err != nil {
		t.Fatal(err)
	}
}

// perform1 has an operation done as the server would that got it through the socket.
func perform1[A, R any](t *testing.T, a *node, op admin.Operation[A, R], arguments A) (R, error) {
	t.Helper()
	var result R
	raw, err := json.Marshal(arguments)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = op.Answer(t.Context(), a.Desk, raw); err == nil {
		err = json.Unmarshal(raw, &result)
	}
	return result, err
}

func TestWebhookList(t *testing.T) {
	b, s := hookBase(t)
	all := admin.Deliveries{Shop: string(s.ID)}
	for name, c := range map[string]struct {
		edit func(*admin.Deliveries)
		want int
	}{
		"all":             {func(*admin.Deliveries) {}, 3},
		"failed":          {func(c *admin.Deliveries) { c.State = "failed" }, 2},
		"delivered":       {func(c *admin.Deliveries) { c.State = "DELIVERED" }, 1},
		"one event":       {func(c *admin.Deliveries) { c.Event = fmt.Sprintf("evt_%032x", 2) }, 1},
		"other payment":   {func(c *admin.Deliveries) { c.Payment = "x" }, 0},
		"endpoint":        {func(c *admin.Deliveries) { c.Endpoint = store.EndpointID(s.ID, hookURL) }, 3},
		"in the future":   {func(c *admin.Deliveries) { c.Since = "2999-01-01T00:00:00Z" }, 0},
		"before long ago": {func(c *admin.Deliveries) { c.Until = "2001-01-01T00:00:00Z" }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			choice := all
			c.edit(&choice)
			out, err := perform1(t, b, admin.OpListDeliveries, admin.ListDeliveries{Deliveries: choice, Limit: 100})
			if got := len(out.Items); err != nil || got != c.want {
				t.Errorf("%d lines, want %d; error %v\n%v", got, c.want, err, out)
			}
		})
	}
	one := all
	one.Event = fmt.Sprintf("%032x", 1)
	out, err := perform1(t, b, admin.OpListDeliveries, admin.ListDeliveries{Deliveries: one, Limit: 100})
	if err != nil || len(out.Items) != 1 || len(out.Items[0].Log) != 1 || out.Items[0].Log[0].Error != "answered 500" || out.Items[0].Log[0].Answer != "oops" {
		t.Errorf("the tries of an event are not shown: %v\n%v", err, out)
	}
	for _, wrong := range []admin.Deliveries{{Shop: "none"}, {Shop: all.Shop, State: "LOST"}, {Shop: all.Shop, Since: "yesterday"}} {
		if _, err := perform1(t, b, admin.OpListDeliveries, admin.ListDeliveries{Deliveries: wrong, Limit: 100}); err == nil {
			t.Errorf("%+v was accepted", wrong)
		}
	}
}

func TestWebhookResend(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*admin.Deliveries)
		want []int
	}{
		"all that failed":      {func(*admin.Deliveries) {}, []int{1, 2}},
		"one that failed":      {func(c *admin.Deliveries) { c.Event = fmt.Sprintf("evt_%032x", 2) }, []int{2}},
		"one that arrived":     {func(c *admin.Deliveries) { c.Event = fmt.Sprintf("%032x", 3) }, []int{3}},
		"a payment":            {func(c *admin.Deliveries) { c.Payment = string(hookPayment) }, []int{1, 2, 3}},
		"a range without any":  {func(c *admin.Deliveries) { c.Until = "2001-01-01T00:00:00Z" }, nil},
		"a range":              {func(c *admin.Deliveries) { c.Since = "2001-01-01T00:00:00Z" }, []int{1, 2}},
		"all that were posted": {func(c *admin.Deliveries) { c.State = "delivered" }, []int{3}},
	} {
		t.Run(name, func(t *testing.T) {
			b, s := hookBase(t)
			choice := admin.Deliveries{Shop: string(s.ID)}
			c.edit(&choice)
			out, err := perform1(t, b, admin.OpResendDeliveries, choice)
			if err != nil || out.Deliveries != len(c.want) {
				t.Errorf("%v, error %v, want %d", out, err, len(c.want))
			}
			if got := waiting(t, b, s.ID); !slices.Equal(got, c.want) {
				t.Errorf("waiting %v, want %v", got, c.want)
			}
		})
	}
}

// TestWebhookResendKeepsTheOrder: a payment's events are due in their order, however many transactions it takes.
func TestWebhookResendKeepsTheOrder(t *testing.T) {
	b, s := hookBase(t)
	k := store.EndpointKey{Shop: s.ID, ID: store.EndpointID(s.ID, hookURL)}
	const events = admin.ResendBatch + 50
	inTx(t, b, func(tx *store.Tx) {
		for seq := 4; seq <= events; seq++ {
			tx.Deliveries().Insert(hookEvent(tx, s.ID, seq), hookURL)
		}
	})
	inTx(t, b, func(tx *store.Tx) { tx.Deliveries().Abandon(k, tx.Now(), events) })
	if _, err := perform1(t, b, admin.OpResendDeliveries, admin.Deliveries{Shop: string(s.ID)}); err != nil {
		t.Fatal(err)
	}
	err := b.DB().View(t.Context(), func(tx *store.Tx) error {
		found, err := tx.Deliveries().List(store.DeliveryFilter{Shop: s.ID, State: store.DeliveryWaiting, Oldest: true, Limit: 2 * events})
		if len(found) != events-1 { // the third was delivered
			t.Errorf("%d are due", len(found))
		}
		for i := 1; i < len(found); i++ {
			if found[i].Seq <= found[i-1].Seq || found[i].Next.Before(found[i-1].Next) {
				t.Fatalf("event %d is due at %s, event %d at %s", found[i-1].Seq, found[i-1].Next, found[i].Seq, found[i].Next)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func waiting(t *testing.T, b *node, sid shop.ID) []int {
	t.Helper()
	var seqs []int
	err := b.DB().View(t.Context(), func(tx *store.Tx) error {
		found, err := tx.Deliveries().List(store.DeliveryFilter{Shop: sid, State: store.DeliveryWaiting, Limit: 100})
		seqs = nil
		for _, d := range found {
			seqs = append(seqs, d.Seq)
		}
		slices.Sort(seqs)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

func TestWebhookEndpoints(t *testing.T) {
	b, s := hookBase(t)
	eid := store.EndpointID(s.ID, hookURL)
	state := func() store.EndpointState {
		t.Helper()
		out, err := perform1(t, b, admin.OpListEndpoints, admin.OfShop{Shop: string(s.ID)})
		if err != nil || len(out.Items) != 1 || out.Items[0].ID != eid || out.Items[0].URL != hookURL {
			t.Fatalf("error %v\n%v", err, out)
		}
		return out.Items[0].State
	}
	if state() != store.EndpointUp {
		t.Error("not up")
	}
	if _, err := perform1(t, b, admin.OpSwitchEndpoint, admin.SwitchEndpoint{Shop: string(s.ID), Endpoint: eid, To: store.EndpointDisabled}); err != nil {
		t.Error(err)
	}
	if state() != store.EndpointDisabled {
		t.Error("not disabled")
	}
	if _, err := perform1(t, b, admin.OpResendDeliveries, admin.Deliveries{Shop: string(s.ID)}); err == nil || !strings.Contains(err.Error(), "disabled") {
		t.Errorf("resending to a disabled endpoint: error %v", err)
	}
	if _, err := perform1(t, b, admin.OpSwitchEndpoint, admin.SwitchEndpoint{Shop: string(s.ID), Endpoint: "none", To: store.EndpointUp}); err == nil {
		t.Error("an unknown endpoint was enabled")
	}
}

func TestWebhookRotateKey(t *testing.T) {
	b, s := hookBase(t)
	out, err := perform1(t, b, admin.OpRotateKey, admin.RotateKey{Shop: string(s.ID), Overlap: time.Hour})
	if err != nil || len(out.SigningKey) != 32 {
		t.Fatalf("error %v, %v", err, out)
	}
	now, err := b.Engine.Shop(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := now.SigningKeys(time.Now()); !slices.Equal(got, []string{out.SigningKey, s.SigningKey}) {
		t.Errorf("keys in the overlap: %q", got)
	}
	if got := now.SigningKeys(time.Now().Add(2 * time.Hour)); !slices.Equal(got, []string{out.SigningKey}) {
		t.Errorf("keys afterwards: %q", got)
	}
}

func TestTokenKeys(t *testing.T) {
	b, _ := hookBase(t)
	rotate := func(now bool) (kid string, wait time.Duration, err error) {
		t.Helper()
		out, err := perform1(t, b, admin.OpRotateTokenKey, admin.RotateTokenKey{Now: now})
		return out.KID, time.Until(out.SignsFrom), err
	}
	states := func() string {
		t.Helper()
		out, err := perform1(t, b, admin.OpListTokenKeys, admin.Nothing{})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, k := range out.Items {
			all = append(all, k.KID[:1]+k.State)
		}
		return strings.Join(all, " ")
	}
	if got := states(); got != "" {
		t.Errorf("before there is any: %s", got)
	}
	if kid, wait, err := rotate(false); kid != "2-merchant-api" || wait < 23*time.Hour || wait > 24*time.Hour {
		t.Errorf("%s in %s, %v", kid, wait, err)
	}
	if got := states(); got != "1SIGNS 2WAITS" {
		t.Error(got)
	}
	if _, _, err := rotate(false); err == nil || !strings.Contains(err.Error(), "2-merchant-api") {
		t.Errorf("a second one beside one that waits: %v", err)
	}
	if kid, wait, err := rotate(true); kid != "2-merchant-api" || wait > 10*time.Second {
		t.Errorf("%s in %s, %v", kid, wait, err)
	}
	inTx(t, b, func(tx *store.Tx) { tx.SigningKeys().Hasten(2, time.Now().Add(-49*time.Hour)) })
	if got := states(); got != "1OVER 2SIGNS" {
		t.Error(got)
	}
	if kid, _, err := rotate(true); kid != "3-merchant-api" {
		t.Errorf("%s, %v", kid, err)
	}
}

// TestWebhookCommandsParse reads command lines as the program would.
func TestWebhookCommandsParse(t *testing.T) {
	for _, line := range []string{
		"list --shop S", "list --shop S --event evt_1 --limit 5", "resend --shop S", "resend --shop S --since 2030-12-25T10:00:00Z",
		"endpoints --shop S", "enable --shop S E", "disable --shop S E", "rotate-key --shop S --overlap 48h",
		"token-keys", "rotate-token-key", "rotate-token-key --now",
	} {
		p, err := kong.New(&webhookCommands{}, kong.Exit(func(int) {}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Parse(strings.Fields(line)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}
