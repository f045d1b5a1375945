package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// feedReader is a merchant's program that follows the feed.
type feedReader struct {
	app     *testkit.App
	shop    testkit.Member
	url     string
	dialect string
	written int
}

func newFeedReader(t *testing.T, d *storetest.Database) *feedReader {
	t.Helper()
	app := testkit.New(t, d.Open(), testkit.Options{})
	return &feedReader{app: app, shop: app.NewShop(t, nil), url: app.URL, dialect: "gateway"}
}

// happen writes so many events of one payment, as the engine does.
func (f *feedReader) happen(t testing.TB, count int) []store.Event {
	t.Helper()
	var events []store.Event
	pid, at := f.app.IDs.New()
	for i := range count {
		eid, _ := f.app.IDs.New()
		f.written++
		events = append(events, store.Event{
			Shop: f.shop.ID, ID: eid, Dialect: f.dialect, Payment: payment.ID(pid), Seq: i + 1, Type: "payment.completed",
			ContentType: "application/json", Created: at.Add(time.Duration(i) * time.Millisecond),
			Body: fmt.Sprintf(`{"id":"%s","created":"2030-12-25T10:11:12","paymentType":"DEPOSIT","state":"COMPLETED",`+
				`"amount":%d.10,"currency":"EUR","description":"\u003c é"}`, pid, f.written),
		})
	}
	err := f.app.DB.Update(context.WithoutCancel(t.Context()), func(tx *store.Tx) error {
		for i := range events {
			tx.Events().Insert(&events[i])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

type feedAnswer struct {
	Status  int
	HasMore bool
	Cursor  string
	Result  []struct {
		ID, Type, Created, PaymentID, Cursor string
		Sequence                             int
		Payload                              json.RawMessage
	}
}

func (a feedAnswer) ids() []string {
	var ids []string
	for i := range a.Result {
		ids = append(ids, strings.TrimPrefix(a.Result[i].ID, "evt_"))
	}
	return ids
}

func storedIDs(events ...store.Event) []string {
	var ids []string
	for i := range events {
		ids = append(ids, events[i].ID)
	}
	return ids
}

// get sends one request, holds the answer against our document and returns it.
func (f *feedReader) get(ctx context.Context, t testing.TB, query string) (exchange, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url+"/api/v1/events?"+query, nil)
	if err != nil {
		return exchange{}, err
	}
	r.Header.Set("Authorization", "Bearer "+f.shop.APIKey)
	res, err := f.app.Client.Do(r)
	if err != nil {
		return exchange{}, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end below
	x := exchange{method: http.MethodGet, pattern: "/api/v1/events", status: res.StatusCode, header: res.Header}
	if x.body, err = io.ReadAll(res.Body); err != nil {
		return exchange{}, err
	}
	if f.url == f.app.URL { // another server lacks the frame that adds request ids
		validate(t, "own document", contractFor(t).own, x, true)
	}
	return x, nil
}

func (f *feedReader) read(t testing.TB, query string) feedAnswer {
	t.Helper()
	x, err := f.get(t.Context(), t, query)
	if err != nil {
		t.Fatal(err)
	}
	if x.status != http.StatusOK {
		t.Fatalf("%s: %d\n%s", query, x.status, x.body)
	}
	var a feedAnswer
	if err := json.Unmarshal(x.body, &a); err != nil {
		t.Fatalf("%v\n%s", err, x.body)
	}
	return a
}

func TestEventsComeInPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		f := newFeedReader(t, d)
		empty := f.read(t, "")
		if empty.HasMore || len(empty.Result) > 0 || empty.Cursor == "" {
			t.Errorf("empty feed: %+v", empty)
		}
		events := f.happen(t, 5)
		first := f.read(t, "limit=3&after="+empty.Cursor)
		if diff := cmp.Diff(storedIDs(events[:3]...), first.ids()); diff != "" || !first.HasMore {
			t.Errorf("first page, more %t (-want +got):\n%s", first.HasMore, diff)
		}
		second := f.read(t, "limit=3&after="+first.Cursor)
		if diff := cmp.Diff(storedIDs(events[3:]...), second.ids()); diff != "" || second.HasMore {
			t.Errorf("second page, more %t (-want +got):\n%s", second.HasMore, diff)
		}
		if end := f.read(t, "after="+second.Cursor); len(end.Result) > 0 || end.Cursor != second.Cursor {
			t.Errorf("at the end: %+v", end)
		}
		if again := f.read(t, "unknown=1&after="+first.Result[1].Cursor); len(again.Result) != 3 {
			t.Errorf("after the second event: %v", again.ids())
		}
		got := first.Result[0]
		if string(got.Payload) != events[0].Body {
			t.Errorf("payload\n%s\nwas written\n%s", got.Payload, events[0].Body)
		}
		if got.Type != "payment.completed" || got.Sequence != 1 || got.PaymentID != string(events[0].Payment) ||
			got.Created != events[0].Created.Format("2006-01-02T15:04:05.000-07:00") || got.ID != "evt_"+events[0].ID {
			t.Errorf("first event: %+v", got)
		}
	})
}

func TestEventsFromNowOn(t *testing.T) {
	t.Parallel()
	f := newFeedReader(t, storetest.New(t, store.SQLite))
	f.happen(t, 3)
	now := f.read(t, "after=latest")
	if len(now.Result) > 0 {
		t.Errorf("latest shows %v", now.ids())
	}
	events := f.happen(t, 2)
	if diff := cmp.Diff(storedIDs(events...), f.read(t, "after="+now.Cursor).ids()); diff != "" {
		t.Errorf("since then (-want +got):\n%s", diff)
	}
}

func TestEventsOfOtherDialectsArePassedOver(t *testing.T) {
	t.Parallel()
	f := newFeedReader(t, storetest.New(t, store.SQLite))
	foreign := *f
	foreign.dialect = "another"
	foreign.happen(t, 7)
	own := f.happen(t, 1)
	foreign.happen(t, 7)
	first := f.read(t, "limit=2")
	if diff := cmp.Diff(storedIDs(own...), first.ids()); diff != "" {
		t.Errorf("with pages of two (-want +got):\n%s", diff)
	}
	rest := f.read(t, "limit=2&after="+first.Cursor)
	if len(rest.Result) > 0 || rest.HasMore {
		t.Errorf("after it: %+v", rest)
	}
	own = f.happen(t, 1)
	if diff := cmp.Diff(storedIDs(own...), f.read(t, "after="+rest.Cursor).ids()); diff != "" {
		t.Errorf("the next one (-want +got):\n%s", diff)
	}
}

func TestEventsRefuseWrongQueries(t *testing.T) {
	t.Parallel()
	f := newFeedReader(t, storetest.New(t, store.SQLite))
	f.happen(t, 2)
	good := f.read(t, "").Cursor
	other := *f
	other.shop = f.app.NewShop(t, nil)
	other.happen(t, 3)
	ahead := *f // a database that has seen more of the same shop
	ahead.happen(t, 1)
	for name, tc := range map[string]struct{ query, field, constraint string }{
		"cursor of another shop": {"after=" + other.read(t, "").Cursor, "after", "typeMismatch"},
		"number":                 {"after=1", "after", "typeMismatch"},
		"changed character":      {"after=" + good[:10] + flip(good[10:11]) + good[11:], "after", "typeMismatch"},
		"cut off":                {"after=" + good[:15], "after", "typeMismatch"},
		"longer":                 {"after=" + good + "A", "after", "typeMismatch"},
		"with a line break":      {"after=" + good + "%0A", "after", "typeMismatch"},
		"given twice":            {"after=" + good + "&after=" + good, "after", "typeMismatch"},
		"not UTF-8":              {"after=%ff", "after", "typeMismatch"},
		"latest in capitals":     {"after=LATEST", "after", "typeMismatch"},
		"limit 0":                {"limit=0", "limit", "Min"},
		"limit above 1000":       {"limit=1001", "limit", "Max"},
		"limit no number":        {"limit=ten", "limit", "typeMismatch"},
		"wait below 0":           {"wait=-1", "wait", "Min"},
		"wait above 30":          {"wait=31", "wait", "Max"},
		"wait with a fraction":   {"wait=0.5", "wait", "typeMismatch"},
	} {
		x, err := f.get(t.Context(), t, tc.query)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Message string
			Errors  []struct {
				Field, ObjectName string
				Codes             []string
			}
		}
		decode(t, x.body, &body)
		if x.status != http.StatusBadRequest || len(body.Errors) == 0 || body.Errors[0].Field != tc.field ||
			body.Errors[0].ObjectName != "eventFilter" || body.Errors[0].Codes[0] != tc.constraint+".eventFilter."+tc.field {
			t.Errorf("%s: %d %s", name, x.status, x.body)
		}
	}
	if x, err := f.get(t.Context(), t, "after=%zz"); err != nil || x.status != http.StatusBadRequest {
		t.Errorf("broken escape: %d %v", x.status, err)
	}
}

