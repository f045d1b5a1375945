package flight

import (
	"context"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// Without returns a context in which nothing new is stored that repeats the card's number, until done is called. The
// finder finds it in what a provider says; it is nil where there is no card.
func Without(ctx context.Context, means instrument.Means) (_ context.Context, finder *instrument.Finder, done func()) {
	card := instrument.NumberIn(means)
	if card == nil || card.Number.IsZero() {
		return ctx, nil, func() {}
	}
	finder = card.Number.Finder()
	return store.WithoutCard(ctx, finder), finder, finder.Wipe
}

// Withhold takes what repeats the card's number out of what a provider said: its ids and handles are of no use shortened,
// and a shortened id could be that of another payment with the same card. It reports whether there was any.
func Withhold(number *instrument.Finder, f *payment.Fact, m *payment.Messages) (found bool) {
	if number == nil {
		return false
	}
	brand, country, auth := string(f.Instrument.CardBrand), f.Instrument.CardIssuingCountry, string(f.Auth)
	for _, text := range []*string{
		&f.ProviderRef, &f.RawCode, &f.Credential, &f.Instrument.CustomerAccountNumber, &f.Instrument.CardToken,
		&f.Instrument.CardholderName, &f.Instrument.CardExpiryMonth, &f.Instrument.CardExpiryYear, &brand, &country, &auth,
	} {
		if number.In(*text) {
			*text, found = "", true
		}
	}
	f.Instrument.CardBrand, f.Instrument.CardIssuingCountry, f.Auth = instrument.Brand(brand), country, instrument.Proof(auth)
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
