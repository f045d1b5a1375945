// Package kept keeps cards for the customers of shops that have switched that on, each under a token that is the shop's own. The number
// stands sealed in a row of its own and nowhere else; a security code is never kept. A card is written in the transaction of the intent
// to charge it, so that there is no moment between payment and token, and nobody can use it or is shown it before a payment with it was
// approved.
//
// It decides nothing about a payment, and calls no provider. Read Cards; forget.go takes away what is over its time.
package kept

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

const (
	// unprovenFor is how long a card waits for the outcome of the payment that it came with: until that is asked about no more.
	unprovenFor = job.CheckFor + 24*time.Hour
	// refusedFor is how much longer one is there that was refused: another payment with it may be under way.
	refusedFor = 24 * time.Hour
	// expiredFor is how long an expired card stays, so that its customer may give a new expiry for it.
	expiredFor = 90 * 24 * time.Hour
	// mostListed is how many cards of a customer are listed, the latest.
	mostListed = 100
)

// Cards keeps them. Safe for concurrent use.
type Cards struct {
	DB   *store.DB
	Keys vault.Keyring
	Log  *slog.Logger
	// Never is the mode of a server in which no number of a card is kept.
	Never bool
}

// On reports that cards of the shop's customers may be kept.
func (c Cards) On(s *shop.Shop) bool { return s.Settings.CardTokens && !c.Never }

// Keep writes a card that is about to be charged, and returns its token. Where it is not kept, because the shop has that off, no customer
// is named, the card is no good any more or cannot be sealed, it does nothing.
func (c Cards) Keep(tx *store.Tx, s *shop.Shop, customer payment.Document, card *instrument.Card, saved bool) (token string) {
	if !c.On(s) {
		return ""
	}
	of := Customer(customer)
	ends, ok := ends(card.ExpiryMonth, card.ExpiryYear)
	if !isCustomer(of) || !ok || !tx.Now().Before(ends) {
		return ""
	}
	token = c.Keys.CardToken(string(s.ID), of, card.Number)
	packed := vault.Pack(&instrument.Card{Number: card.Number})
	defer clear(packed)
	number := tx.SealOnly(place(s.ID, token), packed)
	if number == "" {
		return ""
	}
	tx.CardTokens().Put(&store.KeptCard{
		Shop: s.ID, Token: token, Customer: of, Number: number, Masked: card.Number.Mask(), Brand: card.Number.Brand(), Holder: card.Holder,
		Month: card.ExpiryMonth, Year: card.ExpiryYear, Expires: ends, Saved: saved,
	}, tx.Now().Add(unprovenFor))
	return token
}

// Customer is the merchant's id of a customer, or empty.
func Customer(d payment.Document) string {
	var of payment.Customer
	if d.Into(&of) != nil {
		return ""
	}
	return of.ReferenceID
}

// Alias is the name by which apps of banks may know the customer of a payment by the method; empty where there are none, or the shop keeps
// nothing for customers. It is nowhere stored: who knows it are the apps, which the provider lists.
func (c Cards) Alias(s *shop.Shop, p *payment.Payment, m payment.Method) string {
	of := Customer(p.Customer)
	if m.Spec().Means != instrument.KindCode || !s.Settings.CardTokens || !isCustomer(of) {
		return ""
	}
	return c.Keys.Alias(string(s.ID), of)
}

func place(sid shop.ID, token string) vault.Place {
	return vault.Place{Shop: string(sid), ID: token, Kind: vault.KindCard}
}

// Settled has a card that a payment ended with count, or be forgotten.
func Settled(tx *store.Tx, d *payment.Decision) {
	p := &d.Payment
	shown := &p.Instrument
	if shown.CardToken == "" || len(d.Events) == 0 || p.Type == payment.Refund {
		return
	}
	switch p.State() { //nolint:exhaustive // what is open proves nothing yet
	case payment.Authorized, payment.Completed:
		if end, ok := ends(shown.CardExpiryMonth, shown.CardExpiryYear); ok {
			tx.CardTokens().Prove(&store.KeptCard{
				Shop: p.Shop, Token: shown.CardToken, Holder: shown.CardholderName, Month: shown.CardExpiryMonth, Year: shown.CardExpiryYear,
				Expires: end,
			}, end.Add(expiredFor))
		}
	case payment.Declined, payment.Cancelled:
		tx.CardTokens().Doubt(p.Shop, shown.CardToken, tx.Now().Add(refusedFor))
	}
}

