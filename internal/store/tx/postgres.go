package tx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sluicepay/sluice/internal/store/plain"
)

const (
	postgresReaders = 8
	postgresWriters = 2
	spreadWriters   = 8 // of many nodes, where a transaction holds the writes of one part only
	connectTimeout  = 5 * time.Second
	// closing is how many times the pool of those that write is as large as their number: a connection that is given up keeps
	// its place until the server has closed it, or for a while where that is gone.
	closing = 3
	// readTimeout bounds one read: a server that takes it and never answers would hold its caller, and all readers, for ever.
	readTimeout = groupTimeout
	// pingAfter is how long a connection may rest before its use is preceded by a ping. An
	// idle engine looks for work more often than that and should cost one query, not two.
	pingAfter = 30 * time.Second
)

// postgresConfig reads the URL. Settings in the URL, such as default_query_exec_mode for PgBouncer or
// target_session_attrs for several hosts, keep their meaning. The error does not repeat the URL, which
// may hold a password.
func (db *DB) postgresConfig(ctx context.Context, opts Options) (*pgxpool.Config, error) {
	config, err := parsePostgres(opts.URL)
	if err != nil {
		return nil, err
	}
	if opts.Lookup != nil {
		config.ConnConfig.LookupFunc = opts.Lookup
	}
	return config, db.secure(ctx, config.ConnConfig, opts)
}

// parsePostgres reads the URL, without the text of the driver's error: it may show what it did not understand.
func parsePostgres(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		if cause := errors.Unwrap(err); cause != nil {
			return nil, fmt.Errorf("database URL is not understood: %w", cause)
		}
		return nil, errors.New("database URL is not understood")
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "sluice"
	}
	return config, nil
}

// postgresPool opens a pool that connects when it is first used.
func postgresPool(ctx context.Context, config *pgxpool.Config, size int) (*pgxpool.Pool, error) {
	own := config.Copy()
	own.MaxConns = int32(size)
	own.MinConns, own.MinIdleConns = 0, 0
	own.ShouldPing = func(_ context.Context, p pgxpool.ShouldPingParams) bool { return p.IdleDuration > pingAfter }
	own.AfterConnect = func(_ context.Context, conn *pgx.Conn) error { plain.ReadAmounts(conn.TypeMap()); return nil }
	pool, err := pgxpool.NewWithConfig(ctx, own)
	if err != nil {
		return nil, fmt.Errorf("connection pool: %w", postgresError(err))
	}
	return pool, nil
}

var errUncancelled = errors.New("what is written is never broken off")

// uncancelled has a connection dial once. The driver would dial again to have the server break off what it does when we stop
// waiting for it. A commit that waits for its replica is ended by that, not undone: it stands at this server
// alone, is read from then on, and is lost with the server. Left alone it is read when the replica has it, and not before.
func uncancelled(_ context.Context, config *pgx.ConnConfig) error {
	dial, after := config.DialFunc, config.AfterConnect
	var stands atomic.Bool
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if stands.Load() {
			return nil, errUncancelled
		}
		return dial(ctx, network, address)
	}
	config.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		stands.Store(true)
		if after == nil {
			return nil
		}
		return after(ctx, conn)
	}
	return nil
}

// openPostgres checks the schema, migrates if asked to, and starts the pools.
func (db *DB) openPostgres(ctx context.Context, opts Options) error {
	config, err := db.postgresConfig(ctx, opts)
	if err != nil {
		return err
	}
	if db.spread, err = preparePostgres(ctx, config.ConnConfig, opts, db.tables); err != nil {
		return err
	}
	readers, err := postgresPool(ctx, config, orDefault(opts.Readers, postgresReaders))
	if err != nil {
		return err
	}
	size := orDefault(opts.Writers, postgresWriters)
	if db.spread {
		size = orDefault(opts.Writers, spreadWriters)
	}
	writing := config.Copy()
	writing.BeforeConnect = uncancelled
	writers, err := postgresPool(ctx, writing, closing*size)
	if err != nil {
		readers.Close()
		return err
	}
	db.reader = &postgresReader{pool: readers, limit: readTimeout}
	statistics := &statistics{pool: readers, log: db.log}
	db.onClose(statistics.close)
	for range size {
		db.startWriter(&postgresCommitter{db: db, pool: writers, readers: readers, texts: map[string]string{}, statistics: statistics,
			spread: db.spread})
	}
	db.onClose(writers.Close)
	return nil
}

// postgresReader reads through a pool.
type postgresReader struct {
	pool  *pgxpool.Pool
	limit time.Duration
}

func (r *postgresReader) close() { r.pool.Close() }

func (r *postgresReader) read(ctx context.Context, reads []read) error {
	bounded, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	return r.slow(ctx, bounded, readAll(bounded, r.pool, reads))
}

// slow is the error of a read that was given so much time.
func (r *postgresReader) slow(ctx, bounded context.Context, err error) error {
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: a read was not answered within %s", ErrUnavailable, r.limit)
	}
	return err
}

// postgresQueries is a pool, or a transaction on one of its connections.
type postgresQueries interface {
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

func readAll(ctx context.Context, by postgresQueries, reads []read) error {
	if len(reads) == 1 {
		rows, err := by.Query(ctx, reads[0].sql, reads[0].args...)
		return drain(rows, err, reads[0].row)
	}
	var b pgx.Batch
	for _, q := range reads {
		b.Queue(q.sql, q.args...)
	}
	results := by.SendBatch(ctx, &b)
	defer func() { _ = results.Close() }() // the connection goes back even if a row function panics
	for _, q := range reads {
		rows, err := results.Query()
		if err := drain(rows, err, q.row); err != nil {
			return err
		}
	}
	return postgresReadError(results.Close())
}

// drain hands each row over and stops at the first error of the row function.
func drain(rows pgx.Rows, err error, row func(Scanner) error) error {
	if err != nil {
		return postgresReadError(err)
	}
	defer rows.Close()
	each := &reducedRow{rows, postgresError}
	for rows.Next() {
		if err := row(each); err != nil {
			return err
		}
	}
	return postgresReadError(rows.Err())
}