// TestEventsRefuseCursorsFromTheFuture: a database restored from a backup does not know its newest cursors.
func TestEventsRefuseCursorsFromTheFuture(t *testing.T) {
	t.Parallel()
	f := newFeedReader(t, storetest.New(t, store.SQLite))
	f.happen(t, 2)
	later := newFeedReader(t, storetest.New(t, store.SQLite))
	same := *f.shop.Shop // the same shop in another database
	same.Terminals = nil
	err := later.app.DB.Update(t.Context(), func(tx *store.Tx) error { tx.Shops().Insert(&same); return nil })
	if err != nil {
		t.Fatal(err)
	}
	later.shop.Shop = &same
	later.happen(t, 3)
	end, err := later.app.Records.FeedEnd(t.Context(), same.ID)
	if err != nil || end != 3 {
		t.Fatalf("end %d, %v", end, err)
	}
	x, err := f.get(t.Context(), t, "after="+gateway.CursorAt(same.ID, end))
	if err != nil || x.status != http.StatusBadRequest || !strings.Contains(string(x.body), "typeMismatch.eventFilter.after") {
		t.Errorf("cursor of an event that is gone: %d %v\n%s", x.status, err, x.body)
	}
}

func flip(s string) string {
	if s == "A" {
		return "B"
	}
	return "A"
}

