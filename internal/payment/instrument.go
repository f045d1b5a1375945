package payment

import "cmp"

// With returns i completed and overridden by what other knows.
func (i Instrument) With(other Instrument) Instrument {
	return Instrument{
		CustomerAccountNumber: cmp.Or(other.CustomerAccountNumber, i.CustomerAccountNumber),
		CardToken:             cmp.Or(other.CardToken, i.CardToken),
		CardholderName:        cmp.Or(other.CardholderName, i.CardholderName),
		CardExpiryMonth:       cmp.Or(other.CardExpiryMonth, i.CardExpiryMonth),
		CardExpiryYear:        cmp.Or(other.CardExpiryYear, i.CardExpiryYear),
		CardBrand:             cmp.Or(other.CardBrand, i.CardBrand),
		CardIssuingCountry:    cmp.Or(other.CardIssuingCountry, i.CardIssuingCountry),
	}
}

// Clone returns a copy with digits of its own, so that wiping one leaves the other.
// The copy of nil is nil.
func (c *Card) Clone() *Card {
	if c == nil {
		return nil
	}
	copied := *c
	copied.Number.secret, copied.SecurityCode.secret = c.Number.secret.clone(), c.SecurityCode.secret.clone()
	return &copied
}

// clone returns a copy of the secret that is not shared.
func (h hidden[T]) clone() hidden[T] {
	value := *h.value()
	return hide(&value)
}
