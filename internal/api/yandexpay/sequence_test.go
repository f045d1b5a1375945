package yandexpay_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// feed is all that was told in one dialect, in the order of the feed.
func (c *client) feed(t testing.TB, dialect string) []store.Event {
	t.Helper()
	page, err := c.app.DB.ReadFeed(t.Context(), store.FeedQuery{Shop: c.shop.ID, Dialect: dialect, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return page.Events
}

// TestEventsOfTwoAPIsAreNumberedApart: an order that both APIs tell of has events 1, 2, 3 in the feed of each, and what is
// told of its refunds comes in order, though the clocks of the nodes that made them differ by an hour.
func TestEventsOfTwoAPIsAreNumberedApart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, func(s *shop.Shop) {
			s.Settings.YandexPay.CallbackURL, s.Settings.YandexPay.TwoStage = "http://127.0.0.1:9", true
		})
		c.order(t, "A-1")
		c.pay(t, "A-1", approved)
		c.post(t, "/v1/orders/A-1/capture", `{}`)
		for i, ahead := range []time.Duration{time.Hour, -2 * time.Hour, time.Hour, -30 * time.Minute} {
			c.app.Clock.Advance(ahead)
			c.post(t, "/v2/orders/A-1/refund", fmt.Sprintf(`{"refundAmount":"10","externalOperationId":"back-%d"}`, i))
		}
		deposit := c.paymentOf(t, "A-1")
		var told []store.Event // of the deposit, whatever the dialect
		for _, dialect := range []string{"gateway", "yandexpay"} {
			numbers := map[string]int{}
			for _, e := range c.feed(t, dialect) {
				if numbers[string(e.Payment)]++; e.Number != numbers[string(e.Payment)] {
					t.Errorf("%s: event %d of a payment has number %d", dialect, numbers[string(e.Payment)], e.Number)
				}
				if e.Payment == deposit {
					told = append(told, e)
				}
			}
			if n := numbers[string(deposit)]; n < 2 {
				t.Errorf("%s tells %d events of the deposit", dialect, n)
			}
		}
		slices.SortFunc(told, func(a, b store.Event) int { return a.Seq - b.Seq })
		for i := 1; i < len(told); i++ {
			before, e := told[i-1], told[i]
			if e.Seq != i+1 || e.Created.Before(before.Created) || e.Position < before.Position {
				t.Errorf("event %d: seq %d, created %s after %s, at place %d after %d", i, e.Seq, e.Created, before.Created, e.Position, before.Position)
			}
		}
		var last string
		for _, e := range c.feed(t, "yandexpay") {
			var body struct{ EventTime string }
			decode(t, []byte(e.Body), &body)
			if body.EventTime < last {
				t.Errorf("the event at %s follows that at %s", body.EventTime, last)
			}
			last = body.EventTime
		}
		c.shown(t)
	})
}

// shown holds the sequence that merchants see against 1, 2, 3.
func (c *client) shown(t testing.TB) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.app.URL+"/api/v1/events?limit=1000", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.shop.APIKey)
	resp, err := c.app.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var page struct {
		Result []struct {
			PaymentID string
			Sequence  int
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range page.Result {
		if seen[e.PaymentID]++; e.Sequence != seen[e.PaymentID] {
			t.Errorf("sequence %d, want %d", e.Sequence, seen[e.PaymentID])
		}
	}
	if len(seen) < 5 {
		t.Errorf("events of %d payments", len(seen))
	}
}
