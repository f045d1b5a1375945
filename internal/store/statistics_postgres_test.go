package store_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestTablesAreLookedAtOnce: a young database is had to look at its tables; a process that begins later has it look only
// at what has grown out of what it knew.
func TestTablesAreLookedAtOnce(t *testing.T) {
	t.Parallel()
	d := storetest.New(t, store.Postgres)
	db := d.Open()
	err := db.Update(t.Context(), func(tx *store.Tx) error { // the server's own housekeeping stays out of it
		tx.Write("test.alter", "ALTER TABLE event SET (autovacuum_enabled = false)")
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	written := 0
	work := func(body string) { // one process
		t.Helper()
		db := d.Open(func(o *store.Options) { o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil)) })
		for range 200 {
			e := fed("p", written+1, feedStart)
			e.Body = body
			insertEvents(t, db, e)
			written++
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	number := func(sql string) int64 {
		t.Helper()
		db := d.Open()
		var n int64
		err := db.View(t.Context(), func(tx *store.Tx) (err error) {
			n, err = store.One(tx, store.ScanInt64, sql)
			return err
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		return n
	}
	looks := func(where string) int64 {
		return number(`SELECT COALESCE(SUM(analyze_count), 0)::bigint FROM pg_stat_user_tables
			WHERE schemaname = current_schema() AND relname ` + where)
	}
	unseen := func() int64 {
		return number(`SELECT COUNT(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND reltuples < 0`)
	}
	until := func(event int64, body string) { // a server in a crowd may refuse; then a later process has to see to it
		for range 20 {
			if work(body); looks("= 'event'") >= event && unseen() == 0 {
				return
			}
		}
	}
	until(1, "{}")
	event, others := looks("= 'event'"), looks("<> 'event'")
	if event != 1 || others < 10 {
		t.Errorf("at first the events were looked at %d times, all others %d times", event, others)
	}
	work("{}") // twice as many: nothing that would change a plan
	if e, o := looks("= 'event'"), looks("<> 'event'"); e != event || o != others {
		t.Errorf("after a restart: %d and %d, want %d and %d as before", e, o, event, others)
	}
	until(event+1, strings.Repeat("x", 1500))
	if e, o := looks("= 'event'"), looks("<> 'event'"); e != event+1 || o != others {
		t.Errorf("after it has grown: %d and %d, want %d and %d", e, o, event+1, others)
	}
}

// TestALookThatFailsIsTakenAgainSoon: what a server refuses in a crowd it does a moment later, and a fresh installation would
// read whole tables until then.
func TestALookThatFailsIsTakenAgainSoon(t *testing.T) {
	t.Parallel()
	d := storetest.New(t, store.Postgres)
	failed := make(chan struct{}, 8)
	db := d.Open(func(o *store.Options) {
		o.Logger = slog.New(hears{slog.DiscardHandler, "statistics of the tables not renewed", failed})
	})
	say := func(sql string) {
		t.Helper()
		if err := db.Update(t.Context(), func(tx *store.Tx) error { tx.Write("test.alter", sql); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	say("ALTER TABLE event SET (autovacuum_enabled = false)")
	say("CREATE STATISTICS broken ON (1 / (length(body) - 2)) FROM event") // looked at only when the table is
	written := 0
	work := func() {
		for range 150 {
			written++
			e := fed("p", written, feedStart)
			e.Body = "{}"
			insertEvents(t, db, e)
		}
	}
	work()
	<-failed
	say("DROP STATISTICS broken")
	work()
	if err := db.Close(); err != nil { // it waits for a look that is under way
		t.Fatal(err)
	}
	db = d.Open()
	var looks int64
	err := db.View(t.Context(), func(tx *store.Tx) (err error) {
		looks, err = store.One(tx, store.ScanInt64, `SELECT COALESCE(SUM(analyze_count), 0)::bigint FROM pg_stat_user_tables
			WHERE schemaname = current_schema() AND relname = 'event'`)
		return err
	})
	if err != nil || looks != 1 {
		t.Errorf("the events were looked at %d times, want once, %v", looks, err)
	}
}

// hears tells of lines of a log.
type hears struct {
	slog.Handler

	text string
	at   chan<- struct{}
}

func (h hears) Enabled(context.Context, slog.Level) bool { return true }

func (h hears) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, h.text) {
		h.at <- struct{}{}
	}
	return nil
}

func (h hears) WithAttrs([]slog.Attr) slog.Handler { return h }
