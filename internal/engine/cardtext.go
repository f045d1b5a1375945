package engine

import (
	"errors"

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

// cardText is the engine's word for a text that the store refused.
func cardText(err error) error {
	refused := new(store.CardTextError)
	if !errors.As(err, &refused) {
		return err
	}
	return &CardText{Key: refused.Write == store.WriteIdempotency}
}
