package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
)

// Alarm is something that a human is told. Equal ones, of the same Shop, About, Subject and Why, are one row until
// somebody has acknowledged it.
type Alarm struct {
	Shop    payment.ShopID // empty for what belongs to no shop
	ID      string         // time-ordered; of RaiseAlarm: unique for this occasion
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

// RaiseAlarm tells that something happened at First. An equal alarm that nobody has acknowledged counts it, once for
// each ID.
func (tx *Tx) RaiseAlarm(a *Alarm) {
	tx.write("alarm.raise", sqlRaiseAlarm, string(a.Shop), a.ID, a.key(), a.About, a.Subject, a.Why, nullable(a.Detail),
		micros(a.First), micros(a.First), a.ID)
}

const alarmColumns = `SELECT shop_id, id, about, subject, why, COALESCE(detail, ''), first, latest, times, acked,
	COALESCE(acked_by, ''), COALESCE(note, '') FROM alarm`

func scanAlarm(s scanner) (Alarm, error) {
	var a Alarm
	var shop string
	var first, latest int64
	var acked *int64
	err := s.Scan(&shop, &a.ID, &a.About, &a.Subject, &a.Why, &a.Detail, &first, &latest, &a.Times, &acked, &a.By, &a.Note)
	a.Shop, a.First, a.Latest, a.Acked = payment.ShopID(shop), fromMicros(&first), fromMicros(&latest), fromMicros(acked)
	return a, err
}

// AlarmFilter says which alarms to list.
type AlarmFilter struct {
	Shop  payment.ShopID // empty for all
	Acked bool           // those that were acknowledged too
	Limit int
}

// Alarms returns alarms, oldest first, and whether there are more.
func (tx *Tx) Alarms(f AlarmFilter) (found []Alarm, more bool, err error) {
	where, args := "1 = 1", []any{}
	if f.Shop != "" {
		args = append(args, string(f.Shop))
		where = "shop_id = $1"
	}
	if !f.Acked {
		where += " AND acked IS NULL"
	}
	text, args := limited(alarmColumns+" WHERE "+where+" ORDER BY first, id", args, f.Limit+1)
	found, err = list(tx, scanAlarm, text, args...)
	if err == nil && len(found) > f.Limit {
		return found[:f.Limit], true, nil
	}
	return found, false, err
}

// Alarm returns one alarm, or ErrNotFound.
func (tx *Tx) Alarm(aid string) (Alarm, error) {
	return one(tx, scanAlarm, alarmColumns+" WHERE id = $1", aid)
}

const sqlAckAlarm = `UPDATE alarm SET acked = $1, acked_by = $2, note = $3 WHERE shop_id = $4 AND id = $5 AND acked IS NULL`

// AckAlarm records who has looked at it and what came of it, and takes it from the list. The body runs again, and has to
// look, when somebody else was first.
func (tx *Tx) AckAlarm(a *Alarm, by, note string) {
	tx.guard("alarm.ack", sqlAckAlarm, micros(tx.Now()), by, note, string(a.Shop), a.ID)
}

// String names the alarm in one line.
func (a *Alarm) String() string { return fmt.Sprintf("%s %s: %s", a.About, a.Subject, a.Why) }
