package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/outbox"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// stammer is a dialect that cannot word facts while a test says so.
type stammer struct {
	how atomic.Pointer[func(*outbox.EventContext) error]
}

func (s *stammer) word(t *outbox.EventContext) ([]outbox.Message, error) {
	if how := s.how.Load(); how != nil {
		if err := (*how)(t); err != nil {
			return nil, err
		}
	}
	return chronicler(t)
}

func (s *stammer) set(how func(*outbox.EventContext) error) {
	if how == nil {
		s.how.Store(nil)
		return
	}
	s.how.Store(&how)
}

var errWordless = errors.New("the order document cannot be read")

func wordless(*outbox.EventContext) error { return errWordless }

// plain is a second dialect, which tells of each payment by itself and always can.
func plain(t *outbox.EventContext) ([]outbox.Message, error) {
	body := fmt.Sprintf("%s %s", t.Payment().Type, t.Event().State)
	return []outbox.Message{{Dialect: "plain", Type: "told", ContentType: "text/plain", Body: []byte(body)}}, nil
}

// stammering has the house tell in two dialects, one of which can be made to fail.
func (h *house) stammering() (*stammer, *ear) {
	s := &stammer{}
	return s, h.listen(func(c *engine.Config) {
		c.Render = []outbox.Renderer{{Dialect: "chronicle", OfParent: true, Word: s.word}, {Dialect: "plain", Word: plain}}
	})
}

// feed is what is told in a dialect, as "payment body", in order.
func (h *house) feed(dialect string) (all []store.Event) {
	h.t.Helper()
	page, err := h.DB.ReadFeed(context.WithoutCancel(h.t.Context()), store.FeedQuery{Shop: h.shop.ID, Dialect: dialect, Limit: 1000})
	if err != nil {
		h.t.Fatal(err)
	}
	return page.Events
}

// telltale is what was told in the dialect that stammers, by payment, in the order of the feed, which is that of the
// payment's numbers.
func (h *house) telltale() map[payment.ID][]tale {
	h.t.Helper()
	all, last := map[payment.ID][]tale{}, map[payment.ID]int{}
	for _, e := range h.feed("chronicle") {
		var one tale
		if err := json.Unmarshal([]byte(e.Body), &one); err != nil {
			h.t.Fatal(err)
		}
		all[e.Payment] = append(all[e.Payment], one)
		if e.Seq <= last[e.Payment] {
			h.t.Errorf("payment %s: number %d behind %d", e.Payment, e.Seq, last[e.Payment])
		}
		last[e.Payment] = e.Seq
	}
	return all
}

