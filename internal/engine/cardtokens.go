package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/kept"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// CardToken is a card that a shop keeps for a customer.
type CardToken = store.KeptCard

// keptCards are the cards that shops keep.
func keptCards(c Config) kept.Cards {
	return kept.Cards{DB: c.DB, Keys: c.Keys, Log: c.Log, Never: c.NeverKeep}
}

// Cards are the cards that shops keep for their customers. Safe for concurrent use.
type Cards struct{ of *Engine }

// CardsOf are the cards that the engine's payments are made with and leave behind.
func CardsOf(e *Engine) Cards { return Cards{e} }

// On reports that the shop keeps cards for its customers.
func (c Cards) On(s *shop.Shop) bool { return c.of.cards.On(s) }

// Alias is kept.Cards.Alias.
func (c Cards) Alias(s *shop.Shop, p *payment.Payment) string {
	return c.of.cards.Alias(s, p, payment.Blik)
}

// Of lists the cards that the shop keeps for a customer, the one that was changed last first.
func (c Cards) Of(ctx context.Context, s *shop.Shop, customer string) ([]CardToken, error) {
	cards, err := c.of.cards.Of(ctx, s, customer)
	return cards, storeError(err)
}

// Forget forgets a card that the shop keeps for a customer, and returns what it was. The error is ErrNoCard where there is none.
func (c Cards) Forget(ctx context.Context, s *shop.Shop, customer, token string) (CardToken, error) {
	card, err := c.of.cards.Delete(ctx, s, customer, token)
	if errors.Is(err, kept.ErrUnknown) {
		return CardToken{}, ErrNoCard
	}
	return card, storeError(err)
}

// ErrNoCard says that no such card is kept.
var ErrNoCard = errors.New("no such card is kept")

// saved opens a card that is named by its token. The caller wipes it.
func (e *Engine) saved(tx *store.Tx, s *shop.Shop, customer payment.Document, by *instrument.SavedCard) (*instrument.Card, error) {
	card, err := e.cards.Open(tx, s, customer, by)
	switch {
	case errors.Is(err, kept.ErrUnknown):
		return nil, &payment.Refusal{Code: payment.CodeNotFound, Field: "card.cardToken", Detail: "no such card token"}
	case err != nil && !store.Away(err):
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return card, err
}

// opened puts the card in the place of its token, and returns the token; empty where there is none that the shop has given. A failure
// leaves the means as they were.
func (e *Engine) opened(ctx context.Context, c *Create) (token string, err error) {
	if w, ok := c.Means.(*instrument.Wallet); ok {
		return "", e.unwrapNew(ctx, c, w)
	}
	by, ok := c.Means.(*instrument.SavedCard)
	if !ok {
		return "", nil
	}
	var card *instrument.Card
	err = e.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		card.Wipe()
		card, err = e.saved(tx, c.Shop, c.Customer, by)
		return err
	})
	if err != nil {
		return "", storeError(err)
	}
	token, c.Means = by.Token, card
	by.Wipe()
	return token, nil
}

// token is the token of the card that the payment is about to be made with, which is kept where that is wanted: of a card from our page
// where its customer says so, of one from the merchant where its shop does.
func (o *order) token(tx *store.Tx, p *payment.Payment, card *instrument.Card) string {
	given := instrument.CardOf(o.x.Means)
	switch came := given == nil || given.Number.IsZero(); {
	case o.chosen != "":
		return o.chosen
	case came && p.Instrument.CardToken != "":
		return p.Instrument.CardToken
	case o.x.Hosted && !o.x.Save:
		return ""
	}
	customer := p.Customer
	if o.x.Customer != "" {
		customer = o.x.Customer
	}
	return o.e.cards.Keep(tx, o.x.Shop, customer, card, o.x.Hosted)
}
