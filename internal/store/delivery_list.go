package store

import (
	"time"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// DeliveryInfo is a delivery as operators see it.
type DeliveryInfo struct {
	DeliveryKey
	Endpoint string
	Event    string
	Type     string
	Created  time.Time // of the event
	State    DeliveryState
	Tries    int
	Next     time.Time // zero unless WAITING
	Done     time.Time // zero while WAITING
}

// DeliveryFilter chooses deliveries of a shop. Fields that are empty choose nothing.
type DeliveryFilter struct {
	Shop     payment.ShopID
	State    DeliveryState
	Endpoint string
	Payment  payment.ID
	Event    string    // id
	Since    time.Time // the event was created at or after
	Until    time.Time // and before
	Oldest   bool      // oldest payments first, the events of one payment in their order
	After    *DeliveryInfo
	Limit    int
}

const (
	deliveryInfo = `SELECT d.payment_id, d.seq, d.endpoint_id, e.id, e.type, e.created, d.state, d.tries, d.next, d.done FROM `
	sameEvent    = `e.shop_id = d.shop_id AND e.payment_id = d.payment_id AND e.seq = d.seq`
	// SQLite reads what is left of CROSS first, here the deliveries in the order of their key, and not all events to sort them.
	sqlDeliveries = deliveryInfo + `delivery d CROSS JOIN event e WHERE ` + sameEvent + ` AND d.shop_id = $1`
	// An event has few deliveries.
	sqlDeliveriesOf = deliveryInfo + `event e CROSS JOIN delivery d WHERE ` + sameEvent + ` AND e.shop_id = $1 AND e.id = $2`
)

// clocksDiffer is more than the clocks of two nodes ever do.
const clocksDiffer = 24 * time.Hour

// List returns deliveries that pass the filter: newest payments first, the events
// of one payment backwards, unless Oldest is set.
func (t Deliveries) List(f DeliveryFilter) ([]DeliveryInfo, error) {
	text, args := deliveriesQuery(f)
	return tx.List(t.tx, scanDeliveryInfo, text, args...)
}

func deliveriesQuery(f DeliveryFilter) (text string, args []any) {
	text, args = sqlDeliveries, []any{string(f.Shop)}
	if f.Event != "" {
		text, args = sqlDeliveriesOf, append(args, f.Event)
	}
	where := func(condition string, values ...any) {
		args = append(args, values...)
		text += " AND " + condition
		if len(values) > 0 {
			text += itoa(len(args))
		}
	}
	switch f.State { // literal, so that the index of failed ones serves
	case DeliveryFailed:
		where("d.state = 'FAILED'")
	case DeliveryWaiting:
		where("d.state = 'WAITING' AND d.next IS NOT NULL")
	case DeliveryDelivered:
		where("d.state = 'DELIVERED'")
	}
	if f.Endpoint != "" {
		where("d.endpoint_id = $", f.Endpoint)
	}
	if f.Payment != "" {
		where("d.payment_id = $", string(f.Payment))
	}
	if !f.Since.IsZero() {
		where("e.created >= $", tx.Micros(f.Since))
	}
	if !f.Until.IsZero() { // no event is older than its payment, but for what clocks differ by
		where("e.created < $", tx.Micros(f.Until))
		where("d.payment_id < $", id.Floor(f.Until.Add(clocksDiffer)))
	}
	beyond, order := "<", " DESC"
	if f.Oldest {
		beyond, order = ">", ""
	}
	if a := f.After; a != nil {
		args = append(args, string(a.Payment), int64(a.Seq), a.Endpoint)
		n := len(args)
		text += " AND (d.payment_id, d.seq, d.endpoint_id) " + beyond + " ($" + itoa(n-2) + ", $" + itoa(n-1) + ", $" + itoa(n) + ")"
	}
	return tx.Limited(text+" ORDER BY d.payment_id"+order+", d.seq"+order+", d.endpoint_id"+order, args, f.Limit)
}

func scanDeliveryInfo(s tx.Scanner) (DeliveryInfo, error) {
	var i DeliveryInfo
	var pid, state string
	var created int64
	var next, done *int64
	err := s.Scan(&pid, &i.Seq, &i.Endpoint, &i.Event, &i.Type, &created, &state, &i.Tries, &next, &done)
	i.Payment, i.State, i.Created = payment.ID(pid), DeliveryState(state), tx.FromMicros(&created)
	i.Next, i.Done = tx.FromMicros(next), tx.FromMicros(done)
	return i, err
}

const sqlTries = `SELECT payment_id, seq, try, at, took, status, COALESCE(error, ''), COALESCE(answer, '') FROM delivery_try
		WHERE shop_id = $1 AND payment_id = $2 AND seq = $3 AND endpoint_id = $4
	UNION ALL
	SELECT payment_id, seq, tries, done - took, took, status, '', COALESCE(answer, '') FROM delivery
		WHERE shop_id = $1 AND payment_id = $2 AND seq = $3 AND endpoint_id = $4 AND state = 'DELIVERED'
	ORDER BY 3`

// Tries returns the log of a delivery, oldest first.
func (t Deliveries) Tries(k EndpointKey, d DeliveryKey) ([]Try, error) {
	return tx.List(t.tx, func(s tx.Scanner) (Try, error) {
		var t Try
		var pid string
		var at, took int64
		err := s.Scan(&pid, &t.Seq, &t.Number, &at, &took, &t.Status, &t.Error, &t.Answer)
		t.Payment, t.At, t.Took = payment.ID(pid), tx.FromMicros(&at), time.Duration(took)*time.Microsecond
		return t, err
	}, sqlTries, string(k.Shop), string(d.Payment), int64(d.Seq), k.ID)
}

const (
	sqlKeepAccepted = `INSERT INTO delivery_try (shop_id, payment_id, seq, endpoint_id, try, at, took, status, answer)
		SELECT shop_id, payment_id, seq, endpoint_id, tries, done - took, took, status, answer FROM delivery
		WHERE shop_id = $1 AND payment_id = $2 AND seq = $3 AND endpoint_id = $4 AND state = 'DELIVERED'`
	sqlResendDelivery = `UPDATE delivery SET state = 'WAITING', rung = 0, began = NULL, next = $1, done = NULL, took = NULL,
		status = NULL, answer = NULL WHERE shop_id = $2 AND payment_id = $3 AND seq = $4 AND endpoint_id = $5`
)

// Resend makes a delivery due now, whatever became of it before; its ladder of
// waits begins anew and its log goes on.
func (t Deliveries) Resend(k EndpointKey, d DeliveryKey, at time.Time) {
	t.tx.Write("delivery.keep", sqlKeepAccepted, string(k.Shop), string(d.Payment), d.Seq, k.ID)
	t.tx.Guard("delivery.resend", sqlResendDelivery, tx.Micros(at), string(k.Shop), string(d.Payment), d.Seq, k.ID)
}

const sqlSwitchEndpoint = `UPDATE endpoint SET state = $1, fails = 0, down_since = NULL, hold = NULL, last_event = NULL
	WHERE shop_id = $2 AND id = $3`

// Switch sets the state of an endpoint as an operator wants it, with a clean slate.
func (t Endpoints) Switch(k EndpointKey, state EndpointState) {
	t.tx.Guard("endpoint.switch", sqlSwitchEndpoint, string(state), string(k.Shop), k.ID)
}
