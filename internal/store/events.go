package store

import (
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
)

// Event is a message to a merchant as one dialect words it, fixed in the transaction
// of the fact that it tells.
type Event struct {
	Shop        payment.ShopID
	ID          string // time-ordered
	Dialect     string
	Payment     payment.ID
	Seq         int // 1, 2, … within the payment
	Type        string
	ContentType string
	Body        string
	Created     time.Time
	Position    int64 // in the shop's feed, from 1; 0 until it has one
}

const sqlInsertEvent = `INSERT INTO event (shop_id, id, dialect, payment_id, seq, type, content_type, body, created)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// InsertEvent writes an event. Deliveries of it are written by InsertDelivery.
func (tx *Tx) InsertEvent(e *Event) {
	tx.write("event.create", sqlInsertEvent, string(e.Shop), e.ID, e.Dialect, string(e.Payment), e.Seq, e.Type,
		e.ContentType, e.Body, micros(e.Created))
}

const eventColumns = `shop_id, id, dialect, payment_id, seq, type, content_type, body, created, COALESCE(position, 0)`

func scanEvent(s scanner) (Event, error) {
	var e Event
	var shop, pid string
	var created int64
	err := s.Scan(&shop, &e.ID, &e.Dialect, &pid, &e.Seq, &e.Type, &e.ContentType, &e.Body, &created, &e.Position)
	e.Shop, e.Payment, e.Created = payment.ShopID(shop), payment.ID(pid), fromMicros(&created)
	return e, err
}

func itoa(n int) string { return strconv.Itoa(n) }
