package payment

import "time"

// Limits of a list, from the gateway contract.
const (
	MaxOffset    = 1_000_000
	MaxLimit     = 1000
	DefaultLimit = 50
)

// Filter selects payments of one shop, newest created first. A zero time and an
// empty text do not restrict.
type Filter struct {
	Shop          ShopID
	CreatedFrom   time.Time // created at or after
	CreatedBefore time.Time // created strictly before
	UpdatedFrom   time.Time // last change at or after; compared is an instant at which the change could be read, see store
	UpdatedBefore time.Time // last change strictly before
	Reference     string    // the merchant's reference, exactly
	After         ID        // only those that follow this one in the list, without Offset; there need be no such payment
	Offset        int       // 0..MaxOffset
	Limit         int       // 1..MaxLimit
}
