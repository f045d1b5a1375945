package engine_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/kept"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// keepsCards has a shop keep cards.
func keepsCards(s *shop.Shop) { s.Settings.CardTokens = true }

// onBothKeeping is onBoth with a shop that keeps cards.
func onBothKeeping(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) { fn(t, newHouse(t, d, keepsCards)) })
}

// by names the customer of a payment that is to be made.
func by(c engine.Create, customer string) engine.Create {
	c.Customer = payment.Document(`{"referenceId":"` + customer + `"}`)
	return c
}

// byToken has the payment made with a kept card, and perhaps a code.
func byToken(c engine.Create, token string, with *instrument.Card) engine.Create {
	c.Means = &instrument.SavedCard{Token: token, With: with}
	return c
}

// cards are those of a customer, by token.
func (h *house) cards(customer string) map[string]engine.CardToken {
	h.t.Helper()
	list, err := engine.CardsOf(h.Engine).Of(h.t.Context(), h.shop, customer)
	if err != nil {
		h.t.Fatal(err)
	}
	cards := map[string]engine.CardToken{}
	for _, c := range list {
		cards[c.Token] = c
	}
	return cards
}

// rows counts what is kept, proven or not.
func (h *house) rows() (n int64) {
	h.t.Helper()
	err := h.DB.View(h.t.Context(), func(tx *store.Tx) error {
		keys, err := tx.CardTokens().Due(h.Clock.Now().Add(100*365*24*time.Hour), 1000)
		n = int64(len(keys))
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// TestACardIsKeptUnderAToken: a card that a payment was approved with is there for the next, for its customer and its shop alone, and the
// same card is always the same token.
func TestACardIsKeptUnderAToken(t *testing.T) {
	t.Parallel()
	onBothKeeping(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		born := h.create(by(h.newDeposit("10.00", cardApproved), "anna"))
		if born.Instrument.CardToken != "" || h.rows() != 0 {
			t.Fatalf("kept before it was used: %q", born.Instrument.CardToken)
		}
		paid := h.execute(born.ID)
		token := paid.Instrument.CardToken
		if paid.State() != payment.Completed || len(token) != 32 {
			t.Fatalf("%s, token %q", paid.State(), token)
		}
		card := h.cards("anna")[token]
		if card.Masked != "400000***0408" || card.Holder != "JANE DOE" || card.Month != "12" || card.Brand != instrument.BrandVisa || card.Saved || card.Updated.IsZero() {
			t.Errorf("listed as %+v", card)
		}
		if _, sealed := vault.SealedKey(card.Number); !sealed || strings.Contains(fmt.Sprint(card), cardApproved) {
			t.Errorf("the number stands as %q", card.Number)
		}
		if again := h.execute(h.create(by(h.newDeposit("11.00", cardApproved), "anna")).ID); again.Instrument.CardToken != token || h.rows() != 1 {
			t.Errorf("the same card is %q and %q, %d are kept", token, again.Instrument.CardToken, h.rows())
		}
		if other := h.execute(h.create(by(h.newDeposit("12.00", cardApproved), "berta")).ID); other.Instrument.CardToken == token || other.Instrument.CardToken == "" {
			t.Error("another customer's card has the same token")
		}

		next := h.create(byToken(by(h.newDeposit("13.00", cardApproved), "anna"), token, code(t, "321")))
		if next.Instrument.CardToken != token || next.Instrument.CustomerAccountNumber != "400000***0408" {
			t.Errorf("born with %+v", next.Instrument)
		}
		if next = h.execute(next.ID); next.State() != payment.Completed || next.Instrument.CardToken != token {
			t.Errorf("paid by token: %s %q, %+v", next.State(), next.ErrorCode, next.Instrument)
		}
		if whose := h.execute(h.create(byToken(h.newDeposit("14.00", cardApproved), token, nil)).ID); whose.State() != payment.Completed {
			t.Errorf("without the customer: %s", whose.State())
		}
		out := by(h.newWithdrawal("5.00"), "anna")
		if o, err := h.Engine.Create(ctx, byToken(out, token, nil)); err != nil || o.Payment.State() != payment.Completed || o.Payment.Instrument.CardToken != token {
			t.Errorf("payout by token: %s %v", o.Payment.State(), err)
		}

		for name, c := range map[string]engine.Create{
			"unknown":            byToken(h.newDeposit("15.00", cardApproved), strings.Repeat("a", 32), nil),
			"nonsense":           byToken(h.newDeposit("15.00", cardApproved), "\x00", nil),
			"another customer's": byToken(by(h.newDeposit("15.00", cardApproved), "berta"), token, nil),
		} {
			_, err := h.Engine.Create(ctx, c)
			if refused(t, err, payment.CodeNotFound, "card.cardToken"); t.Failed() {
				t.Fatal(name)
			}
		}
		stranger := byToken(h.newDeposit("15.00", cardApproved), token, nil)
		stranger.Shop = h.NewShop(t, keepsCards).Shop
		_, err := h.Engine.Create(ctx, stranger)
		refused(t, err, payment.CodeNotFound, "card.cardToken")
		h.agreeAlone()
	})
}

// TestNothingIsKeptWithoutBeingWanted: of a shop that has it off, without a customer, and of a card on the page that nobody asked to keep.
func TestNothingIsKeptWithoutBeingWanted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		if p := h.execute(h.create(by(h.newDeposit("10.00", cardApproved), "anna")).ID); p.Instrument.CardToken != "" {
			t.Error("kept where it is off")
		}
		h.shop.Settings.CardTokens = true
		if p := h.execute(h.create(h.newDeposit("11.00", cardApproved)).ID); p.Instrument.CardToken != "" {
			t.Error("kept of nobody")
		}
		page := func(save bool, means instrument.Means) payment.Payment {
			c := by(h.newDeposit("12.00", cardApproved), "anna")
			c.Means = nil
			o, err := h.Engine.Execute(ctx, engine.Execute{Target: h.target(h.create(c).ID), Hosted: true, Method: payment.BasicCard, Means: means, Save: save})
			if err != nil {
				t.Fatal(err)
			}
			return o.Payment
		}
		if p := page(false, cardOf(t, cardApproved)); p.State() != payment.Completed || p.Instrument.CardToken != "" || h.rows() != 0 {
			t.Error("kept of a page that was not asked to")
		}
		saved := page(true, cardOf(t, cardApproved)).Instrument.CardToken
		if card := h.cards("anna")[saved]; saved == "" || !card.Saved {
			t.Errorf("saved on the page: %q, %+v", saved, card)
		}
		if p := page(false, &instrument.SavedCard{Token: saved, With: code(t, "123")}); p.State() != payment.Completed || p.Instrument.CardToken != saved {
			t.Errorf("chosen on the page: %s %q", p.State(), p.Instrument.CardToken)
		}
		h.shop.Settings.CardTokens = false
		_, err := h.Engine.Create(ctx, byToken(h.newDeposit("13.00", cardApproved), saved, nil))
		refused(t, err, payment.CodeNotFound, "card.cardToken")
		h.agree()
	})
}

