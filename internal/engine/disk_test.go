package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// mailbox is a merchant's endpoint that takes everything.
type mailbox struct {
	url string
	mu  sync.Mutex
	got map[string]int // by webhook-id
}

func newMailbox(t testing.TB) *mailbox {
	m := &mailbox{got: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.got[r.Header.Get("Webhook-Id")]++
	}))
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}

// counts returns how often each event came, and forgets it.
func (m *mailbox) counts() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := maps.Clone(m.got)
	clear(m.got)
	return was
}

// shopper gives the commands of one story, each under its key, and remembers what it was told.
type shopper struct {
	url  string
	told map[string]payment.Payment // by command

	opened bool // the database once was
}

// shop goes through the story from its beginning, with replays for what is done, and stops at the first
// command that gets no answer. What a merchant was told before has to stay.
func (s *shopper) shop(h *house) error {
	for _, c := range []struct {
		name string
		give func(i engine.Idempotency) (engine.Outcome, error)
	}{
		{"create", func(i engine.Idempotency) (engine.Outcome, error) {
			c := h.newDeposit("10.00", cardApproved)
			c.Idem, c.Means, c.WebhookURL, c.Reference = i, nil, s.url, "of the story"
			return h.Engine.Create(h.t.Context(), c)
		}},
		{"execute", func(i engine.Idempotency) (engine.Outcome, error) {
			return h.Engine.Execute(h.t.Context(), engine.Execute{
				Target: engine.Target{Shop: h.shop, ID: s.told["create"].ID, Idem: i}, Means: cardOf(h.t, cardApproved),
			})
		}},
		{"refund", func(i engine.Idempotency) (engine.Outcome, error) {
			c := h.newRefund(s.told["create"].ID, "4.00")
			c.Idem, c.WebhookURL = i, s.url
			return h.Engine.Create(h.t.Context(), c)
		}},
	} {
		o, err := c.give(key("route of "+c.name, "key", c.name))
		var refusal *payment.Refusal
		switch {
		case errors.As(err, &refusal):
			continue // an earlier command did not get through
		case err != nil:
			return fmt.Errorf("%s: %w", c.name, err)
		}
		before, known := s.told[c.name]
		if known && (before.ID != o.Payment.ID || before.State().Final() && before.State() != o.Payment.State()) {
			h.t.Errorf("%s: told %s %s, later %s %s", c.name, before.ID, before.State(), o.Payment.ID, o.Payment.State())
		}
		s.told[c.name] = o.Payment
	}
	return nil
}

// on is the application as another process would run it on the database, with the same provider.
func (h *house) on(t testing.TB, db *store.DB) *house {
	made := *h
	made.t, made.App = t, h.Beside(t, db)
	return &made
}

func openIn(t testing.TB, dir string, clock *testkit.Clock) (*store.DB, error) {
	return store.Open(t.Context(), store.Options{Dir: dir, Migrate: true, Now: clock.Now, Readers: 2})
}

// sweep makes one call after the other fail under the story of a shopper.
type sweep struct {
	*house
	mail     *mailbox
	prepared []byte // the database before the story, with the shop
}

// TestStorageMayFailAtEveryCall lets the first call to the disk fail, then only the second, and so on until the story
// gets through. Each time the engine has to stop writing at once, and what the disk kept has to be enough for the next
// process: nothing that the merchant was told is lost, and no money moves twice. SLUICE_TEST_DISK_STEP=1 tries every
// call, other numbers every so many.
func TestStorageMayFailAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, call := range []storetest.Call{
		storetest.CallSync, storetest.CallTruncate, storetest.CallRead, storetest.CallWrite, storetest.CallTear,
	} {
		for _, powerCut := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, power cut %t", call, powerCut), func(t *testing.T) {
				t.Parallel()
				step := 1
				if call != storetest.CallSync && call != storetest.CallTruncate {
					step = setting.Number(t, "SLUICE_TEST_DISK_STEP", 11)
				}
				w := newSweep(t)
				nth := 1
				for w.once(t, call, nth, powerCut) {
					nth += step
				}
				t.Logf("the story got through at call %d, one in %d was made to fail", nth, step)
				if nth == 1 {
					t.Error("there was none to fail")
				}
			})
		}
	}
}

