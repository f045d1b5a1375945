package store

import (
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Event is a message to a merchant as one dialect words it, fixed in the transaction
// of the fact that it tells.
type Event struct {
	Shop        payment.ShopID
	ID          string // time-ordered
	Dialect     string
	Payment     payment.ID
	Seq         int // 1, 2, … within the payment, whatever the dialect: the order in which it is told
	Number      int // 1, 2, … within the payment and the dialect; given when it is written
	Type        string
	ContentType string
	Body        string
	Created     time.Time
	Position    int64 // in the shop's feed, from 1; 0 until it has one
}

// An event that was written before there were numbers shows its seq.
const eventNumber = `COALESCE(number, seq)`

// The payment's version keeps two writers apart, so that none misses the events of the other. ORDER BY finds the newest in
// the key that is UNIQUE, where MAX would read all.
const sqlInsertEvent = `INSERT INTO event (shop_id, id, dialect, payment_id, seq, type, content_type, body, created, number)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1 + COALESCE((SELECT ` + eventNumber + ` FROM event
	WHERE shop_id = $1 AND payment_id = $4 AND dialect = $3 ORDER BY seq DESC LIMIT 1), 0))`

// Of a payment's first event nothing has to be looked up. Tables that are divided among nodes take no VALUES that look something
// up: there a later event is numbered by a statement of its own.
const (
	sqlInsertEventAs = `INSERT INTO event (shop_id, id, dialect, payment_id, seq, type, content_type, body, created, number)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	sqlNumberEvent = `UPDATE event SET number = 1 + COALESCE((SELECT COALESCE(b.number, b.seq) FROM event b
	WHERE b.shop_id = $1 AND b.payment_id = $2 AND b.dialect = $3 AND b.seq < $4 ORDER BY b.seq DESC LIMIT 1), 0)
	WHERE shop_id = $1 AND payment_id = $2 AND seq = $4`
)

// Insert writes an event as the next one of its payment and dialect. The payment has to be written in the same set,
// before it. Deliveries of it are written by Deliveries.Insert.
func (t Events) Insert(e *Event) {
	row := []any{string(e.Shop), e.ID, e.Dialect, string(e.Payment), e.Seq, e.Type, e.ContentType, e.Body, tx.Micros(e.Created)}
	switch {
	case e.Seq == 1:
		t.tx.Write("event.create", sqlInsertEventAs, append(row, 1)...)
	case t.tx.Spread():
		t.tx.Write("event.create", sqlInsertEventAs, append(row, nil)...)
		t.tx.Guard("event.number", sqlNumberEvent, string(e.Shop), string(e.Payment), e.Dialect, e.Seq)
	default:
		t.tx.Write("event.create", sqlInsertEvent, row...)
	}
}

const eventColumns = `shop_id, id, dialect, payment_id, seq, type, content_type, body, created, COALESCE(position, 0),
	` + eventNumber

func scanEvent(s tx.Scanner) (Event, error) {
	var e Event
	var shop, pid string
	var created int64
	err := s.Scan(&shop, &e.ID, &e.Dialect, &pid, &e.Seq, &e.Type, &e.ContentType, &e.Body, &created, &e.Position, &e.Number)
	e.Shop, e.Payment, e.Created = payment.ShopID(shop), payment.ID(pid), tx.FromMicros(&created)
	return e, err
}

func itoa(n int) string { return strconv.Itoa(n) }
