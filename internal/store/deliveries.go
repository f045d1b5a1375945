package store

import (
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// DeliveryState says how far a delivery has come.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryWaiting   DeliveryState = "WAITING"
	DeliveryDelivered DeliveryState = "DELIVERED"
	DeliveryFailed    DeliveryState = "FAILED" // given up; an operator may have it sent again
)

// DeliveryKey names a delivery of an endpoint: the event with that seq of that payment.
type DeliveryKey struct {
	Payment payment.ID
	Seq     int
}

// Delivery is an event on its way to an endpoint, with what a worker needs to post it.
type Delivery struct {
	DeliveryKey
	Tries int       // so far, in all
	Rung  int       // tries since the ladder of waits began
	Began time.Time // the first of them; zero before it
	Next  time.Time // when the next try is due

	Event       string // id
	Dialect     string
	ContentType string
	Body        string

	Behind      int       // seq of the open delivery of the same payment that comes right before; 0 for none
	BehindUntil time.Time // when that one is due
}

const sqlInsertDelivery = `INSERT INTO delivery (shop_id, payment_id, seq, endpoint_id, shard, state, tries, rung, next)
	VALUES ($1, $2, $3, $4, $5, 'WAITING', 0, 0, $6)`

// Insert writes that the event is to be posted to the address, due at once, and
// the endpoint if it is new. It belongs into the transaction that writes the event. The
// key says which endpoint to wake after the commit.
func (t Deliveries) Insert(e *Event, url string) EndpointKey {
	k := EndpointKey{e.Shop, EndpointID(e.Shop, url)}
	Endpoints(t).insert(k, url, e.Created)
	t.tx.Write("delivery.create", sqlInsertDelivery, string(e.Shop), string(e.Payment), e.Seq, k.ID, k.Shard(),
		tx.Micros(e.Created))
	return k
}

const deliveryBehind = ` FROM delivery o WHERE o.shop_id = $8 AND o.payment_id = d.payment_id
	AND o.seq < d.seq AND o.endpoint_id = d.endpoint_id AND o.next IS NOT NULL ORDER BY o.seq DESC LIMIT 1`

const sqlDueDeliveries = `SELECT d.payment_id, d.seq, d.tries, d.rung, d.began, d.next, e.id, e.dialect, e.content_type,
		e.body, CASE WHEN d.seq > 1 THEN (SELECT o.seq` + deliveryBehind + `) END,
		CASE WHEN d.seq > 1 THEN (SELECT o.next` + deliveryBehind + `) END
	FROM delivery d JOIN event e ON e.shop_id = d.shop_id AND e.payment_id = d.payment_id AND e.seq = d.seq
	WHERE d.shop_id = $8 AND d.shard = $1 AND d.endpoint_id = $2 AND d.next IS NOT NULL AND d.next <= $3
		AND (d.next, d.payment_id, d.seq) > ($4, $5, $6)
	ORDER BY d.next, d.payment_id, d.seq LIMIT $7`

// DeliveryPage asks for deliveries of one endpoint that are due.
type DeliveryPage struct {
	Before time.Time // due at or before
	After  *Delivery // the last of the page before; nil for the first page
	Limit  int
}

// Due returns deliveries of an endpoint that are due, longest due first. Those
// with Behind must not be posted before the one they are behind is finished.
func (t Deliveries) Due(k EndpointKey, p DeliveryPage) ([]Delivery, error) {
	after := Delivery{}
	next := int64(-1)
	if p.After != nil {
		after, next = *p.After, p.After.Next.UnixMicro()
	}
	return tx.List(t.tx, scanDelivery, sqlDueDeliveries, k.Shard(), k.ID, p.Before.UnixMicro(), next,
		string(after.Payment), int64(after.Seq), int64(p.Limit), string(k.Shop))
}

