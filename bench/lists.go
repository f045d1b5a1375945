package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/store"
)

const (
	pageSize   = 50
	listMark   = 3 // times the bare query
	seedChunk  = 50_000
	listFormat = `SELECT p.* FROM payment p WHERE p.shop_id = $1 AND p.id IN
	(SELECT q.id FROM payment q WHERE q.shop_id = $1 ORDER BY q.id DESC LIMIT %d OFFSET %d) ORDER BY p.id DESC`
)

// measureLists fills a server's database with payments and reads pages of them through the API and by the bare query.
func (l *lab) measureLists(ctx context.Context) error {
	for _, kind := range l.kinds() {
		h, err := l.newHome(ctx, kind)
		if err != nil {
			return err
		}
		if err := l.seed(ctx, h); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		if err := l.listsOn(ctx, h); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

func (l *lab) listsOn(ctx context.Context, h home) error {
	s, err := l.serve(ctx, h)
	if err != nil {
		return err
	}
	defer s.stop()
	c, err := dial(ctx, s.address, time.Now().Add(5*time.Minute))
	if err != nil {
		return err
	}
	defer c.close()
	q, err := openPages(ctx, h, s.ready.ShopID)
	if err != nil {
		return err
	}
	defer q.close(ctx)
	for _, page := range []struct {
		name   string
		offset int
	}{{"first", 0}, {"last", l.opts.payments - pageSize}} {
		api, bare, err := l.comparePages(ctx, c, s.listRequest(pageSize, page.offset), func() (int, error) {
			return q.read(ctx, page.offset)
		})
		if err != nil {
			return fmt.Errorf("%s page: %w", page.name, err)
		}
		line := line{Section: "Lists",
			Name:  fmt.Sprintf("%s page of %d among %d payments, offset %d, median, %s", page.name, pageSize, l.opts.payments, page.offset, title(h.kind)),
			Value: millis(api), Against: "bare query, " + millis(bare), Ratio: float64(api) / float64(bare)}
		l.report.add(line.atMost(listMark))
	}
	return nil
}

// comparePages reads the page in turns through the API and by the bare query, and returns the medians of the times.
func (l *lab) comparePages(ctx context.Context, c *client, r *request, query func() (int, error)) (api, bare time.Duration, err error) {
	var apis, bares []time.Duration
	end := time.Now().Add(2 * l.opts.timing().count)
	for i := 0; i < 5 || i < 2000 && time.Now().Before(end); i++ {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		began := time.Now()
		status, body, err := c.do(r.raw)
		asked := time.Since(began)
		if err != nil {
			return 0, 0, err
		}
		if n := bytes.Count(body, []byte(`"paymentType"`)); status != 200 || n != pageSize {
			return 0, 0, fmt.Errorf("the list answered %d with %d payments: %.200s", status, n, body)
		}
		began = time.Now()
		n, err := query()
		if err != nil || n < pageSize {
			return 0, 0, fmt.Errorf("the bare query found %d rows: %w", n, err)
		}
		if i >= 2 { // after both have prepared their statements
			apis, bares = append(apis, asked), append(bares, time.Since(began))
		}
	}
	return percentile(apis, 50), percentile(bares, 50), nil
}

// pages reads pages through a connection of the driver, every column of every row as the driver gives it.
type pages struct {
	kind store.Kind
	shop string
	pg   *pgx.Conn
	db   *sql.DB
	stmt map[int]*sql.Stmt
}

func openPages(ctx context.Context, h home, shop string) (*pages, error) {
	q := &pages{kind: h.kind, shop: shop, stmt: map[int]*sql.Stmt{}}
	var err error
	if h.kind == store.Postgres {
		q.pg, err = pgx.Connect(ctx, h.database)
		return q, err
	}
	if q.db, err = h.open(); err == nil {
		q.db.SetMaxOpenConns(1)
	}
	return q, err
}

func (q *pages) close(ctx context.Context) {
	if q.pg != nil {
		_ = q.pg.Close(context.WithoutCancel(ctx)) // nothing is lost
		return
	}
	_ = q.db.Close()
}

// read returns how many rows the page has; like the API it asks for one more to see whether more follow.
func (q *pages) read(ctx context.Context, offset int) (int, error) {
	if q.kind == store.Postgres {
		return q.readPostgres(ctx, offset)
	}
	stmt, ok := q.stmt[offset]
	if !ok {
		var err error
		if stmt, err = q.db.PrepareContext(ctx, fmt.Sprintf(listFormat, pageSize+1, offset)); err != nil {
			return 0, err
		}
		q.stmt[offset] = stmt
	}
	rows, err := stmt.QueryContext(ctx, q.shop)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range into {
		into[i] = &values[i]
	}
	n := 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

func (q *pages) readPostgres(ctx context.Context, offset int) (int, error) {
	rows, err := q.pg.Query(ctx, fmt.Sprintf(listFormat, pageSize+1, offset), q.shop)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		if _, err := rows.Values(); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

// seed makes the shop with a server, stops it, and writes copies of a paid payment straight into the database.
func (l *lab) seed(ctx context.Context, h home) error {
	s, err := l.serve(ctx, h)
	if err != nil {
		return err
	}
	_, _, paid, err := l.sampleTraces(ctx, s, h)
	shop := s.ready.ShopID
	s.stop()
	if err != nil {
		return err
	}
	db, err := h.open()
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	before, after := seedStatements(h.kind)
	if err := execAll(ctx, db, before); err != nil {
		return err
	}
	// Two payments are there already. The copies lie in the past, so that the two are the newest.
	text := seedSQL(h.kind, paid.payment.columns)
	base := time.Now().Add(-24 * time.Hour).UnixMicro()
	for done := 0; done < l.opts.payments-2; done += seedChunk {
		last := min(done+seedChunk, l.opts.payments-2)
		if _, err := db.ExecContext(ctx, text, shop, base, done+1, last); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return execAll(ctx, db, after)
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

// seedSQL copies the newest paid payment of shop $1 for every number from $3 to $4, a millisecond and a microsecond
// apart after the instant $2, with ids as the product makes them.
func seedSQL(kind store.Kind, columns []string) string {
	at := "(CAST($2 AS BIGINT) + n.i * 1001)"
	id := "printf('%012x7%03x8%015x', " + at + " / 1000, " + at + " % 1000, n.i)"
	series := "WITH RECURSIVE n(i) AS (SELECT $3 UNION ALL SELECT i + 1 FROM n WHERE i < $4)"
	if kind == store.Postgres {
		id = "lpad(to_hex(" + at + " / 1000), 12, '0') || '7' || lpad(to_hex(" + at + " % 1000), 3, '0') || '8' || lpad(to_hex(n.i), 15, '0')"
		series = "WITH n(i) AS (SELECT generate_series(CAST($3 AS BIGINT), CAST($4 AS BIGINT)))"
	}
	values := make([]string, len(columns))
	for i, column := range columns {
		switch column {
		case "id":
			values[i] = id
		case "reference":
			values[i] = "'order-' || " + id
		case "created", "updated":
			values[i] = at
		default:
			values[i] = "t." + column
		}
	}
	return "INSERT INTO payment (" + strings.Join(columns, ", ") + ") " + series + " SELECT " + strings.Join(values, ", ") +
		" FROM n, (SELECT * FROM payment WHERE shop_id = $1 AND state = 'COMPLETED' ORDER BY id DESC LIMIT 1) t"
}
