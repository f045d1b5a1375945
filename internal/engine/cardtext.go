package engine

import (
	"context"
	"errors"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// CardText is returned when a text of a request repeats the number of the card that it is about. Nothing was changed.
type CardText struct {
	// Key reports that it is the idempotency key; else it is one of the texts that are kept.
	Key bool
}

// Error implements error.
func (c *CardText) Error() string {
	if c.Key {
		return "the idempotency key holds the card number"
	}
	return "a text holds the card number"
}

// withoutCard returns a context in which nothing new is stored that repeats the card's number, until done is called. The
// finder finds it in what a provider says; it is nil where there is no card.
func withoutCard(ctx context.Context, means instrument.Means) (_ context.Context, finder *instrument.Finder, done func()) {
	card := instrument.CardOf(means)
	if card == nil || card.Number.IsZero() {
		return ctx, nil, func() {}
	}
	finder = card.Number.Finder()
	return store.WithoutCard(ctx, finder), finder, finder.Wipe
}

// withhold takes what repeats the card's number out of what a provider said: its ids and handles are of no use shortened,
// and a shortened id could be that of another payment with the same card. It reports whether there was any.
func withhold(number *instrument.Finder, f *payment.Fact, m *payment.Messages) (found bool) {
	if number == nil {
		return false
	}
	brand, country := string(f.Instrument.CardBrand), f.Instrument.CardIssuingCountry
	for _, text := range []*string{
		&f.ProviderRef, &f.RawCode, &f.Credential, &f.Instrument.CustomerAccountNumber, &f.Instrument.CardToken,
		&f.Instrument.CardholderName, &f.Instrument.CardExpiryMonth, &f.Instrument.CardExpiryYear, &brand, &country,
	} {
		if number.In(*text) {
			*text, found = "", true
		}
	}
	f.Instrument.CardBrand, f.Instrument.CardIssuingCountry = instrument.Brand(brand), country
	if n := &f.Next; number.In(n.URL) || number.In(n.Form) || number.In(n.Code) {
		*n, found = payment.Next{}, true
	}
	for _, text := range []*string{&m.Outgoing, &m.Incoming} {
		if number.In(*text) {
			*text, found = "[]", true
		}
	}
	return found
}

// cardText is the engine's word for a text that the store refused.
func cardText(err error) error {
	refused := new(store.CardTextError)
	if !errors.As(err, &refused) {
		return err
	}
	return &CardText{Key: refused.Write == store.WriteIdempotency}
}