func scanDelivery(s tx.Scanner) (Delivery, error) {
	var d Delivery
	var pid string
	var began, next, behind, until *int64
	err := s.Scan(&pid, &d.Seq, &d.Tries, &d.Rung, &began, &next, &d.Event, &d.Dialect, &d.ContentType, &d.Body,
		&behind, &until)
	d.Payment, d.Began, d.Next, d.BehindUntil = payment.ID(pid), tx.FromMicros(began), tx.FromMicros(next), tx.FromMicros(until)
	if behind != nil {
		d.Behind = int(*behind)
	}
	return d, err
}

// Fixed parameters come before those of the rows, of which each has its own payment, end, duration and answer.
const (
	finishFixed = 5
	finishOwn   = 4
	finishRow   = `($1, $6, CAST($3 AS BIGINT), $2, CAST($7 AS BIGINT), CAST($8 AS BIGINT), $9)`
)

// sqlFinishDelivery takes the whole key from the rows: told the endpoint as a constant, too, PostgreSQL would walk over all its
// deliveries while it has no statistics. The shop is said besides, for where the tables are divided by it.
const sqlFinishDelivery = `UPDATE delivery SET state = 'DELIVERED', tries = $4, next = NULL, done = v.column5,
		took = v.column6, status = $5, answer = v.column7
	FROM (VALUES ` + finishRow + `) AS v
	WHERE shop_id = $1 AND shop_id = v.column1 AND payment_id = v.column2 AND seq = v.column3 AND endpoint_id = v.column4 AND state = 'WAITING'`

// sqliteRows is the most rows of a statement on SQLite, which looks for each parameter from the first one on.
const sqliteRows = 16

// finishes finish so many deliveries with one statement.
var finishes = []struct {
	rows int
	text string
}{
	{64, manyRows(sqlFinishDelivery, finishRow, finishFixed, 64)},
	{16, manyRows(sqlFinishDelivery, finishRow, finishFixed, 16)},
	{4, manyRows(sqlFinishDelivery, finishRow, finishFixed, 4)},
	{1, sqlFinishDelivery},
}

// verdict is what the accepted tries of one statement have in common; most tries of a batch do.
type verdict struct {
	seq, number, status int
}

// Finish records tries that the receiver accepted and finishes their deliveries.
// Those that are finished already stay as they are.
func (t Deliveries) Finish(k EndpointKey, accepted []Try) {
	alike := make(map[verdict][]*Try)
	var order []verdict // so that what is written does not depend on chance
	for i := range accepted {
		t := &accepted[i]
		o := verdict{t.Seq, t.Number, t.Status}
		if alike[o] == nil {
			order = append(order, o)
		}
		alike[o] = append(alike[o], t)
	}
	for _, o := range order {
		t.finish(k, o, alike[o])
	}
}

func (t Deliveries) finish(k EndpointKey, o verdict, tries []*Try) {
	for _, f := range finishes {
		if f.rows > sqliteRows && t.tx.Kind() == SQLite {
			continue
		}
		for ; len(tries) >= f.rows; tries = tries[f.rows:] {
			args := make([]any, 0, finishFixed+finishOwn*f.rows)
			args = append(args, string(k.Shop), k.ID, o.seq, o.number, o.status)
			for _, t := range tries[:f.rows] {
				args = append(args, string(t.Payment), tx.Micros(t.At.Add(t.Took)), t.Took.Microseconds(), tx.Nullable(t.Answer))
			}
			t.tx.Write("delivery.finish", f.text, args...)
		}
	}
}

// manyRows repeats the row of a statement with VALUES. The placeholders up to fixed mean
// the same in each row; the others belong to the row and are numbered on from one to the
// next, in the order in which they stand.
func manyRows(sql, row string, fixed, count int) string {
	parts := strings.Split(row, "$")
	next := fixed
	var b strings.Builder
	for n := range count {
		if n > 0 {
			b.WriteString(", ")
		}
		b.WriteString(parts[0])
		for _, part := range parts[1:] {
			rest := strings.TrimLeft(part, "0123456789")
			number := part[:len(part)-len(rest)]
			if len(number) > 1 || int(number[0]-'0') > fixed {
				next++
				number = itoa(next)
			}
			b.WriteString("$" + number + rest)
		}
	}
	return strings.Replace(sql, row, b.String(), 1)
}