// TestACardThatWasNotApprovedIsForgotten: nobody can use it or is shown it, and it is gone a day after; one that waits stays until nobody asks
// about it any more, and one that has expired for another while.
func TestACardThatWasNotApprovedIsForgotten(t *testing.T) {
	t.Parallel()
	onBothKeeping(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		forgetter := &kept.Forgetter{DB: h.DB, Now: h.Clock.Now, Log: slog.New(slog.DiscardHandler)}
		forget := func() {
			t.Helper()
			if err := forgetter.Work(ctx, job.Item{}); err != nil {
				t.Fatal(err)
			}
		}
		refusedOne := h.execute(h.create(by(h.newDeposit("10.00", cardDeclined), "anna")).ID)
		away := h.execute(h.create(by(h.newDeposit("11.00", cardChallenge), "anna")).ID)
		if refusedOne.State() != payment.Declined || away.State() != payment.Pending || h.rows() != 2 || len(h.cards("anna")) != 0 {
			t.Fatalf("%s, %s: %d kept, listed %v", refusedOne.State(), away.State(), h.rows(), h.cards("anna"))
		}
		for _, p := range []payment.Payment{refusedOne, away} {
			_, err := h.Engine.Create(ctx, byToken(by(h.newDeposit("12.00", cardApproved), "anna"), p.Instrument.CardToken, nil))
			refused(t, err, payment.CodeNotFound, "card.cardToken")
		}
		paid := h.execute(h.create(by(h.newDeposit("13.00", cardApproved), "anna")).ID)
		if forget(); h.rows() != 3 {
			t.Error("forgotten at once")
		}
		h.Clock.Advance(25 * time.Hour)
		if forget(); h.rows() != 2 {
			t.Errorf("%d are left a day after", h.rows())
		}
		h.Clock.Advance(15 * 24 * time.Hour)
		if forget(); h.rows() != 1 || h.cards("anna")[paid.Instrument.CardToken].Token == "" {
			t.Errorf("%d are left when nobody asks any more", h.rows())
		}
		h.Clock.Advance(5 * 365 * 24 * time.Hour)
		if forget(); h.rows() != 0 {
			t.Error("an expired card is there for ever")
		}
	})
}