func (h *house) untold() []store.Untold {
	h.t.Helper()
	var all []store.Untold
	err := h.DB.View(context.WithoutCancel(h.t.Context()), func(tx *store.Tx) (err error) {
		all, err = tx.UntoldFacts().Due(allShards(), h.Clock.Now().Add(1000*time.Hour), 100)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

func allShards() []int64 {
	shards := make([]int64, store.Shards)
	for i := range shards {
		shards[i] = int64(i)
	}
	return shards
}

// tellDue does the work on events that is due.
func (h *house) tellDue() {
	h.t.Helper()
	for _, k := range h.Engine.DueWork("", "").Kinds {
		if k.Name != engine.WorkUntold {
			continue
		}
		items, err := k.Due(h.t.Context(), allShards(), h.Clock.Now(), 100)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, i := range items {
			if err := k.Run(h.t.Context(), i); err != nil {
				h.t.Fatal(err)
			}
		}
	}
}

// TestAnAnswerIsStoredWhateverBecomesOfItsTelling is about each way in which a dialect can fail.
func TestAnAnswerIsStoredWhateverBecomesOfItsTelling(t *testing.T) {
	t.Parallel()
	fails := map[string]func(*outbox.EventContext) error{
		"error": wordless,
		"panic": func(*outbox.EventContext) error { panic("wordless") },
		"panic behind reads": func(t *outbox.EventContext) error {
			_, _ = t.Order()
			attempts := t.Payment().Attempts
			past := len(attempts)
			return fmt.Errorf("%d", attempts[past].Seq)
		},
	}
	onBoth(t, func(t *testing.T, h *house) {
		for name, fail := range fails {
			s, e := h.stammering()
			s.set(fail)
			p := h.create(h.newOrder("order "+name, "one"))
			if p = h.execute(p.ID); p.State() != payment.Completed {
				t.Fatalf("%s: %s", name, p.State())
			}
			subject := string(p.ID) + "/chronicle"
			e.heard(alarm.Event, subject, "an event cannot be put into words and waits")
			if got := h.feed("plain"); len(got) == 0 || got[len(got)-1].Payment != p.ID {
				t.Errorf("%s: the other dialect tells %+v", name, got)
			}
			if len(h.telltale()[p.ID]) != 0 {
				t.Errorf("%s: it was told", name)
			}
			s.set(nil)
			h.Clock.Advance(time.Second)
			h.tellDue()
			want := []tale{{payment.Completed, payment.Pending, 1, false, `{"asked":"one"}`, "", "0"}}
			if diff := cmp.Diff(want, h.telltale()[p.ID]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if p = h.stored(p.ID); p.Untold != 0 || p.Told != 2 || len(h.untold()) != 0 {
				t.Errorf("%s: untold %d, told %d, left %v", name, p.Untold, p.Told, h.untold())
			}
		}
		h.agree()
	})
}

// TestFactsAreToldInOrderAndAsTheyWere: later ones wait behind the one that cannot be worded, and what is told then is
// what would have been told.
func TestFactsAreToldInOrderAndAsTheyWere(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		s, e := h.stammering()
		tell := func(fail bool) payment.ID {
			if fail {
				s.set(wordless)
			}
			c := h.newOrder(fmt.Sprintf("order %t", fail), "one")
			c.PreAuth = true
			p := h.reach(h.execute(h.create(c).ID), payment.Authorized)
			s.set(nil)
			h.effect("capture", p.ID, declinedOnce)
			for _, value := range []string{"9.00", "8.00"} {
				if _, err := h.Engine.Capture(t.Context(), h.say(p.ID, fmt.Sprintf("%t %s", fail, value), "x"), amount(value)); err != nil {
					t.Fatal(err)
				}
			}
			r := h.newRefund(p.ID, "3.00")
			r.Instruction = h.say("", fmt.Sprintf("%t refund", fail), "x").Instruction
			h.create(r)
			return p.ID
		}
		well, ill := tell(false), tell(true)
		if got := len(h.telltale()[ill]); got != 0 {
			t.Fatalf("%d facts have overtaken the first", got)
		}
		h.tellDue() // before its time: nothing
		if n := len(e.open()); n != 1 || h.stored(ill).Untold != 4 {
			t.Errorf("%d alarms, untold %d: %+v", n, h.stored(ill).Untold, e.open())
		}
		s.set(func(t *outbox.EventContext) error { // the third cannot be worded either
			if t.Event().Attempt == 3 {
				return errWordless
			}
			return nil
		})
		h.Clock.Advance(2 * time.Second)
		h.tellDue()
		if got := len(h.telltale()[ill]); got != 2 {
			t.Fatalf("%d facts told", got)
		}
		e.heard(alarm.Event, string(ill)+"/chronicle", "an event cannot be put into words and waits")
		h.create(h.newRefund(ill, "1.00"))
		s.set(nil)
		h.Clock.Advance(time.Minute)
		h.tellDue()
		h.create(h.newRefund(well, "1.00"))
		want, got := h.telltale()[well], h.telltale()[ill]
		for i := range want {
			if want[i].Name != "" && i < len(got) {
				want[i].Name, got[i].Name = "named", "named"
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(want) != 5 {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if h.stored(ill).Untold != 0 || len(h.untold()) != 0 {
			t.Errorf("left: %+v", h.untold())
		}
		// The second dialect tells each in its own order, which the first did not hold up.
		for i, ev := range h.feed("plain") {
			if ev.Seq < 1 {
				t.Errorf("event %d: %+v", i, ev)
			}
		}
		h.agree()
	})
}

// TestWhatCannotBeWordedIsTriedOnAndOn with ever longer waits, in the end once a day, and a human is told twice.
func TestWhatCannotBeWordedIsTriedOnAndOn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		s, e := h.stammering()
		s.set(wordless)
		p := h.deposit("10.00")
		for n := 1; n < 15; n++ {
			left := h.untold()
			if len(left) != 1 || left[0].Fails != n || left[0].Error != errWordless.Error() {
				t.Fatalf("after %d: %+v", n, left)
			}
			h.Clock.Advance(left[0].Due.Sub(h.Clock.Now()))
			h.tellDue()
		}
		if wait := h.untold()[0].Due.Sub(h.Clock.Now()); wait < 19*time.Hour || wait > 25*time.Hour {
			t.Errorf("tried again after %s", wait)
		}
		e.heard(alarm.Event, string(p.ID)+"/chronicle", "an event cannot be put into words and waits")
		e.heard(alarm.Event, string(p.ID)+"/chronicle", "an event still cannot be put into words")
		if n := len(e.open()); n != 2 {
			t.Errorf("%d alarms", n)
		}
	})
}

// TestADatabaseThatIsAwayIsNotWordless: such a fact is not kept for later, the transaction runs again.
func TestADatabaseThatIsAwayIsNotWordless(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		s, e := h.stammering()
		p := h.create(h.newDeposit("10.00", cardApproved))
		s.set(func(*outbox.EventContext) error { panic("not reached") })
		h.hook.set(func(point store.FaultPoint, _ []string) error {
			if point == store.FaultBeforeGroup {
				return errInjected
			}
			return nil
		})
		if _, err := h.Engine.Cancel(t.Context(), h.target(p.ID)); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		h.hook.set(nil)
		if got := h.stored(p.ID); got.State() != payment.Checkout || got.Untold != 0 || len(e.open()) != 0 {
			t.Errorf("%s, untold %d, alarms %+v", got.State(), got.Untold, e.open())
		}
		ctx, cancel := context.WithCancel(t.Context())
		s.set(func(t *outbox.EventContext) error { // the read inside the wording finds the database away
			cancel()
			_, err := t.Order()
			return fmt.Errorf("wordless: %w", err)
		})
		_, err := h.Engine.Cancel(ctx, h.target(p.ID))
		if got := h.stored(p.ID); err == nil && got.State() != payment.Cancelled || err != nil && got.State() != payment.Checkout {
			t.Errorf("%v, and it is %s", err, got.State())
		}
		if len(h.untold()) != 0 {
			t.Errorf("kept: %+v", h.untold())
		}
	})
}

