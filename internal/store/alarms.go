package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Alarm is something that a human is told. Equal ones, of the same Shop, About, Subject and Why, are one row until
// somebody has acknowledged it.
type Alarm struct {
	Shop    payment.ShopID // empty for what belongs to no shop
	ID      string         // time-ordered; of Alarms.Raise: unique for this occasion
	About   string         // kind of the subject
	Subject string
	Why     string
	Detail  string // of the latest time

	First, Latest time.Time
	Times         int

	Acked time.Time // zero while nobody has
	By    string
	Note  string
}

// key stands for what makes alarms equal.
func (a *Alarm) key() string {
	sum := sha256.Sum256([]byte(a.About + "\x00" + a.Subject + "\x00" + a.Why))
	return hex.EncodeToString(sum[:])
}

const sqlRaiseAlarm = `INSERT INTO alarm (shop_id, id, key, about, subject, why, detail, first, latest, times, occasion)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10) ON CONFLICT (shop_id, key) WHERE acked IS NULL DO UPDATE SET
	times = alarm.times + CASE WHEN alarm.occasion = excluded.occasion THEN 0 ELSE 1 END,
	latest = excluded.latest, detail = excluded.detail, occasion = excluded.occasion`

// Raise tells that something happened at First. An equal alarm that nobody has acknowledged counts it, once for
// each ID.
func (t Alarms) Raise(a *Alarm) {
	t.tx.Write("alarm.raise", sqlRaiseAlarm, string(a.Shop), a.ID, a.key(), a.About, a.Subject, a.Why, tx.Nullable(a.Detail),
		tx.Micros(a.First), tx.Micros(a.First), a.ID)
}

const alarmColumns = `SELECT shop_id, id, about, subject, why, COALESCE(detail, ''), first, latest, times, acked,
	COALESCE(acked_by, ''), COALESCE(note, '') FROM alarm`

func scanAlarm(s tx.Scanner) (Alarm, error) {
	var a Alarm
	var shop string
	var first, latest int64
	var acked *int64
	err := s.Scan(&shop, &a.ID, &a.About, &a.Subject, &a.Why, &a.Detail, &first, &latest, &a.Times, &acked, &a.By, &a.Note)
	a.Shop, a.First, a.Latest, a.Acked = payment.ShopID(shop), tx.FromMicros(&first), tx.FromMicros(&latest), tx.FromMicros(acked)
	return a, err
}

// AlarmFilter says which alarms to list.
type AlarmFilter struct {
	Shop  payment.ShopID // empty for all
	Acked bool           // those that were acknowledged too
	Limit int
}

// List returns alarms, oldest first, and whether there are more.
func (t Alarms) List(f AlarmFilter) (found []Alarm, more bool, err error) {
	where, args := "1 = 1", []any{}
	if f.Shop != "" {
		args = append(args, string(f.Shop))
		where = "shop_id = $1"
	}
	if !f.Acked {
		where += " AND acked IS NULL"
	}
	text, args := tx.Limited(alarmColumns+" WHERE "+where+" ORDER BY first, id", args, f.Limit+1)
	found, err = tx.List(t.tx, scanAlarm, text, args...)
	if err == nil && len(found) > f.Limit {
		return found[:f.Limit], true, nil
	}
	return found, false, err
}

// Get returns one alarm, or ErrNotFound.
func (t Alarms) Get(aid string) (Alarm, error) {
	return tx.One(t.tx, scanAlarm, alarmColumns+" WHERE id = $1", aid)
}

const sqlAckAlarm = `UPDATE alarm SET acked = $1, acked_by = $2, note = $3 WHERE shop_id = $4 AND id = $5 AND acked IS NULL`

// Ack records who has looked at it and what came of it, and takes it from the list. The body runs again, and has to
// look, when somebody else was first.
func (t Alarms) Ack(a *Alarm, by, note string) {
	t.tx.Guard("alarm.ack", sqlAckAlarm, tx.Micros(t.tx.Now()), by, note, string(a.Shop), a.ID)
}

// String names the alarm in one line.
func (a *Alarm) String() string { return fmt.Sprintf("%s %s: %s", a.About, a.Subject, a.Why) }