// TestACardThatIsApprovedLaterIsKept by whatever tells of it: the customer's return, another node after a crash.
func TestACardThatIsApprovedLaterIsKept(t *testing.T) {
	t.Parallel()
	onBothKeeping(t, func(t *testing.T, h *house) {
		h.scenario("payment", "21.00", simulator.Effect{Fault: simulator.FaultDrop})
		p := h.execute(h.create(by(h.newDeposit("21.00", cardApproved), "anna")).ID)
		if p.State() != payment.Pending || len(h.cards("anna")) != 0 {
			t.Fatalf("%s, %d cards", p.State(), len(h.cards("anna")))
		}
		h.leap()
		elsewhere := h.elsewhere(nil)
		for range 10 {
			var err error
			if p, err = elsewhere.Get(t.Context(), h.shop.ID, p.ID); err != nil {
				t.Fatal(err)
			}
			if p.State() != payment.Pending {
				break
			}
			h.leap()
		}
		if p.State() != payment.Completed || h.cards("anna")[p.Instrument.CardToken].Token == "" {
			t.Errorf("%s: %v", p.State(), h.cards("anna"))
		}
	})
}

// TestANewExpiryIsTheSameToken: a card that was renewed is the same card, good for longer; an old payment does not take that back.
func TestANewExpiryIsTheSameToken(t *testing.T) {
	t.Parallel()
	onBothKeeping(t, func(t *testing.T, h *house) {
		pay := func(value, year string) payment.Payment {
			c := by(h.newDeposit(value, cardApproved), "anna")
			instrument.CardOf(c.Means).ExpiryYear = year
			return h.execute(h.create(c).ID)
		}
		now := h.Clock.Now().Year()
		later, sooner := fmt.Sprint(now+5), fmt.Sprint(now+2)
		token := pay("10.00", sooner).Instrument.CardToken
		if again := pay("11.00", later).Instrument.CardToken; again != token || h.cards("anna")[token].Year != later {
			t.Errorf("renewed: %q and %q, %+v", token, again, h.cards("anna")[token])
		}
		if pay("12.00", sooner); h.cards("anna")[token].Year != later {
			t.Error("an old expiry came back")
		}
		declined := by(h.newDeposit("666.00", cardApproved), "anna")
		instrument.CardOf(declined.Means).ExpiryYear = fmt.Sprint(now + 8)
		h.scenario("payment", "666.00", simulator.Effect{ResponseCode: "05"})
		if p := h.execute(h.create(declined).ID); p.State() != payment.Declined || h.cards("anna")[token].Year != later {
			t.Errorf("%s: an expiry that was refused is kept: %+v", p.State(), h.cards("anna")[token])
		}
		with := &instrument.Card{ExpiryMonth: "11", ExpiryYear: fmt.Sprint(now + 9)}
		if p := h.execute(h.create(byToken(h.newDeposit("14.00", cardApproved), token, with)).ID); p.State() != payment.Completed || h.cards("anna")[token].Month != "11" {
			t.Errorf("given with the token: %s, %+v", p.State(), h.cards("anna")[token])
		}
	})
}

