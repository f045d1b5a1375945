package engine_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// sealAll does the sealing that is due, as the runner would.
func (h *house) sealAll(ctx context.Context) error {
	k := h.Sealing()
	for {
		due, err := k.Due(ctx, allShards(), h.Clock.Now(), 10)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, item := range due {
			for err = job.ErrMore; err == job.ErrMore; { //nolint:errorlint // as it is returned
				err = k.Run(ctx, item)
			}
			if err != nil {
				return err
			}
		}
	}
}

// rotate has a new key seal from now on.
func (h *house) rotate(ctx context.Context) error {
	return h.DB.Update(ctx, func(tx *store.Tx) error {
		keys, err := tx.DataKeys().List()
		if err != nil {
			return err
		}
		next, err := h.DB.Safe().NewKey(rand.Reader, keys[len(keys)-1].Number+1)
		tx.DataKeys().Insert(&next)
		tx.Sealings().Begin()
		return err
	})
}

// secondNode is an engine on another connection to the database, where it can have one, with a safe of its own.
func (h *house) secondNode() *engine.Engine {
	h.t.Helper()
	if h.d.Kind == store.SQLite {
		return h.other(nil)
	}
	db := h.d.Open(func(o *store.Options) { o.Now = h.Clock.Now })
	safe, err := vault.NewSafe(func() (vault.Masters, error) { return vault.ParseMasters(strings.Repeat("5ea1", 16)) }, h.Clock.Now)
	if err == nil {
		err = db.UseSafe(h.t.Context(), safe, rand.Reader, false)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return h.other(func(c *engine.Config) { c.DB = db })
}

// hooks is a merchant's endpoint that checks what is signed.
type hooks struct {
	server     *httptest.Server
	key        atomic.Pointer[string]
	taken, odd atomic.Int64
}

func newHooks(t *testing.T) *hooks {
	h := &hooks{}
	h.server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte(*h.key.Load()))
		mac.Write(body)
		if err != nil || hex.EncodeToString(mac.Sum(nil)) != r.Header.Get("Signature") {
			h.odd.Add(1)
		}
		h.taken.Add(1)
	}))
	t.Cleanup(h.server.Close)
	return h
}

// TestRotationUnderLoadLosesNothing: chains are begun and charged at two nodes, cards are kept and paid with, terminals are used and webhooks are
// signed while the keys are rotated again and again and all is sealed anew.
func TestRotationUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		hooks := newHooks(t)
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.WebhookURL, s.Settings.CardTokens = hooks.server.URL, true })
		hooks.key.Store(&h.shop.SigningKey)
		nodes := []*engine.Engine{h.Engine, h.secondNode()}
		begun, cards := make([][]string, 4), make([]string, 4)
		ctx, stop := context.WithCancel(t.Context())
		var rotating, working sync.WaitGroup
		rotations := 0
		rotating.Go(func() {
			for ctx.Err() == nil {
				if err := h.rotate(t.Context()); err != nil {
					t.Error(err)
					return
				}
				if err := h.sealAll(t.Context()); err != nil {
					t.Error(err)
				}
				rotations++
			}
		})
		for w := range begun {
			working.Go(func() {
				for i := range 6 {
					node := nodes[(w+i)%2]
					c := by(h.newDeposit("10.00", cardApproved), fmt.Sprint("customer", w))
					c.StartRecurring = true
					first, err := node.Create(t.Context(), c)
					if err == nil && first.Payment.State() == payment.Checkout {
						first, err = nodes[(w+i+1)%2].Execute(t.Context(), engine.Execute{Target: h.target(first.Payment.ID)})
					}
					if err != nil || first.Payment.RecurringToken == "" {
						t.Errorf("%d: no chain: %v", i, err)
						return
					}
					begun[w] = append(begun[w], first.Payment.RecurringToken)
					h.charge(nodes[(w+i+1)%2], begun[w][i/2])
					cards[w] = first.Payment.Instrument.CardToken
					h.payBy(nodes[(w+i+1)%2], cards[w])
				}
			})
		}
		working.Wait()
		stop()
		rotating.Wait()
		for range 2 {
			h.Clock.Advance(25 * time.Hour)
			if err := h.sealAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, tokens := range begun {
			for i, token := range tokens {
				h.charge(nodes[i%2], token)
			}
		}
		for i, token := range cards {
			h.payBy(nodes[i%2], token)
		}
		h.onlyNewest()
		if _, err := h.NewDeliverer().Drain(t.Context(), allShards()); err != nil {
			t.Fatal(err)
		}
		if hooks.taken.Load() == 0 || hooks.odd.Load() != 0 {
			t.Errorf("%d webhooks, %d of them not signed as the shop's key does", hooks.taken.Load(), hooks.odd.Load())
		}
		t.Logf("%d rotations, %d webhooks", rotations, hooks.taken.Load())
		h.agree()
	})
}

