package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// slot stands for the id of the unit that is written, with a text around it.
type slot struct{ before, after string }

// instant stands for the unit's instant, so many microseconds later.
type instant struct{ plus int64 }

// stmt is a statement with ? for each argument: a plain value, a slot or an instant.
type stmt struct {
	text string
	args []any
}

// set is what one transaction of the engine writes, job all transactions of one unit in their order.
type (
	set []stmt
	job []set
)

// unit is one payment to be written.
type unit struct {
	id string
	at int64 // microseconds
}

// numbered is the text with $1, $2, … for its arguments.
func (s stmt) numbered() string {
	return s.render(func(i int) string { return "$" + strconv.Itoa(i+1) })
}

func (s stmt) render(arg func(i int) string) string {
	parts := strings.Split(s.text, "?")
	var b strings.Builder
	b.WriteString(parts[0])
	for i, part := range parts[1:] {
		b.WriteString(arg(i))
		b.WriteString(part)
	}
	return b.String()
}

// fill returns the arguments for one unit.
func (s stmt) fill(u unit) []any {
	filled := make([]any, len(s.args))
	for i, arg := range s.args {
		switch arg := arg.(type) {
		case slot:
			filled[i] = arg.before + u.id + arg.after
		case instant:
			filled[i] = u.at + arg.plus
		default:
			filled[i] = arg
		}
	}
	return filled
}

// row is a row of the real schema as the server has written it.
type row struct {
	columns []string
	values  []any
}

func (r row) insert(table string) stmt {
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(r.columns)), ", ")
	return stmt{"INSERT INTO " + table + " (" + strings.Join(r.columns, ", ") + ") VALUES (" + marks + ")", r.values}
}

// get returns the value of a column; nil for one that is not there, which the database then refuses.
func (r row) get(column string) any {
	if at := slices.Index(r.columns, column); at >= 0 {
		return r.values[at]
	}
	return nil
}

// with returns the row with other values in some columns.
func (r row) with(changes map[string]any) row {
	changed := row{r.columns, slices.Clone(r.values)}
	for i, column := range r.columns {
		if value, ok := changes[column]; ok {
			changed.values[i] = value
		}
	}
	return changed
}

// update sets columns to the row's values where all of the keys fit.
func (r row) update(table string, columns []string, keys ...string) stmt {
	s := stmt{text: "UPDATE " + table + " SET "}
	for i, column := range columns {
		if i > 0 {
			s.text += ", "
		}
		s.text += column + " = ?"
		s.args = append(s.args, r.get(column))
	}
	for i, key := range keys {
		s.text += []string{" WHERE ", " AND "}[min(i, 1)] + key + " = ?"
		s.args = append(s.args, r.get(key))
	}
	return s
}

// trace is everything that the database holds about one payment.
type trace struct {
	payment    row
	operations []row // oldest first
	attempts   []row
	events     []row
}

// traceOf reads a payment's rows from the server's own database, made ready to be written again under other ids.
func traceOf(ctx context.Context, db *sql.DB, shop, id string) (trace, error) {
	payments, err := readRows(ctx, db, "SELECT * FROM payment WHERE shop_id = $1 AND id = $2", shop, id)
	if err != nil {
		return trace{}, err
	}
	t := trace{}
	if len(payments) != 1 {
		return t, fmt.Errorf("%w: payment %s has %d rows", errSetup, id, len(payments))
	}
	t.payment = payments[0]
	t.operations, err = readRows(ctx, db, "SELECT * FROM operation WHERE shop_id = $1 AND payment_id = $2 ORDER BY seq", shop, id)
	if err != nil {
		return trace{}, err
	}
	t.attempts, err = readRows(ctx, db, "SELECT * FROM attempt WHERE shop_id = $1 AND payment_id = $2 ORDER BY seq", shop, id)
	if err != nil {
		return trace{}, err
	}
	t.events, err = readRows(ctx, db, "SELECT * FROM event WHERE shop_id = $1 AND payment_id = $2 ORDER BY seq", shop, id)
	t.generalise(id)
	for i, e := range t.events {
		t.events[i] = e.with(map[string]any{"id": slot{}})
	}
	return t, err
}

