package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/records"
	"github.com/sluicepay/sluice/internal/shop"
)

const (
	pathEvents = BasePath + "/events"

	// eventPrefix stands before an event's id wherever a merchant sees it.
	eventPrefix = "evt_"
	// latest, in the place of a cursor, is the end of the feed as it is now.
	latest = "latest"

	defaultEvents = 100
	maxEvents     = 1000
	maxWait       = 30          // seconds
	feedPoll      = time.Second // between two looks of a reader that waits
	maxWaiting    = 16          // readers of one shop that wait at a time
)

// eventQuery is a request for a stretch of the feed.
type eventQuery struct {
	records.FeedQuery
	latest bool
	wait   time.Duration
}

// events answers with the next events of the shop, waiting for the first one if it is asked to.
func (g *Gateway) events(w http.ResponseWriter, r *http.Request, s *shop.Shop) error {
	q, err := bindEvents(r.URL.RawQuery, s.ID)
	if err != nil {
		return err
	}
	q.Dialect = g.Name()
	if q.latest {
		if q.After, err = g.records.FeedEnd(r.Context(), s.ID); err != nil {
			return err
		}
	}
	page, err := g.awaitEvents(r.Context(), q)
	if errors.Is(err, records.ErrBeyondFeed) {
		return &invalid{[]fault{cursorFault()}}
	}
	if err != nil {
		return err
	}
	g.answer(w, http.StatusOK, func(dst []byte) []byte {
		dst = append(appendEnvelope(dst, g.engine.Now(), http.StatusOK), `,"hasMore":`...)
		if page.More {
			dst = append(dst, `true,"cursor":"`...)
		} else {
			dst = append(dst, `false,"cursor":"`...)
		}
		dst = append(append(dst, cursorAt(s.ID, page.Next)...), `","result":[`...)
		for i := range page.Events {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendEvent(dst, &page.Events[i])
		}
		return append(dst, `]}`...)
	})
	return nil
}

// appendEvent writes an event as the feed shows it. Its payload is the body of the webhook, to the byte.
func appendEvent(dst []byte, e *records.FeedEvent) []byte {
	o := newObject(dst)
	o.plain("id", eventPrefix+e.ID)
	o.text("type", e.Type)
	o.Name("created")
	o.Dst = append(appendInstant(append(o.Dst, '"'), e.Created), '"')
	o.plain("paymentId", string(e.Payment))
	o.Integer("sequence", e.Number)
	o.plain("cursor", cursorAt(e.Shop, e.Position))
	o.Name("payload")
	o.Dst = append(o.Dst, e.Body...)
	return o.end()
}

// bindEvents reads the query. Parameters that it does not know are ignored. Errors are errQuery and *invalid.
func bindEvents(rawQuery string, s shop.ID) (eventQuery, error) {
	query, err := parseQuery(rawQuery)
	if err != nil {
		return eventQuery{}, errQuery
	}
	b := filterBinder{query: query}
	q := eventQuery{FeedQuery: records.FeedQuery{Shop: s}}
	text := b.value("after")
	q.latest = text == latest
	if text != "" && !q.latest {
		var ok bool
		if q.After, ok = parseCursor(s, text); !ok {
			b.faults = append(b.faults, cursorFault())
		}
	}
	q.Limit = b.integer("limit", 1, maxEvents, defaultEvents)
	q.wait = time.Duration(b.integer("wait", 0, maxWait, 0)) * time.Second
	if len(b.faults) > 0 {
		return eventQuery{}, &invalid{b.faults}
	}
	return q, nil
}

func cursorFault() fault {
	return newFault("after", mismatch, "must be a cursor from an earlier answer to this shop")
}

// awaitEvents reads until there is an event, the time to wait is over, or the server stops.
func (g *Gateway) awaitEvents(ctx context.Context, q eventQuery) (records.FeedPage, error) {
	page, err := g.nextEvents(ctx, &q)
	if err != nil || len(page.Events) > 0 || q.wait == 0 {
		return page, err
	}
	if !g.waiting.enter(q.Shop) {
		return page, api.ErrBusy
	}
	defer g.waiting.leave(q.Shop)
	g.Gate.Wait(q.Shop) // who waits takes nobody's place
	defer g.Gate.Again(q.Shop)

	end := time.NewTimer(q.wait)
	defer end.Stop()
	look := time.NewTicker(feedPoll)
	defer look.Stop()
	for over := false; !over && err == nil && len(page.Events) == 0; {
		select {
		case <-ctx.Done(): // nobody hears the answer, which need not look like a failure
			return page, nil
		case <-g.Stopping:
			return page, nil
		case <-end.C:
			over = true
		case <-look.C:
		}
		page, err = g.nextEvents(ctx, &q)
	}
	return page, err
}

// nextEvents reads on, over what other dialects were told, to the first events of this one or to the end.
func (g *Gateway) nextEvents(ctx context.Context, q *eventQuery) (records.FeedPage, error) {
	for {
		page, err := g.records.Feed(ctx, q.FeedQuery)
		if err != nil || len(page.Events) > 0 || !page.More {
			q.After = max(q.After, page.Next)
			return page, err
		}
		q.After = page.Next
	}
}

// waiters counts the readers of each shop that wait for events.
type waiters struct {
	mu    sync.Mutex
	shops map[shop.ID]int
}

// enter reports whether there is room for one more of the shop; leave must follow if so.
func (w *waiters) enter(s shop.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shops[s] >= maxWaiting {
		return false
	}
	if w.shops == nil {
		w.shops = make(map[shop.ID]int)
	}
	w.shops[s]++
	return true
}

func (w *waiters) leave(s shop.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shops[s]--; w.shops[s] == 0 {
		delete(w.shops, s)
	}
}

// A cursor is a position and a check that the position was given to this shop, as 16 characters. Merchants keep
// cursors, so the form must stay readable for ever. The check guards against mix-ups: it is no secret.
const (
	cursorPosition = 8 // bytes
	cursorCheck    = 4
)

func cursorAt(s shop.ID, position int64) string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(position))
	sum := sha256.Sum256(append([]byte(s), raw...))
	return base64.RawURLEncoding.EncodeToString(append(raw, sum[:cursorCheck]...))
}

func parseCursor(s shop.ID, text string) (int64, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != cursorPosition+cursorCheck {
		return 0, false
	}
	position := int64(binary.BigEndian.Uint64(raw))
	return position, position >= 0 && cursorAt(s, position) == text
}