func newSweep(t *testing.T) *sweep {
	h := newHouse(t, storetest.New(t, store.SQLite), nil)
	dir := t.TempDir()
	db, err := openIn(t, dir, h.Clock)
	if err != nil {
		t.Fatal(err)
	}
	h.shop = h.on(t, db).NewShop(t, nil).Shop
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	prepared, err := os.ReadFile(filepath.Join(dir, "sluice.db"))
	if err != nil {
		t.Fatal(err)
	}
	return &sweep{house: h, mail: newMailbox(t), prepared: prepared}
}

// once makes the nth call fail and reports whether there was one.
func (w *sweep) once(t *testing.T, call storetest.Call, nth int, powerCut bool) (struck bool) {
	t.Run(fmt.Sprint(nth), func(t *testing.T) {
		dir, again := t.TempDir(), t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "sluice.db"), w.prepared, 0o600); err != nil {
			t.Fatal(err)
		}
		disk := storetest.NewDisk(t, dir)
		disk.FailAt(call, nth)
		s := &shopper{url: w.mail.url, told: map[string]payment.Payment{}}
		start := len(w.Simulator.Ledger())
		err := w.live(t, disk, dir, s)
		var later []string
		if struck, later = disk.Struck(); struck != errors.Is(err, store.ErrBroken) || !struck && err != nil {
			t.Errorf("fault: %t, but the process ends with %v", struck, err)
		}
		if len(later) > 0 && s.opened {
			t.Errorf("after the fault: %s", strings.Join(later, ", "))
		}
		disk.Restart(t, again, powerCut)
		w.recovered(t, again, s, start)
	})
	return struck
}

// live is the life of one process, up to the failure of its storage or the end of the story.
func (w *sweep) live(t *testing.T, disk *storetest.Disk, dir string, s *shopper) error {
	db, err := openIn(t, dir, w.Clock)
	if err != nil {
		return err
	}
	disk.KnownBy(db.Broken())
	s.opened = true // what comes before is the driver's: it may close what it could not open
	h := w.on(t, db)
	if err = s.shop(h); err == nil {
		_, err = h.NewDeliverer().Drain(t.Context(), shards())
	}
	h.Engine.Drain()
	select {
	case <-db.Broken():
		broken := db.Update(t.Context(), func(tx *store.Tx) error { tx.Nodes().Delete("nobody"); return nil })
		if !errors.Is(broken, store.ErrBroken) {
			t.Errorf("a write after the storage failed: %v", broken)
		}
	default:
	}
	return errors.Join(err, db.Close())
}

// recovered is the life of the next process, which has to bring everything to its end.
func (w *sweep) recovered(t *testing.T, dir string, s *shopper, start int) {
	db, err := openIn(t, dir, w.Clock)
	if err != nil {
		t.Fatalf("restart: %v", err)
	}
	h := w.on(t, db)
	for range 2 { // what is open in the first round can be refunded in the second
		if err := s.shop(h); err != nil {
			t.Fatal(err)
		}
		for _, p := range s.told {
			h.settleByClock(p.ID)
		}
	}
	for next := time.Unix(1, 0); !next.IsZero(); {
		w.Clock.Advance(max(0, next.Sub(w.Clock.Now())))
		if next, err = h.NewDeliverer().Drain(t.Context(), shards()); err != nil {
			t.Fatal(err)
		}
	}
	known := h.agreeAlone()
	for _, e := range w.Simulator.Find(simulator.Filter{After: int64(start)}) {
		if !known[paymentOf(e.Reference)] {
			t.Errorf("the ledger has %s for a payment that is not there", e.Type)
		}
	}
	for name, p := range s.told {
		if err := testkit.Audit(t.Context(), db, h.shop.ID, p.ID); err != nil || !known[p.ID] {
			t.Errorf("%s: known %t, %v", name, known[p.ID], err)
		}
	}
	ended := 0
	for id := range known {
		if p := h.get(id); p.State().Final() {
			ended++
		}
	}
	if came := w.mail.counts(); len(came) < ended || ended == 0 {
		t.Errorf("%d payments have ended, but events %v", ended, came)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	storetest.CheckSQLite(t, dir)
}

// shards is all of them.
func shards() []int64 {
	all := make([]int64, 64)
	for i := range all {
		all[i] = int64(i)
	}
	return all
}