// TestManualUpdatesAndCommandsAreStoredTooWhateverBecomesOfTheirTelling walks the other inputs that tell merchants.
func TestManualUpdatesAndCommandsAreStoredTooWhateverBecomesOfTheirTelling(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		s, _ := h.stammering()
		p := h.stuck(h.newDeposit("35.00", cardApproved))
		paid, held := h.deposit("10.00"), h.hold("11.00")
		s.set(wordless)
		if _, done, err := h.Engine.ManualUpdate(t.Context(), h.update(p.ID, payment.Declined)); err != nil || !done {
			t.Error(done, err)
		}
		if r := h.create(h.newRefund(paid.ID, "4.00")); r.State() != payment.Completed {
			t.Errorf("refund %s", r.State())
		}
		if _, err := h.Engine.Void(t.Context(), h.target(held.ID)); err != nil {
			t.Error(err)
		}
		w := h.create(h.newWithdrawal("12.00"))
		born := h.newWithdrawal("13.00")
		h.create(born)
		checkout := h.create(h.newDeposit("14.00", cardApproved))
		if _, err := h.Engine.Cancel(t.Context(), h.target(checkout.ID)); err != nil {
			t.Error(err)
		}
		waiting := len(h.untold())
		s.set(nil)
		h.Clock.Advance(2 * time.Second)
		h.tellDue()
		if waiting < 6 || len(h.untold()) != 0 {
			t.Errorf("%d waited, %d are left", waiting, len(h.untold()))
		}
		for id, want := range map[payment.ID]int{p.ID: 1, paid.ID: 2, held.ID: 2, w.ID: 1, checkout.ID: 1} {
			if got := len(h.telltale()[id]); got != want {
				t.Errorf("payment %s: told %d times, want %d", id, got, want)
			}
		}
	})
}

// TestFactsAreKeptWhole: what the engine keeps of a payment reads back as it was.
func TestFactsAreKeptWhole(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		s, _ := h.stammering()
		var seen []string
		s.set(func(t *outbox.EventContext) error {
			d, err := t.Deposit()
			if err != nil {
				return err
			}
			own, parent := *t.Payment(), *d
			for i := range own.Attempts {
				own.Attempts[i].Credential = ""
			}
			own.Told, parent.Told, own.Untold, parent.Untold = 0, 0, 0, 0
			text, err := json.Marshal([]any{own, own.State(), parent, parent.State(), t.Event()})
			seen = append(seen, string(text))
			return errors.Join(err, errWordless)
		})
		p := h.hold("10.00")
		if _, err := h.Engine.Capture(t.Context(), h.target(p.ID), amount("9.50")); err != nil {
			t.Fatal(err)
		}
		h.create(h.newRefund(p.ID, "3.00"))
		first := seen
		for n := range first {
			seen = nil
			h.Clock.Advance(time.Hour)
			h.tellDue()
			if len(seen) == 0 || seen[0] != first[n] {
				t.Errorf("fact %d was %s\nand is %v", n, first[n], seen)
			}
			s.forget(t, h, p.ID)
		}
	})
}

// forget drops the fact that is first in line.
func (s *stammer) forget(t *testing.T, h *house, id payment.ID) {
	t.Helper()
	err := h.DB.Update(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.UntoldFacts().Of(h.shop.ID, id)
		if err != nil || len(rows) == 0 {
			return err
		}
		tx.UntoldFacts().Delete(&rows[0])
		if len(rows) > 1 {
			rows[1].Due = h.Clock.Now()
			tx.UntoldFacts().Update(&rows[1])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