// ends is when a card is no good any more: at noon UTC of the first day after its last month, when that is over everywhere on Earth.
func ends(month, year string) (time.Time, bool) {
	m, wrong := strconv.Atoi(month)
	y, also := strconv.Atoi(year)
	if wrong != nil || also != nil || len(month) != 2 || len(year) != 4 || m < 1 || m > 12 {
		return time.Time{}, false
	}
	return time.Date(y, time.Month(m)+1, 1, 12, 0, 0, 0, time.UTC), true
}

// isToken tells texts that can be a token. Others may hold what a database does not take.
func isToken(s string) bool {
	return s != "" && len(s) <= mostToken && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// isCustomer tells texts that can be the id of a customer.
func isCustomer(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= mostCustomer && !strings.ContainsRune(s, 0)
}

// What the merchants' API has for them at most.
const (
	mostToken    = 32
	mostCustomer = 128
)

// ErrUnknown says that there is no such card: of the shop, or of the customer that is named.
var ErrUnknown = errors.New("no such card token")

// Open returns a card that the shop keeps, which the caller wipes, with what came with its token. Where a customer is named it is theirs.
// The error is ErrUnknown, or says that it cannot be opened now.
func (c Cards) Open(tx *store.Tx, s *shop.Shop, customer payment.Document, saved *instrument.SavedCard) (*instrument.Card, error) {
	if !c.On(s) || !isToken(saved.Token) {
		return nil, ErrUnknown
	}
	row, err := tx.CardTokens().Get(s.ID, saved.Token)
	if of := Customer(customer); errors.Is(err, store.ErrNotFound) || err == nil && of != "" && of != row.Customer {
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, err
	}
	packed, err := tx.OpenOnly(place(s.ID, row.Token), row.Number)
	var means instrument.Means
	if err == nil {
		means, _, err = vault.Unpack(packed)
	}
	card := instrument.CardOf(means)
	if err != nil || card == nil {
		c.Log.Error("a kept card cannot be opened", "shop_id", string(s.ID), "card_token", row.Token, "error", err)
		if card == nil && (err == nil || errors.Is(err, vault.ErrSealed)) {
			return nil, ErrUnknown
		}
		return nil, fmt.Errorf("a kept card: %w", err)
	}
	card.Holder, card.ExpiryMonth, card.ExpiryYear = row.Holder, row.Month, row.Year
	if with := saved.With.Clone(); with != nil {
		card.SecurityCode = with.SecurityCode
		if with.Holder != "" {
			card.Holder = with.Holder
		}
		if with.ExpiryMonth != "" && with.ExpiryYear != "" {
			card.ExpiryMonth, card.ExpiryYear = with.ExpiryMonth, with.ExpiryYear
		}
	}
	return card, nil
}

// Of lists the cards of a customer, the one that was changed last first.
func (c Cards) Of(ctx context.Context, s *shop.Shop, customer string) (cards []store.KeptCard, err error) {
	if !isCustomer(customer) {
		return nil, nil
	}
	err = c.DB.View(ctx, func(tx *store.Tx) error {
		cards, err = tx.CardTokens().OfCustomer(s.ID, customer, mostListed)
		return err
	})
	return cards, err
}

// Delete forgets a card of a customer, and returns what it was. The error is ErrUnknown where there is none.
func (c Cards) Delete(ctx context.Context, s *shop.Shop, customer, token string) (card store.KeptCard, err error) {
	if !isCustomer(customer) || !isToken(token) {
		return card, ErrUnknown
	}
	err = c.DB.Update(ctx, func(tx *store.Tx) error {
		found, err := tx.CardTokens().Get(s.ID, token)
		switch {
		case errors.Is(err, store.ErrNotFound) && tx.MaybeCommitted() && card.Token != "":
			return nil // by an earlier run of this
		case errors.Is(err, store.ErrNotFound), err == nil && found.Customer != customer:
			return ErrUnknown
		case err != nil:
			return err
		}
		card = found
		tx.CardTokens().Delete(s.ID, customer, token)
		return nil
	})
	return card, err
}
