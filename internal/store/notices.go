package store

import (
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// WriteNotice names the write that fails when a notice was received before.
const WriteNotice = "notice.create"

// NoticeState says what became of a notice.
type NoticeState string

// The states of a notice.
const (
	NoticeApplied NoticeState = "APPLIED" // booked on its payment
	NoticeWaiting NoticeState = "WAITING" // about nothing we know yet
	NoticeParked  NoticeState = "PARKED"  // given up: a human has to look
)

// Notice is what a provider posted to us, as it came.
type Notice struct {
	Shop       payment.ShopID
	Terminal   string // id
	Key        string // the provider's event id, or a hash of the body
	Received   time.Time
	AttemptKey string // what it is about, as the provider names it
	Payment    payment.ID
	State      NoticeState
	Headers    string
	Body       []byte
	Due        time.Time // when it is tried again
	Fails      int
}

const sqlInsertNotice = `INSERT INTO notice (shop_id, terminal_id, key, received, attempt_key, payment_id, state, headers,
	body, shard, due, fails) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

// Insert keeps a notice. One that came before fails with a UniqueError of
// WriteNotice.
func (t Notices) Insert(n *Notice) {
	t.tx.Write(WriteNotice, sqlInsertNotice, string(n.Shop), n.Terminal, n.Key, tx.Micros(n.Received), tx.Nullable(n.AttemptKey),
		tx.Nullable(string(n.Payment)), string(n.State), n.Headers, n.Body, ShardOf(n.Key), tx.Micros(n.Due), n.Fails)
}

const sqlUpdateNotice = `UPDATE notice SET payment_id = $1, state = $2, due = $3, fails = $4
	WHERE shop_id = $5 AND terminal_id = $6 AND key = $7 AND state = 'WAITING'`

// Update writes what became of a notice that was waiting.
func (t Notices) Update(n *Notice) {
	t.tx.Guard("notice.update", sqlUpdateNotice, tx.Nullable(string(n.Payment)), string(n.State), tx.Micros(n.Due), n.Fails,
		string(n.Shop), n.Terminal, n.Key)
}

const sqlDueNotices = `SELECT shop_id, terminal_id, key, received, COALESCE(attempt_key, ''), COALESCE(payment_id, ''), state,
	headers, body, due, fails FROM notice WHERE due <= $1`

// Due returns waiting notices of the shards that are to be tried again, longest
// due first, at most limit.
func (t Notices) Due(shards []int64, before time.Time, limit int) ([]Notice, error) {
	where, args := tx.InShards(shards, []any{tx.Micros(before)})
	text, args := tx.Limited(sqlDueNotices+" AND "+where+" ORDER BY due", args, limit)
	return tx.List(t.tx, scanNotice, text, args...)
}

func scanNotice(s tx.Scanner) (Notice, error) {
	var n Notice
	var shop, pid, state string
	var received int64
	var due *int64
	err := s.Scan(&shop, &n.Terminal, &n.Key, &received, &n.AttemptKey, &pid, &state, &n.Headers, &n.Body, &due, &n.Fails)
	n.Shop, n.Payment, n.State = payment.ShopID(shop), payment.ID(pid), NoticeState(state)
	n.Received, n.Due = tx.FromMicros(&received), tx.FromMicros(due)
	return n, err
}

const sqlNotice = `SELECT shop_id, terminal_id, key, received, COALESCE(attempt_key, ''), COALESCE(payment_id, ''), state,
	headers, body, due, fails FROM notice WHERE shop_id = $1 AND terminal_id = $2 AND key = $3`

// Get returns one notice as it was kept, or ErrNotFound.
func (t Notices) Get(shop payment.ShopID, terminal, key string) (Notice, error) {
	return tx.One(t.tx, scanNotice, sqlNotice, string(shop), terminal, key)
}

const sqlParkedNotices = `SELECT shop_id, terminal_id, key, received, COALESCE(attempt_key, ''), COALESCE(payment_id, ''), state,
	headers, body, due, fails FROM notice WHERE state = 'PARKED' ORDER BY received`

// Parked returns notices that were given up, oldest first, at most limit.
func (t Notices) Parked(limit int) ([]Notice, error) {
	text, args := tx.Limited(sqlParkedNotices, nil, limit)
	return tx.List(t.tx, scanNotice, text, args...)
}

const sqlCountParked = `SELECT COUNT(*) FROM (SELECT 1 FROM notice WHERE state = 'PARKED' AND shop_id = $1 AND terminal_id = $2
	LIMIT $3) AS parked`

// CountParked counts the notices of a terminal that were given up, and stops at most.
func (t Notices) CountParked(shop payment.ShopID, terminal string, most int) (int, error) {
	n, err := tx.One(t.tx, tx.ScanInt64, sqlCountParked, string(shop), terminal, int64(most))
	return int(n), err
}

const sqlReviveNotice = `UPDATE notice SET state = 'WAITING', due = $1, fails = 0
	WHERE shop_id = $2 AND terminal_id = $3 AND key = $4 AND state = 'PARKED'`

// Revive has a notice that was given up tried again at once. The body runs again, and has to look, when it is
// not parked any more.
func (t Notices) Revive(n *Notice) {
	t.tx.Guard("notice.revive", sqlReviveNotice, tx.Micros(t.tx.Now()), string(n.Shop), n.Terminal, n.Key)
}
