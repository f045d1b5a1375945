package store

import (
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/plain"
	"github.com/sluicepay/sluice/internal/store/tx"
)

type try = payment.Attempt

// attemptTable are the columns of attempts, but for shop_id and payment_id. A new one is a line here, a field of
// payment.Attempt, and a migration.
var attemptTable = columns[try]{
	number("seq", atBirth, func(a *try) *int { return &a.Seq }),
	key("kind", atBirth, func(a *try) *string { return (*string)(&a.Kind) }),
	key("terminal_id", atBirth, func(a *try) *string { return &a.TerminalID }),
	key("terminal", atBirth, func(a *try) *string { return &a.Terminal }),
	key("key", atBirth, func(a *try) *string { return &a.Key }),
	key("class", always, func(a *try) *string { return (*string)(&a.Class) }),
	sum("amount", atBirth, func(a *try) *money.Amount { return &a.Sent.Amount }),
	key("currency", atBirth, func(a *try) *string { return (*string)(&a.Sent.Currency) }),
	number("op", always, func(a *try) *int { return &a.Op }),
	text("lease_owner", always, func(a *try) *string { return &a.LeaseOwner }),
	instant("lease_until", always, func(a *try) *time.Time { return &a.LeaseUntil }),
	instant("next_check", always, func(a *try) *time.Time { return &a.NextCheck }),
	number("checks", always, func(a *try) *int { return &a.Checks }).bornAs("0"),
	instant("not_found_at", later, func(a *try) *time.Time { return &a.NotFoundAt }),
	text("provider_ref", later, func(a *try) *string { return &a.ProviderRef }),
	// What no other payment may have: the provider's id where the attempt is what a payment is made of.
	{name: "own_ref", when: later, bind: func(_ *tx.Tx, a *try) any {
		if !a.Kind.Main() || a.Reverses != 0 {
			return nil
		}
		return tx.Nullable(a.ProviderRef)
	}},
	text("code", later, func(a *try) *string { return (*string)(&a.Code) }),
	text("raw_code", later, func(a *try) *string { return &a.RawCode }),
	{
		name: "redirect", when: later, read: "%s",
		into: func(_ *try, c *cell) any { return (*plain.Text)(&c.text) },
		take: func(a *try, c *cell) error { return a.Next.UnmarshalText([]byte(c.text)) },
		bind: func(t *tx.Tx, a *try) any { return step(t, &a.Next) },
	},
	flag("redirected", always, func(a *try) *bool { return &a.Redirected }).bornAs("FALSE"),
	flag("returned", always, func(a *try) *bool { return &a.Returned }).bornAs("FALSE"),
	text("credential", later, func(a *try) *string { return &a.Credential }),
	text("auth", later, func(a *try) *string { return (*string)(&a.Auth) }),
	number("reverses", atBirth, func(a *try) *int { return &a.Reverses }),
	flag("reversed", always, func(a *try) *bool { return &a.Reversed }).bornAs("FALSE"),
	instant("started", always, func(a *try) *time.Time { return &a.Started }),
	number("doubts", always, func(a *try) *int { return &a.Doubts }),
	text("rest", atBirth, func(a *try) *string { return (*string)(&a.Rest) }),
}

// Made once of the columns.
var (
	attemptColumns = attemptTable.selected("")
	insertAttempt  = attemptTable.insert("attempt", 2, "shop_id", "payment_id")
	updateAttempt  = attemptTable.update("attempt", 0, "shop_id", "payment_id", "seq")

	scanAttempt = attemptTable.rows(func(a *try, err error) error { return fmt.Errorf("attempt %d: %w", a.Seq, err) }).scan
)

// step is how what the customer has to do is stored.
func step(t *tx.Tx, n *payment.Next) any {
	said, err := n.MarshalText()
	if err != nil {
		t.Fail(err)
		return nil
	}
	return tx.Nullable(string(said))
}
