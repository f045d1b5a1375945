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

// Insert writes an event as the next one of its payment and dialect. The payment has to be written in the same set,
// before it. Deliveries of it are written by Deliveries.Insert.
func (t Events) Insert(e *Event) {
	t.tx.Write("event.create", sqlInsertEvent, string(e.Shop), e.ID, e.Dialect, string(e.Payment), e.Seq, e.Type,
		e.ContentType, e.Body, tx.Micros(e.Created))
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
