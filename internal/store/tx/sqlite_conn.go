package tx

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"

	"github.com/sluicepay/sluice/internal/store/sqltext"
)

// sqliteConn is one connection with its prepared statements. One goroutine uses it at a time.
type sqliteConn struct {
	pool       *sql.DB // of this one connection
	conn       *sql.Conn
	raw        driver.ConnPrepareContext // the driver's own of conn
	statements map[string]*sql.Stmt
	selects    map[string]sqliteStatement // of raw
	broken     *breakage
}

// open connects. Every pragma is in the DSN, where no connection can miss it.
func (f *sqliteFile) open(ctx context.Context, cacheKiB int, queryOnly bool) (*sqliteConn, error) {
	settings := url.Values{"_txlock": {"immediate"}, "_busy_timeout": {"5000"}, "_dqs": {"0"}}
	settings["_pragma"] = []string{
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"foreign_keys(1)",
		fmt.Sprintf("cache_size(-%d)", cacheKiB),
		"wal_autocheckpoint(0)", // checkpoints are ours, so that none fails unseen
		"journal_size_limit(67108864)",
		"secure_delete(FAST)", // what a page held before is overwritten where the page is written anyhow
	}
	if queryOnly {
		settings.Set("_query_only", "1")
	}
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: f.path}).EscapedPath()+"?"+settings.Encode())
	if err != nil {
		return nil, fmt.Errorf("sqlite %s: %w", f.path, sqliteError(err))
	}
	pool.SetMaxOpenConns(1)
	conn, err := pool.Conn(ctx)
	if err != nil {
		_ = pool.Close() // nothing was opened
		return nil, fmt.Errorf("sqlite %s: %w", f.path, f.broken.note(sqliteError(err)))
	}
	c := &sqliteConn{pool: pool, conn: conn, statements: map[string]*sql.Stmt{}, selects: map[string]sqliteStatement{}, broken: f.broken}
	if err := conn.Raw(c.keep); err != nil {
		c.close()
		return nil, fmt.Errorf("sqlite %s: %w", f.path, sqliteError(err))
	}
	return c, nil
}

// keep remembers the driver's connection: the pool has no other, and gives this one to nobody else while it is open.
func (c *sqliteConn) keep(raw any) error {
	mine, ok := raw.(driver.ConnPrepareContext)
	if !ok {
		return errors.New("the driver's connection prepares no statements")
	}
	c.raw = mine
	return nil
}

// prepare returns the statement of this text, prepared once. When lists with many filters have filled
// the cache it starts anew.
func (c *sqliteConn) prepare(text string) (*sql.Stmt, error) {
	if stmt, ok := c.statements[text]; ok {
		return stmt, nil
	}
	if len(c.statements) >= maxStatements {
		c.forget()
	}
	stmt, err := c.conn.PrepareContext(context.Background(), sqltext.Positional(text))
	if err != nil {
		return nil, c.reduce(err)
	}
	c.statements[text] = stmt
	return stmt, nil
}

// reduce is sqliteError, and notices when the storage failed.
func (c *sqliteConn) reduce(err error) error { return c.broken.note(sqliteError(err)) }

// exec runs a fixed statement without arguments, such as COMMIT.
func (c *sqliteConn) exec(text string) error {
	_, err := c.execute(text, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	return nil
}

// execute runs a statement and returns how many rows it changed. It does not watch a context: a write
// that has begun is finished. None begins once the storage has failed.
func (c *sqliteConn) execute(text string, args []any) (int64, error) {
	if err := c.broken.failure(); err != nil {
		return 0, err
	}
	stmt, err := c.prepare(text) //nolint:sqlclosecheck // kept for the next time; forget closes it
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, c.reduce(err)
	}
	n, err := result.RowsAffected()
	return n, sqliteError(err)
}

func (c *sqliteConn) forget() {
	c.forgetReads()
	for text, stmt := range c.statements {
		_ = stmt.Close() // frees memory; a failure here has no consequence
		delete(c.statements, text)
	}
}

// close lets the connection go. After the storage failed it does not: the last connection to close would
// move the write-ahead log and sync again what failed. The kernel closes the files with the process.
func (c *sqliteConn) close() {
	if c.broken.failure() != nil {
		return
	}
	c.forget()
	_ = c.conn.Close() // the connection is given up whatever it says
	_ = c.pool.Close()
}
