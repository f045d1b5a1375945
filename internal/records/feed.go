package records

import (
	"context"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// The feed as the store keeps it: merchants read the very events that were written.
type (
	// FeedQuery asks for a stretch of a shop's feed.
	FeedQuery = store.FeedQuery
	// FeedPage is a stretch of a shop's feed.
	FeedPage = store.FeedPage
	// FeedEvent is one event in it.
	FeedEvent = store.Event
)

// ErrBeyondFeed is returned by Feed for a position that no event of the shop ever had.
var ErrBeyondFeed = store.ErrBeyondFeed

// Feed returns the next events of a shop in one dialect; see store.DB.ReadFeed. Errors: ErrBeyondFeed;
// engine.ErrUnavailable.
func (r *Records) Feed(ctx context.Context, q FeedQuery) (FeedPage, error) {
	page, err := r.db.ReadFeed(ctx, q)
	return page, known(err)
}

// FeedEnd returns the position after which only events come that were not committed yet.
func (r *Records) FeedEnd(ctx context.Context, shop payment.ShopID) (int64, error) {
	end, err := r.db.FeedEnd(ctx, shop)
	return end, known(err)
}
