package tx

import "time"

// Reading is what the clock of the stamps shows, and which transactions run then.
type Reading struct {
	At time.Time
	// Oldest is a number that no running transaction is below; Next one that every transaction which wrote anything before At is
	// below. Both are 0 on SQLite, where nothing that can be read is still to be committed.
	Oldest, Next int64
}

// pgClock takes its snapshot after the instant.
const pgClock = `SELECT CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT), txid_snapshot_xmin(s), txid_snapshot_xmax(s)
	FROM (SELECT txid_current_snapshot() AS s) AS snapshot`

// Clock reads the clock by which writes are stamped: the server's own on PostgreSQL, which is one for all nodes.
func (tx *Tx) Clock() (Reading, error) {
	if tx.db.kind != Postgres {
		return Reading{At: tx.now}, nil
	}
	return One(tx, func(s Scanner) (Reading, error) {
		var r Reading
		var at int64
		err := s.Scan(&at, &r.Oldest, &r.Next)
		if r.At = FromMicros(&at); !tx.db.serverClock {
			r.At = tx.now
		}
		return r, err
	}, pgClock)
}
