package store

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// A shop's feed is its events in an order that never changes: positions 1, 2, 3, … without gaps. Events get
// their positions when somebody reads the feed, not when they are written: then every event that can be seen
// is committed, so whatever commits later comes after all that any reader has read.

// ErrBeyondFeed says that no event of the shop ever had the position that is to be read after.
var ErrBeyondFeed = errors.New("position beyond the end of the feed")

// placeBatch is the most events that are given their positions in one transaction.
const placeBatch = 500

// FeedQuery asks for a stretch of a shop's feed.
type FeedQuery struct {
	Shop    payment.ShopID
	Dialect string // only events that this dialect worded
	After   int64  // the position up to which everything was read; 0 for the beginning
	Limit   int    // most events, at least 1
}

// FeedPage is a stretch of a shop's feed.
type FeedPage struct {
	Events []Event // in the order of their positions
	Next   int64   // the position to read after next; it never falls behind FeedQuery.After
	More   bool    // more follows after Next already
}

// ReadFeed returns the next events of a shop and gives positions to those that still need one, as far as this
// page goes. Reading after the Next of the page before, again and again, finds every event of the dialect
// exactly once, those of one payment in the order of their seq, however many processes read and write at the
// time. With nothing new it is one small query. A page can have fewer events than the limit, even none, although
// more follow: those of other dialects count. Errors: ErrBeyondFeed; those of Update.
func (db *DB) ReadFeed(ctx context.Context, q FeedQuery) (FeedPage, error) {
	end := q.After + int64(q.Limit)
	state, err := db.placeEvents(ctx, q.Shop, end)
	if err != nil {
		return FeedPage{}, err
	}
	if q.After > state.last {
		return FeedPage{}, fmt.Errorf("%w: after %d of %d", ErrBeyondFeed, q.After, state.last)
	}
	page := FeedPage{Next: min(state.last, end), More: state.unplaced || state.last > end}
	if q.After == state.last {
		return page, nil
	}
	err = db.kernel.View(ctx, func(t *tx.Tx) (err error) {
		page.Events, err = tx.List(t, scanEvent, sqlFeedEvents, string(q.Shop), q.After, end, q.Dialect)
		return err
	})
	if n := len(page.Events); n > 0 { // others may have placed more meanwhile
		page.Next = max(page.Next, page.Events[n-1].Position)
	}
	return page, err
}

// Positions have no gaps, so a range of them is a page, whatever plan the database makes.
const sqlFeedEvents = `SELECT ` + eventColumns + ` FROM event
	WHERE shop_id = $1 AND position > $2 AND position <= $3 AND dialect = $4 ORDER BY position`

// FeedEnd returns the position after which only events come that were not yet committed when it was called.
func (db *DB) FeedEnd(ctx context.Context, shop payment.ShopID) (int64, error) {
	state, err := db.placeEvents(ctx, shop, math.MaxInt64)
	return state.last, err
}

// feed gives events their positions, and keeps how far that has come: table feed.
type feed struct{ tx *tx.Tx }

// feedState is how far the placing of a shop's events has come.
type feedState struct {
	last     int64 // the newest position given
	unplaced bool  // there are events without one
}

// done reports whether there is a position numbered upTo or no event is left without one.
func (s feedState) done(upTo int64) bool { return !s.unplaced || s.last >= upTo }

// placeEvents gives positions until that is done.
func (db *DB) placeEvents(ctx context.Context, shop payment.ShopID, upTo int64) (feedState, error) {
	for {
		var seen, made feedState
		err := db.kernel.View(ctx, func(t *tx.Tx) (err error) {
			seen, err = feed{t}.state(shop)
			return err
		})
		if err != nil || seen.done(upTo) {
			return seen, err
		}
		err = db.kernel.Update(ctx, func(t *tx.Tx) (err error) {
			made, err = feed{t}.place(shop, placeBatch)
			return err
		})
		switch {
		case errors.Is(err, ErrConflict): // other readers were faster each time: see what they did
		case err != nil:
			return feedState{}, err
		case made.done(upTo):
			return made, nil
		}
	}
}

const sqlFeedState = `SELECT COALESCE((SELECT last FROM feed WHERE shop_id = $1), 0),
	(SELECT COUNT(*) FROM (SELECT 1 FROM event WHERE shop_id = $2 AND position IS NULL
		ORDER BY created, id LIMIT 1) AS unplaced)`

// state is one query, so that both halves are of the same moment.
func (t feed) state(shop payment.ShopID) (feedState, error) {
	return tx.One(t.tx, func(s tx.Scanner) (feedState, error) {
		var state feedState
		var unplaced int64
		err := s.Scan(&state.last, &unplaced)
		state.unplaced = unplaced > 0
		return state, err
	}, sqlFeedState, string(shop), string(shop))
}

const sqlUnplacedEvents = `SELECT id FROM event WHERE shop_id = $1 AND position IS NULL
	ORDER BY created, id LIMIT $2`

const sqlFeedLast = `SELECT last FROM feed WHERE shop_id = $1`

const sqlCreateFeed = `INSERT INTO feed (shop_id, last) VALUES ($1, $2) ON CONFLICT (shop_id) DO NOTHING`

const sqlAdvanceFeed = `UPDATE feed SET last = $1 WHERE shop_id = $2 AND last = $3`

// The condition on position is worded so that no index on unplaced events fits it: PostgreSQL, as long as it knows
// nothing of the table, would walk through all of them instead of taking the one by its key.
const sqlPlaceEvent = `UPDATE event SET position = $1 WHERE shop_id = $2 AND id = $3 AND COALESCE(position, 0) = 0`

// place queues the next positions for at most so many events and returns the state that this makes.
// The row of the feed is what keeps two placers apart: only one can move it on from where both saw it.
func (t feed) place(shop payment.ShopID, most int) (feedState, error) {
	t.tx.LockKey("feed:" + string(shop))
	b := t.tx.Batch()
	// In this order: when the list is empty, last counts all that others have placed.
	ids := tx.ListIn(b, tx.ScanText, sqlUnplacedEvents, string(shop), int64(most))
	found := tx.OneIn(b, tx.ScanInt64, sqlFeedLast, string(shop))
	if err := b.Run(); err != nil {
		return feedState{}, err
	}
	last, err := found.Get()
	state := feedState{last: last + int64(len(*ids)), unplaced: len(*ids) == most}
	switch {
	case len(*ids) == 0:
		return state, nil
	case err != nil:
		t.tx.Guard("feed.create", sqlCreateFeed, string(shop), state.last)
	default:
		t.tx.Guard("feed.advance", sqlAdvanceFeed, state.last, string(shop), last)
	}
	for i, id := range *ids {
		t.tx.Guard("event.place", sqlPlaceEvent, last+int64(i)+1, string(shop), id)
	}
	return state, nil
}