func readRows(ctx context.Context, db *sql.DB, query string, args ...any) ([]row, error) {
	found, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		return nil, err
	}
	var all []row
	for found.Next() {
		r := row{columns: columns, values: make([]any, len(columns))}
		into := make([]any, len(columns))
		for i := range into {
			into[i] = &r.values[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, found.Err()
}

// generalise puts slots in the place of everything that has to differ from payment to payment.
func (t *trace) generalise(id string) {
	for _, r := range slices.Concat([]row{t.payment}, t.operations, t.attempts, t.events) {
		for i, column := range r.columns {
			r.values[i] = general(column, r.values[i], id)
		}
	}
}

func general(column string, value any, id string) any {
	if value == nil {
		return nil
	}
	switch column {
	case "created", "updated", "changed", "listed", "started", "completed", "due":
		return instant{}
	case "provider_ref", "own_ref":
		return slot{}
	case "reference":
		return slot{before: "order-"}
	case "outgoing", "incoming":
		return value
	}
	if text, ok := value.(string); ok {
		if before, after, found := strings.Cut(text, id); found {
			return slot{before, after}
		}
	}
	return value
}

// The columns that the engine writes whenever a payment, an attempt or a running operation changes.
var (
	changingPayment = []string{
		"state", "method", "amount", "authorised", "captured", "refund_reserved", "refunded", "recurring_token", "customer",
		"billing", "browser", "instrument", "terminal", "error_code", "external_code", "fee", "fee_currency", "updated", "live",
		"tries", "ops", "version", "events", "due", "due_fails", "changed", "listed",
	}
	changingAttempt = []string{
		"class", "op", "lease_owner", "lease_until", "next_check", "checks", "not_found_at", "provider_ref", "own_ref", "code",
		"raw_code", "redirect", "redirected", "returned", "credential",
	}
	changingOperation = []string{"completed", "state", "outgoing", "incoming", "ended"}
)

// createJob writes what one create leaves: the payment and the first entry of its log.
func createJob(born trace) job {
	return job{{born.payment.insert("payment"), born.operations[0].insert("operation")}}
}

// flowJob writes what one paid payment leaves, in the three transactions that the engine needs for it: the birth, the
// intent before the call of the provider, and the answer after it.
func flowJob(born, paid trace) (job, error) {
	if len(paid.operations) != 4 || len(paid.attempts) != 1 || len(paid.events) != 1 || len(born.operations) != 1 {
		return nil, fmt.Errorf("%w: a paid payment has %d operations, %d attempts and %d events, which this bench does not know",
			errSetup, len(paid.operations), len(paid.attempts), len(paid.events))
	}
	open := map[string]any{
		"class": "PREPARED", "op": int64(4), "lease_owner": "a-machine:12345:abcdefgh/abcdefghijkl", "provider_ref": nil,
		"lease_until": instant{35_000_000}, "next_check": instant{35_000_000}, "own_ref": nil, "code": nil, "raw_code": nil,
	}
	running := map[string]any{"completed": nil, "outgoing": nil, "incoming": nil, "ended": int64(0)}
	call, attempt := paid.operations[3], paid.attempts[0]
	intent := paid.payment.with(map[string]any{"updated": instant{1000}, "changed": instant{1000}, "listed": instant{1_001_000}, "version": int64(2), "captured": nil, "authorised": nil,
		"events": int64(0), "due": instant{35_000_000}})
	answer := paid.payment.with(map[string]any{"updated": instant{2000}, "changed": instant{2000}, "listed": instant{1_002_000}, "version": int64(3)})
	return job{
		createJob(born)[0],
		{
			intent.update("payment", changingPayment, "shop_id", "id"),
			paid.operations[1].insert("operation"), paid.operations[2].insert("operation"),
			call.with(running).insert("operation"), attempt.with(open).insert("attempt"),
		},
		{
			answer.update("payment", changingPayment, "shop_id", "id"),
			call.update("operation", changingOperation, "shop_id", "payment_id", "seq"),
			attempt.update("attempt", changingAttempt, "shop_id", "payment_id", "seq"),
			paid.events[0].insert("event"),
		},
	}, nil
}

// finalJob writes the rows of a paid payment as they are in the end, all in one transaction: what a program would do
// that need not survive a crash between the steps.
func finalJob(paid trace) job {
	all := set{paid.payment.insert("payment")}
	for _, o := range paid.operations {
		all = append(all, o.insert("operation"))
	}
	for _, a := range paid.attempts {
		all = append(all, a.insert("attempt"))
	}
	for _, e := range paid.events {
		all = append(all, e.insert("event"))
	}
	return job{all}
}
