package tx

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Snapshot runs body so that all its reads see one moment, that of the first of them. On a database that is spread over nodes they
// do not, see [Tx.Spread]. On PostgreSQL it costs two round trips. The body must not call Snapshot.
func (tx *Tx) Snapshot(body func() error) error {
	if err := tx.db.unread(); err != nil {
		return err
	}
	return tx.db.reader.snapshot(tx.ctx, func(r reads) error {
		tx.source = r
		defer func() { tx.source = nil }()
		return body()
	})
}

func (r *sqliteReader) snapshot(ctx context.Context, use func(reads) error) error {
	conn, err := r.take(ctx)
	if err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended { // also if what uses it panics
			conn.close()
			conn = nil
		}
		r.slots <- conn
	}()
	if err := conn.exec("BEGIN"); err != nil { //nolint:contextcheck // takes no time
		return err
	}
	err = use(conn)
	end := conn.exec("COMMIT") //nolint:contextcheck // nothing was written: it only ends what is seen
	ended = end == nil
	return errors.Join(err, end)
}

func (c *sqliteConn) read(ctx context.Context, reads []read) error {
	for _, q := range reads {
		if err := c.query(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func (r *postgresReader) snapshot(ctx context.Context, use func(reads) error) error {
	bounded, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	held, err := r.pool.BeginTx(bounded, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return r.slow(ctx, bounded, fmt.Errorf("begin: %w", postgresReadError(err)))
	}
	defer func() { _ = held.Rollback(context.WithoutCancel(ctx)) }() // nothing was written; a connection that fails here is given up
	return use(&postgresHeld{r, held})
}

// postgresHeld reads in a transaction.
type postgresHeld struct {
	reader *postgresReader
	held   pgx.Tx
}

func (h *postgresHeld) read(ctx context.Context, reads []read) error {
	bounded, cancel := context.WithTimeout(ctx, h.reader.limit)
	defer cancel()
	return h.reader.slow(ctx, bounded, readAll(bounded, h.held, reads))
}