const sqlRetryDelivery = `UPDATE delivery SET state = $1, tries = tries + 1, rung = $2, began = $3, next = $4, done = $5
	WHERE shop_id = $6 AND payment_id = $7 AND seq = $8 AND endpoint_id = $9 AND state = 'WAITING' AND tries = $10`

// Fail records a failed try: d has the ladder's new place and the next try, or a
// zero Next when it is given up. It counts only if d.Tries is still what was read, so one
// try never counts twice.
func (t Deliveries) Fail(k EndpointKey, d *Delivery, at time.Time) {
	state, done := DeliveryWaiting, any(nil)
	if d.Next.IsZero() {
		state, done = DeliveryFailed, tx.Micros(at)
	}
	t.tx.Write("delivery.retry", sqlRetryDelivery, string(state), d.Rung, tx.Micros(d.Began), tx.Micros(d.Next), done,
		string(k.Shop), string(d.Payment), d.Seq, k.ID, d.Tries)
}

const sqlPostponeDeliveries = `UPDATE delivery SET next = $1 WHERE shop_id = $2 AND payment_id = $3 AND seq > $4
	AND endpoint_id = $5 AND next < $1`

// Postpone moves the open deliveries of a payment after the one with that seq
// to the instant, unless they are due later anyway.
func (t Deliveries) Postpone(k EndpointKey, after DeliveryKey, until time.Time) {
	t.tx.Write("delivery.postpone", sqlPostponeDeliveries, tx.Micros(until), string(k.Shop), string(after.Payment),
		after.Seq, k.ID)
}

const sqlPullDeliveries = `UPDATE delivery SET next = $1 WHERE shard = $2 AND endpoint_id = $3 AND next > $1 AND shop_id = $4`

// Pull makes every open delivery of the endpoint due now.
func (t Deliveries) Pull(k EndpointKey, at time.Time) {
	t.tx.Write("delivery.pull", sqlPullDeliveries, tx.Micros(at), k.Shard(), k.ID, string(k.Shop))
}

const sqlAbandonDeliveries = `UPDATE delivery SET state = 'FAILED', next = NULL, done = $1
	WHERE next IS NOT NULL AND shop_id = $5 AND (payment_id, seq, endpoint_id) IN (
		SELECT d.payment_id, d.seq, d.endpoint_id FROM delivery d
		WHERE d.next IS NOT NULL AND d.shop_id = $5 AND d.shard = $2 AND d.endpoint_id = $3 ORDER BY d.next LIMIT $4)`

// Abandon gives up deliveries of an endpoint, at most limit.
func (t Deliveries) Abandon(k EndpointKey, at time.Time, limit int) {
	t.tx.Write("delivery.abandon", sqlAbandonDeliveries, tx.Micros(at), k.Shard(), k.ID, limit, string(k.Shop))
}

// Try is one entry of the log of posts to an endpoint.
type Try struct {
	DeliveryKey
	Number int // 1, 2, … of the delivery
	At     time.Time
	Took   time.Duration
	Status int    // of the answer's head; 0 when there was none
	Error  string // what went wrong; empty when it was accepted
	Answer string // first part of the answer's body
}

const sqlInsertTry = `INSERT INTO delivery_try (shop_id, endpoint_id, payment_id, seq, try, at, took, status, error, answer)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (shop_id, payment_id, seq, endpoint_id, try) DO NOTHING`

// InsertTry adds a try that failed to the log. An entry that is there already stays.
func (t Deliveries) InsertTry(k EndpointKey, post *Try) {
	t.tx.Write("delivery.try", sqlInsertTry, string(k.Shop), k.ID, string(post.Payment), post.Seq, post.Number, tx.Micros(post.At),
		post.Took.Microseconds(), post.Status, tx.Nullable(post.Error), tx.Nullable(post.Answer))
}