// TestAKeptCardIsDeleted by its shop, for its customer; it is gone at once, for payments that were made and not executed too not.
func TestAKeptCardIsDeleted(t *testing.T) {
	t.Parallel()
	onBothKeeping(t, func(t *testing.T, h *house) {
		ctx, cards := t.Context(), engine.CardsOf(h.Engine)
		token := h.execute(h.create(by(h.newDeposit("10.00", cardApproved), "anna")).ID).Instrument.CardToken
		waits := h.create(byToken(h.newDeposit("11.00", cardApproved), token, nil))
		for _, other := range []string{"berta", "", "\x00"} {
			if _, err := cards.Forget(ctx, h.shop, other, token); !errors.Is(err, engine.ErrNoCard) {
				t.Errorf("deleted by %q: %v", other, err)
			}
		}
		gone, err := cards.Forget(ctx, h.shop, "anna", token)
		if err != nil || gone.Token != token || h.rows() != 0 {
			t.Fatalf("%v, %v, %d left", gone.Token, err, h.rows())
		}
		if _, err := cards.Forget(ctx, h.shop, "anna", token); !errors.Is(err, engine.ErrNoCard) {
			t.Errorf("deleted twice: %v", err)
		}
		_, err = h.Engine.Create(ctx, byToken(h.newDeposit("12.00", cardApproved), token, nil))
		refused(t, err, payment.CodeNotFound, "card.cardToken")
		if p := h.execute(waits.ID); p.State() != payment.Completed || h.rows() != 0 {
			t.Errorf("a payment that had its card already: %s, %d kept", p.State(), h.rows())
		}
	})
}

// TestAServerThatNeverKeepsCards: no number gets to the database, for no time; a card in flight waits in memory.
func TestAServerThatNeverKeepsCards(t *testing.T) {
	t.Parallel()
	onBothKeeping(t, func(t *testing.T, h *house) {
		token := h.execute(h.create(by(h.newDeposit("10.00", cardApproved), "anna")).ID).Instrument.CardToken
		h.Engine.Change(func(c *engine.Config) { c.NeverKeep = true })
		_, err := h.Engine.Create(t.Context(), byToken(h.newDeposit("11.00", cardApproved), token, nil))
		refused(t, err, payment.CodeNotFound, "card.cardToken")
		p := h.create(by(h.newDeposit("12.00", cardApproved), "berta"))
		if h.stored(p.ID).Means != "" {
			t.Error("a card in flight is kept")
		}
		if p = h.execute(p.ID); p.State() != payment.Completed || p.Instrument.CardToken != "" || h.rows() != 1 {
			t.Errorf("%s, token %q, %d kept", p.State(), p.Instrument.CardToken, h.rows())
		}
		h.agree()
	})
}

// TestAKeptCardOfAnotherPlace: a sealed number that was copied into another row does not open there.
func TestAKeptCardOfAnotherPlace(t *testing.T) {
	t.Parallel()
	onBothKeeping(t, func(t *testing.T, h *house) {
		mine := h.execute(h.create(by(h.newDeposit("10.00", cardApproved), "anna")).ID).Instrument.CardToken
		theirs := h.execute(h.create(by(h.newDeposit("11.00", cardApproved), "berta")).ID).Instrument.CardToken
		h.d.Exec(`UPDATE card_token SET number = (SELECT number FROM card_token WHERE token = '` + theirs + `') WHERE token = '` + mine + `'`)
		_, err := h.Engine.Create(t.Context(), byToken(h.newDeposit("12.00", cardApproved), mine, nil))
		refused(t, err, payment.CodeNotFound, "card.cardToken")
	})
}

// TestWhatKeptCardsCost: a shop that has them off pays nothing, one that has them on a write with the order and one with the outcome, in
// transactions that there are anyway, and reads nothing more.
func TestWhatKeptCardsCost(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		flow := func(on bool) (commits int, writes []string, reads int) {
			h.shop.Settings.CardTokens = on
			p := h.create(by(h.newDeposit("10.00", cardApproved), "anna"))
			var mu sync.Mutex
			h.hook.set(func(point store.FaultPoint, names []string) error {
				mu.Lock()
				defer mu.Unlock()
				switch point {
				case store.FaultBeforeCommit:
					commits++
					writes = append(writes, names...)
				case store.FaultRead:
					reads++
				}
				return nil
			})
			h.execute(p.ID)
			h.hook.set(nil)
			mu.Lock()
			defer mu.Unlock()
			return commits, writes, reads
		}
		flow(false) // what is read once is read
		commits, plain, reads := flow(false)
		with, kept, also := flow(true)
		slices.Sort(plain)
		if slices.Sort(kept); with != commits || also != reads {
			t.Errorf("%d commits and %d reads became %d and %d", commits, reads, with, also)
		}
		if want := slices.Sorted(slices.Values(append(slices.Clone(plain), "card_token.prove", "card_token.put"))); !slices.Equal(kept, want) {
			t.Errorf("writes %q became %q", plain, kept)
		}
	})
}
