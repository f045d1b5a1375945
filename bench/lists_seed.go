package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

const (
	seedChunk  = 50_000
	marksEvery = 1000 // payments lie between two marks
	// The payments of the lists were made over a year that ended a month ago, so that all of it is over, also for those that
	// changed later.
	seedSpan = 365 * 24 * time.Hour
	seedAgo  = 31 * 24 * time.Hour
)

// merchant is whose payments are listed.
type merchant struct {
	shop, key string
	oldest    time.Time     // when the first of the copies was made
	step      time.Duration // between two
}

// at is when the copy with that number, from 0, was made.
func (m merchant) at(n int) time.Time { return m.oldest.Add(time.Duration(n) * m.step) }

// seed makes the shop with a server, stops it, and writes copies of a paid payment straight into the database.
func (l *lab) seed(ctx context.Context, h home) (merchant, error) {
	s, err := l.serve(ctx, h)
	if err != nil {
		return merchant{}, err
	}
	_, _, paid, err := l.sampleTraces(ctx, s, h)
	k := merchant{shop: s.ready.ShopID, key: s.ready.APIKey}
	s.stop()
	if err != nil {
		return k, err
	}
	db, err := h.open()
	if err != nil {
		return k, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	before, after := seedStatements(h.kind)
	if err := execAll(ctx, db, before); err != nil {
		return k, err
	}
	// Two payments are there already. The copies lie in the past, so that the two are the newest.
	copies := l.opts.payments - 2
	k.step = max(seedSpan/time.Duration(copies), time.Millisecond).Truncate(time.Microsecond) + time.Microsecond
	k.oldest = time.Now().Add(-seedAgo - time.Duration(copies)*k.step).Truncate(time.Microsecond)
	began := time.Now()
	text := seedSQL(h.kind, paid.payment.columns)
	for done := 0; done < copies; done += seedChunk {
		if done > 0 && done%(20*seedChunk) == 0 {
			fmt.Fprintf(l.report.live, "%d payments filled in, %s, %s\n", done, title(h.kind), seconds(time.Since(began)))
		}
		if _, err := db.ExecContext(ctx, text, k.shop, k.oldest.UnixMicro(), done, min(done+seedChunk, copies)-1, k.step.Microseconds()); err != nil {
			return k, fmt.Errorf("fill: %w", err)
		}
	}
	return k, execAll(ctx, db, after)
}

// awaitMarks waits until the server has counted the payments, as it does in the background with those of an old database.
func (l *lab) awaitMarks(ctx context.Context, h home, k merchant) error {
	db, err := h.open()
	if err != nil {
		return err
	}
	defer db.Close()
	began := time.Now()
	for counted, without := 0, 1; counted+2*marksEvery < l.opts.payments || without > 0; {
		if pause(ctx, time.Second); ctx.Err() != nil {
			return ctx.Err()
		}
		err := db.QueryRowContext(ctx, `SELECT COALESCE(MAX(m.n), 0), COUNT(*) - (SELECT COUNT(*) FROM payment_histogram h WHERE h.shop_id = $1)
			FROM payment_mark m WHERE m.shop_id = $1 AND m.n > 0`, k.shop).Scan(&counted, &without)
		if err != nil {
			return fmt.Errorf("marks: %w", err)
		}
	}
	l.report.note(fmt.Sprintf("%d payments were counted in the background in %s, %s.", l.opts.payments, seconds(time.Since(began)), title(h.kind)))
	return nil
}

func execAll(ctx context.Context, db *sql.DB, statements []string) error {
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// seedStatements go before and after the filling: it need not survive a crash, but has to be written out before others
// measure, and PostgreSQL needs its vacuum to have come by, as it would have.
func seedStatements(kind store.Kind) (before, after []string) {
	if kind == store.Postgres {
		return nil, []string{"VACUUM (ANALYZE) payment", "CHECKPOINT"}
	}
	return []string{"PRAGMA synchronous=OFF", "PRAGMA cache_size=-65536"}, []string{"PRAGMA wal_checkpoint(TRUNCATE)"}
}

// seedSQL copies the newest paid payment of shop $1 for every number from $3 to $4, so many microseconds apart ($5) after the
// instant $2, with ids as the product makes them. Most change within a second; every tenth does once more within a month.
func seedSQL(kind store.Kind, columns []string) string {
	at := "(CAST($2 AS BIGINT) + n.i * CAST($5 AS BIGINT))"
	id := "printf('%012x7%03x8%015x', " + at + " / 1000, " + at + " % 1000, n.i)"
	series := "WITH RECURSIVE n(i) AS (SELECT $3 UNION ALL SELECT i + 1 FROM n WHERE i < $4)"
	if kind == store.Postgres {
		id = "lpad(to_hex(" + at + " / 1000), 12, '0') || '7' || lpad(to_hex(" + at + " % 1000), 3, '0') || '8' || lpad(to_hex(n.i), 15, '0')"
		series = "WITH n(i) AS (SELECT generate_series(CAST($3 AS BIGINT), CAST($4 AS BIGINT)))"
	}
	updated := at + " + 1000000 + CASE WHEN n.i % 10 = 0 THEN n.i * 7919 % 2592000 * 1000000 ELSE 0 END"
	values := make([]string, len(columns))
	for i, column := range columns {
		switch column {
		case "id":
			values[i] = id
		case "reference":
			values[i] = "'order-' || " + id
		case "created":
			values[i] = at
		case "updated":
			values[i] = updated
		case "listed":
			values[i] = updated + " + 1000000"
		default:
			values[i] = "t." + column
		}
	}
	return "INSERT INTO payment (" + strings.Join(columns, ", ") + ") " + series + " SELECT " + strings.Join(values, ", ") +
		" FROM n, (SELECT * FROM payment WHERE shop_id = $1 AND state = 'COMPLETED' ORDER BY id DESC LIMIT 1) t"
}
