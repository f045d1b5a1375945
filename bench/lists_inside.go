package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/store"
)

// inside is the application in this process on a database that no server uses, and next to it a connection of the driver.
type inside struct {
	home     home
	merchant merchant
	install  *app.Installation
	handler  http.Handler
	answer   answer
	pages    *pages
}

func openInside(ctx context.Context, h home, k merchant) (*inside, error) {
	log := slog.New(slog.DiscardHandler)
	i, err := app.Open(ctx, app.Place{
		Config: config.Config{Data: h.data, Database: config.Secret(h.database), Demo: true}, Env: os.Environ(), Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSetup, err)
	}
	in := &inside{home: h, merchant: k, install: i}
	a, err := app.New(i.Config("http://127.0.0.1:1", "bench"))
	if err == nil {
		in.handler = a.Handler(ctx, app.Public{})
		in.pages, err = openPages(ctx, h, k.shop)
	}
	if err != nil {
		return nil, errors.Join(err, i.Close())
	}
	return in, nil
}

func (in *inside) close(ctx context.Context) {
	in.pages.close(ctx)
	_ = in.install.Close() // nothing was written
}

// answer keeps the body of an answer and takes no time.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) { a.status = status }

// Write implements [http.ResponseWriter].
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

// ask has the handler answer.
func (in *inside) ask(ctx context.Context, path string) error {
	r, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, path, http.NoBody)
	if err != nil {
		return err
	}
	r.Header["Authorization"] = []string{"Bearer " + in.merchant.key}
	in.answer.status, in.answer.header = 0, http.Header{}
	in.answer.body.Reset()
	in.handler.ServeHTTP(&in.answer, r)
	return nil
}

// list asks for the first page of so many payments.
func (in *inside) list(ctx context.Context, limit int) error {
	if err := in.ask(ctx, "/api/v1/payments?limit="+strconv.Itoa(limit)); err != nil || in.answer.status == http.StatusOK {
		return err
	}
	return fmt.Errorf("the list answered %d: %.200s", in.answer.status, in.answer.body.Bytes())
}

// holds reports an error where that page does not hold so many payments: to count them takes a part of the time of the page.
func (in *inside) holds(ctx context.Context, limit int) error {
	err := in.list(ctx, limit)
	if n := bytes.Count(in.answer.body.Bytes(), []byte(`"paymentType"`)); err == nil && n != limit {
		err = fmt.Errorf("the list answered with %d payments: %.200s", n, in.answer.body.Bytes())
	}
	return err
}

// onlyKey makes a request that costs its key and is then refused.
func (in *inside) onlyKey(ctx context.Context) error {
	if err := in.ask(ctx, "/api/v1/payments/none"); err != nil || in.answer.status != http.StatusNotFound {
		return fmt.Errorf("a payment that is not there was answered %d: %w", in.answer.status, err)
	}
	return nil
}

// bare reads so many of the newest payments by the driver.
func (in *inside) bare(ctx context.Context, limit int) error {
	n, err := in.pages.read(context.WithoutCancel(ctx), limit, nil)
	if err == nil && n != limit {
		err = fmt.Errorf("the bare query found %d rows", n)
	}
	return err
}

// pages reads pages through a connection of the driver: the columns that a list of the product reads, each as the driver gives it.
type pages struct {
	kind store.Kind
	shop string
	pg   *pgx.Conn
	db   *sql.DB
	stmt map[string]*sql.Stmt
}

func openPages(ctx context.Context, h home, shop string) (*pages, error) {
	q := &pages{kind: h.kind, shop: shop, stmt: map[string]*sql.Stmt{}}
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

// pageFormat is what the product asks for, too.
const pageFormat = `SELECT %s FROM payment p WHERE p.shop_id = $1 ORDER BY p.id DESC LIMIT %d`

// read returns how many rows the first page has. row gets each of them; nil looks at none.
func (q *pages) read(ctx context.Context, limit int, row func([]any) error) (int, error) {
	return q.query(ctx, fmt.Sprintf(pageFormat, q.columns(), limit), row)
}

func (q *pages) columns() string {
	return "p." + strings.Join(store.ListedColumns(), ", p.")
}

func (q *pages) query(ctx context.Context, text string, row func([]any) error) (int, error) {
	if row == nil {
		row = func([]any) error { return nil }
	}
	if q.kind == store.Postgres {
		return q.queryPostgres(ctx, text, row)
	}
	stmt, ok := q.stmt[text]
	if !ok {
		var err error
		if stmt, err = q.db.PrepareContext(ctx, text); err != nil {
			return 0, err
		}
		q.stmt[text] = stmt
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
		if err := row(values); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

func (q *pages) queryPostgres(ctx context.Context, text string, row func([]any) error) (int, error) {
	rows, err := q.pg.Query(ctx, text, q.shop)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		values, err := rows.Values()
		if err == nil {
			err = row(values)
		}
		if err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

// encode writes the columns of a row as a JSON object, the shortest way there is; it tells nothing that a merchant could read.
func encode(to io.Writer, names []string) func([]any) error {
	var b []byte
	return func(values []any) error {
		b = append(b[:0], '{')
		for i, v := range values {
			if v == nil {
				continue
			}
			if len(b) > 1 {
				b = append(b, ',')
			}
			b = append(strconv.AppendQuote(b, names[i]), ':')
			switch v := v.(type) {
			case string:
				b = strconv.AppendQuote(b, v)
			case int64:
				b = strconv.AppendInt(b, v, 10)
			case bool:
				b = strconv.AppendBool(b, v)
			default:
				b = strconv.AppendQuote(b, fmt.Sprint(v))
			}
		}
		_, err := to.Write(append(b, '}', ','))
		return err
	}
}
