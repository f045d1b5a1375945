package store_test

import (
	"errors"
	"fmt"
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
		db := d.Open()
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
	looks := func(where string) int64 {
		t.Helper()
		db := d.Open()
		var n int64
		err := db.View(t.Context(), func(tx *store.Tx) (err error) {
			n, err = store.One(tx, store.ScanInt64, fmt.Sprintf(`SELECT COALESCE(SUM(analyze_count), 0)::bigint FROM pg_stat_user_tables
				WHERE schemaname = current_schema() AND relname %s`, where))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		return n
	}
	work("{}")
	event, others := looks("= 'event'"), looks("<> 'event'")
	if event != 1 || others < 10 {
		t.Errorf("at first the events were looked at %d times, all others %d times", event, others)
	}
	work("{}") // twice as many: nothing that would change a plan
	if e, o := looks("= 'event'"), looks("<> 'event'"); e != event || o != others {
		t.Errorf("after a restart: %d and %d, want %d and %d as before", e, o, event, others)
	}
	work(strings.Repeat("x", 1500))
	if e, o := looks("= 'event'"), looks("<> 'event'"); e != event+1 || o != others {
		t.Errorf("after it has grown: %d and %d, want %d and %d", e, o, event+1, others)
	}
}
