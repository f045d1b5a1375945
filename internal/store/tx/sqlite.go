package tx

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"modernc.org/sqlite"
)

// Sizes of SQLite's page caches, in KiB, and the number of readers: together about 16 MiB.
const (
	writerCacheKiB = 8 << 10
	readerCacheKiB = 2 << 10
	checkpointKiB  = 256
	sqliteReaders  = 4
	maxStatements  = 256      // prepared statements kept on one connection
	longWAL        = 80 << 20 // bytes of write-ahead log from which on commits wait for a checkpoint
	sqliteFileName = "sluice.db"
)

// sqliteFile is a database file that can be connected to.
type sqliteFile struct {
	path   string
	broken *breakage
	copies atomic.Int32 // being made now
	moving sync.Mutex   // held while the checkpointer moves the write-ahead log, until what came of it is noted

	// toldOnce: of two descriptors of one file only the first to ask hears that what was written is lost.
	toldOnce bool
}

func newSQLiteFile(dir string, broken *breakage) *sqliteFile {
	path := filepath.Join(dir, sqliteFileName)
	broken.log = broken.log.With("file", path)
	return &sqliteFile{path: path, broken: broken, toldOnce: runtime.GOOS != "linux"}
}

// kept is nil when what a commit has just synced is on the disk. The checkpointer syncs the write-ahead log, too, through a
// descriptor of its own, and where its sync fails, the system may drop what a commit has written to the log and not yet
// synced. Linux (since 4.13) then fails the commit's own sync as well: it tells everybody who had the file open. Others may
// report success, so there a commit that overlaps a checkpoint waits for what comes of it.
func (f *sqliteFile) kept() error {
	if f.toldOnce {
		f.moving.Lock()
		defer f.moving.Unlock()
	}
	return f.broken.failure()
}

// make makes the file where there is none, for its owner only whatever the process's umask is. What the library makes
// beside it gets the same mode.
func (f *sqliteFile) make() error {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	return file.Close()
}

func (f *sqliteFile) wal() string { return f.path + "-wal" }

// sqliteConn is one connection with its prepared statements. One goroutine uses it at a time.
type sqliteConn struct {
	pool       *sql.DB // of this one connection
	conn       *sql.Conn
	statements map[string]*sql.Stmt
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
	return &sqliteConn{pool: pool, conn: conn, statements: map[string]*sql.Stmt{}, broken: f.broken}, nil
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
	stmt, err := c.conn.PrepareContext(context.Background(), text)
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

func (c *sqliteConn) query(ctx context.Context, q read) error {
	stmt, err := c.prepare(q.sql) //nolint:sqlclosecheck // kept for the next time; forget closes it
	if err != nil {
		return err
	}
	if q.point {
		ctx = context.Background()
	}
	rows, err := stmt.QueryContext(ctx, q.args...)
	if err != nil {
		return c.reduce(err)
	}
	defer rows.Close()
	each := &reducedRow{rows, c.reduce}
	for rows.Next() {
		if err := q.row(each); err != nil {
			return err
		}
	}
	return c.reduce(rows.Err())
}

func (c *sqliteConn) forget() {
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

// sqliteReader shares a few reading connections, opened when first needed.
type sqliteReader struct {
	file  *sqliteFile
	slots chan *sqliteConn // a nil is a connection not opened yet
}

func newSQLiteReader(file *sqliteFile, size int) *sqliteReader {
	r := &sqliteReader{file: file, slots: make(chan *sqliteConn, size)}
	for range size {
		r.slots <- nil
	}
	return r
}

func (r *sqliteReader) read(ctx context.Context, reads []read) error {
	var conn *sqliteConn
	select {
	case conn = <-r.slots:
	case <-ctx.Done():
		return fmt.Errorf("waiting for a reader: %w", ctx.Err())
	}
	defer func() { r.slots <- conn }()
	if conn == nil {
		var err error
		if conn, err = r.file.open(ctx, readerCacheKiB, true); err != nil {
			return err
		}
	}
	for _, q := range reads {
		if err := conn.query(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// close waits until every reader is back.
func (r *sqliteReader) close() {
	for range cap(r.slots) {
		if conn := <-r.slots; conn != nil {
			conn.close()
		}
	}
}

// openSQLite locks the folder, checks library and schema, and starts writer, readers and checkpointer.
func (db *DB) openSQLite(ctx context.Context, opts Options) error {
	if err := checkLibrary(ctx); err != nil {
		return err
	}
	file := newSQLiteFile(opts.Dir, db.broken)
	if _, err := os.Stat(file.path); !opts.Migrate && errors.Is(err, fs.ErrNotExist) {
		return ErrNoDatabase // and none is made, nor the folder
	}
	lock, err := lockFolder(opts.Dir)
	if err != nil {
		return err
	}
	if err := file.make(); err != nil {
		lock.release()
		return err
	}
	writer, err := file.open(ctx, writerCacheKiB, false)
	if err != nil {
		lock.release()
		return err
	}
	if err := prepareSQLite(ctx, writer, opts); err != nil {
		writer.close()
		lock.release()
		return err
	}
	side, err := file.open(ctx, checkpointKiB, false)
	if err != nil {
		writer.close()
		lock.release()
		return err
	}
	checkpoints := startCheckpointer(file, side, db.log)
	db.reader = newSQLiteReader(file, orDefault(opts.Readers, sqliteReaders))
	db.walPath = file.wal()
	db.startWriter(&sqliteCommitter{file: file, log: db.log, conn: writer, active: checkpoints.touch})
	db.onClose(checkpoints.close)
	db.onClose(func() {
		if db.broken.failure() == nil {
			lock.release()
		}
	})
	return nil
}

// lockByFile switches the process to locks that survive when something else in it, such as a backup, opens
// and closes the file. The library reads its default with the first call, without a lock of its own: of two
// first calls at once, one can undo the other, after which some locks are of one kind and some of the other.
var lockByFile = sync.OnceValue(func() error {
	if _, err := sqlite.OFDLocking(true); err != nil && !errors.Is(err, sqlite.ErrOFDLockingUnavailable) {
		return fmt.Errorf("sqlite locks: %w", sqliteError(err))
	}
	return nil
})

// checkLibrary refuses SQLite libraries that can corrupt a database in WAL mode, and chooses the locks. It
// comes before anything else that is asked of the library.
func checkLibrary(ctx context.Context) error {
	if err := lockByFile(); err != nil {
		return err
	}
	pool, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return fmt.Errorf("sqlite library: %w", sqliteError(err))
	}
	defer pool.Close()
	var version string
	if err := pool.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return fmt.Errorf("sqlite library: %w", sqliteError(err))
	}
	return checkLibraryVersion(version)
}

func checkLibraryVersion(version string) error {
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return fmt.Errorf("sqlite library: version %q is not understood", version)
	}
	number := major*1_000_000 + minor*1_000 + patch
	if number < 3_051_003 || number == 3_052_000 {
		return fmt.Errorf("sqlite library %s can corrupt databases in WAL mode; 3.51.3 or later, but not 3.52.0, is needed", version)
	}
	return nil
}