func TestEventsOfAnotherShopAreNotSeen(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		f := newFeedReader(t, d)
		other := *f
		other.shop = f.app.NewShop(t, nil)
		other.happen(t, 3)
		own := f.happen(t, 2)
		if diff := cmp.Diff(storedIDs(own...), f.read(t, "").ids()); diff != "" {
			t.Errorf("own events (-want +got):\n%s", diff)
		}
		f.shop.APIKey = "nonsense"
		if x, err := f.get(t.Context(), t, ""); err != nil || x.status != http.StatusUnauthorized {
			t.Errorf("without a key: %d %v", x.status, err)
		}
	})
}

func TestWaitingReaderWakes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		f := newFeedReader(t, d)
		f.happen(t, 1)
		cursor := f.read(t, "").Cursor
		woken := make(chan feedAnswer)
		go func() { woken <- f.read(t, "wait=30&after="+cursor) }()
		select {
		case a := <-woken:
			t.Fatalf("did not wait: %+v", a)
		case <-time.After(300 * time.Millisecond):
		}
		events := f.happen(t, 1)
		at := time.Now()
		a := <-woken
		if diff := cmp.Diff(storedIDs(events...), a.ids()); diff != "" {
			t.Errorf("woken by (-want +got):\n%s", diff)
		}
		if took := time.Since(at); took > 20*time.Second {
			t.Errorf("woke only after %s", took)
		}
	})
}

func TestWaitingEndsWithItsTime(t *testing.T) {
	t.Parallel()
	f := newFeedReader(t, storetest.New(t, store.SQLite))
	f.happen(t, 1)
	cursor := f.read(t, "").Cursor
	at := time.Now()
	a := f.read(t, "wait=1&after="+cursor)
	if took := time.Since(at); len(a.Result) > 0 || a.Cursor != cursor || took < 900*time.Millisecond || took > 20*time.Second {
		t.Errorf("after %s: %+v", took, a)
	}
}

func TestWaitingEndsWhenTheServerStops(t *testing.T) {
	t.Parallel()
	f := newFeedReader(t, storetest.New(t, store.SQLite))
	stopping := make(chan struct{})
	g := gateway.New(f.app.Engine, f.app.Records, api.NewAuth(f.app.Engine), f.app.Log)
	g.Stopping = stopping
	mux := http.NewServeMux()
	g.Mount(mux)
	server := httptest.NewServer(mux)
	defer server.Close()
	f.url = server.URL
	answered := make(chan feedAnswer)
	go func() { answered <- f.read(t, "wait=30") }()
	for gateway.Waiting(g, f.shop.ID) == 0 {
		time.Sleep(time.Millisecond)
	}
	close(stopping)
	select {
	case a := <-answered:
		if len(a.Result) > 0 || a.Cursor == "" {
			t.Errorf("%+v", a)
		}
	case <-time.After(20 * time.Second):
		t.Error("still waiting")
	}
}

func TestOnlySoManyReadersWait(t *testing.T) {
	t.Parallel()
	f := newFeedReader(t, storetest.New(t, store.SQLite))
	g := gateway.New(f.app.Engine, f.app.Records, api.NewAuth(f.app.Engine), f.app.Log)
	g.Gate = api.NewGate(2, time.Now) // those that wait do not count
	mux := http.NewServeMux()
	g.Mount(mux)
	server := httptest.NewServer(mux)
	defer server.Close()
	f.url = server.URL
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	for n := range gateway.MaxWaiting {
		go func() { _, _ = f.get(ctx, t, url.Values{"wait": {"30"}}.Encode()) }() // ends by leave
		for gateway.Waiting(g, f.shop.ID) <= n {
			time.Sleep(time.Millisecond)
		}
	}
	x, err := f.get(t.Context(), t, "wait=30")
	if err != nil || x.status != http.StatusTooManyRequests || x.header.Get("Retry-After") == "" {
		t.Errorf("one too many: %d %v %s", x.status, err, x.body)
	}
	f.read(t, "")
	leave()
	for gateway.Waiting(g, f.shop.ID) > 0 { // those who left make room
		time.Sleep(time.Millisecond)
	}
}
