package store

import (
	"context"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// CardTextError says that a text which was to be written repeats the number of a card that may be nowhere: see
// [WithoutCard]. Nothing of the transaction was written.
type CardTextError struct {
	// Write is the name of the write, as in [UniqueError].
	Write string
}

// Error names the write.
func (e *CardTextError) Error() string { return e.Write + ": a text repeats the card number" }

// WithoutCard returns a context whose transactions write no new text that repeats the number: an Update that tries fails
// with *[CardTextError]. It is the last check of what an exchange about a card leaves behind, whoever brought the text and
// whichever column it is for. Texts that have been stored before, by a merchant who could not know the card, are written
// again and told as they are: the outcome of a payment must not hang on them. The caller wipes the finder when all transactions
// of the context have ended, and runs no two of them at a time.
func WithoutCard(ctx context.Context, number *instrument.Finder) context.Context {
	return tx.WithCheck(ctx, withoutCard{number})
}

// WithoutCard has the rest of the transaction write no new text that repeats the number, as a context from [WithoutCard] has
// all of them: for a card that the transaction itself has come across. The caller wipes the finder when the transaction has
// ended.
func (t *Tx) WithoutCard(number *instrument.Finder) { t.kernel().SetCheck(withoutCard{number}) }

// retells are the writes that repeat what was stored before, by the beginnings of their names. What is new in a payment.update
// comes from the command, which the engine looks into.
var retells = []string{"payment.update", "reference.free", "event.", "untold.", "delivery.", "endpoint."}

// withoutCard is the kernel's check that no write repeats the number.
type withoutCard struct{ number *instrument.Finder }

// Refuses implements [tx.Check]: it reports an argument of the write that holds the number and may not.
func (c withoutCard) Refuses(write string, args []any) error {
	if slices.ContainsFunc(retells, func(begin string) bool { return strings.HasPrefix(write, begin) }) {
		return nil
	}
	if slices.ContainsFunc(args, func(arg any) bool { return repeats(c.number, arg) }) {
		return &CardTextError{Write: write}
	}
	return nil
}

// repeats reports whether an argument of a write holds the number.
func repeats(number *instrument.Finder, arg any) bool {
	switch v := arg.(type) {
	case string:
		return number.In(v)
	case []byte:
		return number.In(string(v))
	}
	return false
}