// charge continues a chain, which has to work.
func (h *house) charge(node *engine.Engine, token string) {
	h.t.Helper()
	o, err := node.Create(h.t.Context(), engine.Create{
		Shop: h.shop, Type: payment.Deposit, Amount: amount("5.00"), Currency: "EUR", RecurringToken: token,
	})
	if err != nil || o.Payment.State() != payment.Completed {
		h.t.Errorf("a chain cannot be continued: %s %s, %v", o.Payment.State(), o.Payment.ErrorCode, err)
	}
}

// payBy sends money to a kept card, which has to work.
func (h *house) payBy(node *engine.Engine, token string) {
	h.t.Helper()
	c := h.newWithdrawal("5.00")
	c.Means = &instrument.SavedCard{Token: token}
	o, err := node.Create(h.t.Context(), c)
	if err != nil || o.Payment.State() != payment.Completed || o.Payment.Instrument.CardToken != token {
		h.t.Errorf("a kept card cannot be used: %s %s, %v", o.Payment.State(), o.Payment.ErrorCode, err)
	}
}

// onlyNewest makes sure that one key is left and everything is sealed by it.
func (h *house) onlyNewest() {
	h.t.Helper()
	err := h.DB.View(h.t.Context(), func(tx *store.Tx) error {
		keys, err := tx.DataKeys().List()
		if err != nil {
			return err
		}
		counts, err := tx.Sealings().Count()
		for _, c := range counts {
			if c.Key != keys[0].ID {
				h.t.Errorf("%d %s are sealed by %q, want %q alone", c.Count, c.Part, c.Key, keys[0].ID)
			}
		}
		if len(keys) != 1 {
			h.t.Errorf("%d keys are left", len(keys))
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// swapCredentials gives each of two chains the ciphertext of the other.
func (h *house) swapCredentials(one, other string) {
	h.t.Helper()
	var chains [2]payment.Chain
	err := h.DB.View(h.t.Context(), func(tx *store.Tx) (err error) {
		if chains[0], err = tx.Chains().Get(h.shop.ID, one); err == nil {
			chains[1], err = tx.Chains().Get(h.shop.ID, other)
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for i, c := range chains {
		h.d.Exec(`UPDATE chain SET credential = $1 WHERE token = $2`, chains[1-i].Credential, c.Token)
	}
}

// TestWhatCannotBeSealedAnewIsHeard: a human is told, nothing is sent for it, and its key is kept.
func TestWhatCannotBeSealedAnewIsHeard(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.listen(nil)
		c := h.newDeposit("10.00", cardApproved)
		c.StartRecurring = true
		token := h.execute(h.create(c).ID).RecurringToken
		other := h.newDeposit("10.00", cardApproved)
		other.StartRecurring = true
		swapped := h.execute(h.create(other).ID).RecurringToken
		before := len(h.Simulator.Ledger())
		h.swapCredentials(token, swapped)
		_, err := h.Engine.Create(t.Context(), engine.Create{
			Shop: h.shop, Type: payment.Deposit, Amount: amount("5.00"), Currency: "EUR", RecurringToken: token,
		})
		if err == nil || len(h.Simulator.Ledger()) != before {
			t.Errorf("charged by another customer's credential: %v", err)
		}
		if err := h.rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if err := h.sealAll(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.Clock.Advance(25 * time.Hour)
		}
		e.heard(alarm.Work, "sealing/chains", "what is sealed cannot be opened, and cannot be sealed anew")
		err = h.DB.View(t.Context(), func(tx *store.Tx) error {
			keys, err := tx.DataKeys().List()
			if len(keys) != 2 {
				t.Errorf("%d keys: one that something needs was removed", len(keys))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		h.swapCredentials(token, swapped) // back: nothing is lost
		h.charge(h.Engine, token)
	})
}
