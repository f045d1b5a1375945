// Package audit is what is on record of what people did: the tables audit_entry and audit_head. It is a part of package store, which hands
// its accessor on. It adds rows and reads them, changes none, and knows nothing of what binds one to the next.
package audit

import (
	"time"

	"github.com/sluicepay/sluice/internal/store/tx"
)

// Entry is one line of the record.
type Entry struct {
	Seq     int64  // 1, 2, 3, … without a gap
	ID      string // of this one writing
	At      time.Time
	Act     string
	Who     string
	Shop    string // empty for what is no shop's
	Content string // a JSON object
	Hash    string // binds it to the entry before
}

// Head is the last entry.
type Head struct {
	Seq  int64  `json:"seq"` // zero: there is none
	Hash string `json:"hash"`
}

// chain is the name of the one chain that there is.
const chain = "installation"

// Entries reads and writes the record: tables audit_entry and audit_head.
type Entries struct{ tx *tx.Tx }

// Of is the accessor of the record in a transaction.
func Of(t *tx.Tx) Entries { return Entries{t} }

const sqlHead = `SELECT seq, hash FROM audit_head WHERE name = $1`

// Head returns the last entry; the zero value where there is none, or tx.ErrNotFound where there was never one.
func (t Entries) Head() (Head, error) {
	return tx.One(t.tx, func(s tx.Scanner) (h Head, err error) {
		err = s.Scan(&h.Seq, &h.Hash)
		return h, err
	}, sqlHead, chain)
}

const (
	sqlInsert    = `INSERT INTO audit_entry (seq, id, at, act, who, shop, content, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	sqlFirstHead = `INSERT INTO audit_head (name, seq, hash) VALUES ($1, $2, $3)`
	sqlMoveHead  = `UPDATE audit_head SET seq = $1, hash = $2 WHERE name = $3 AND seq = $4 AND hash = $5`
)

// WriteFirst is the name of the write that fails when somebody else has made the first entry meanwhile.
const WriteFirst = "audit_head.create"

// Add puts an entry behind the head that was read. Who comes second runs again.
func (t Entries) Add(e *Entry, behind Head) {
	if behind == (Head{}) {
		t.tx.Write(WriteFirst, sqlFirstHead, chain, e.Seq, e.Hash)
	} else {
		t.tx.Version("audit_head.move", sqlMoveHead, e.Seq, e.Hash, chain, behind.Seq, behind.Hash)
	}
	t.tx.Write("audit_entry.create", sqlInsert, e.Seq, e.ID, tx.Micros(e.At), e.Act, e.Who, tx.Nullable(e.Shop), e.Content, e.Hash)
}

const columns = `SELECT seq, id, at, act, who, COALESCE(shop, ''), content, hash FROM audit_entry`

func scan(s tx.Scanner) (e Entry, err error) {
	var at int64
	err = s.Scan(&e.Seq, &e.ID, &at, &e.Act, &e.Who, &e.Shop, &e.Content, &e.Hash)
	e.At = tx.FromMicros(&at)
	return e, err
}

// Get returns one entry, or ErrNotFound.
func (t Entries) Get(seq int64) (Entry, error) {
	return tx.One(t.tx, scan, columns+` WHERE seq = $1`, seq)
}

// From lists entries from a number on, oldest first.
func (t Entries) From(seq int64, limit int) ([]Entry, error) {
	return tx.List(t.tx, scan, columns+` WHERE seq >= $1 ORDER BY seq LIMIT $2`, seq, int64(limit))
}

// Filter says which entries to list. Empty fields leave none out.
type Filter struct {
	Below int64  // entries before that number; zero: all
	Shop  string // of that shop only
	Limit int
}

// Latest lists entries, newest first.
func (t Entries) Latest(f Filter) ([]Entry, error) {
	if f.Below <= 0 {
		f.Below = 1<<63 - 1
	}
	if f.Shop != "" {
		return tx.List(t.tx, scan, columns+` WHERE shop = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3`, f.Shop, f.Below, int64(f.Limit))
	}
	return tx.List(t.tx, scan, columns+` WHERE seq < $1 ORDER BY seq DESC LIMIT $2`, f.Below, int64(f.Limit))
}
