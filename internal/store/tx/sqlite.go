package tx

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"modernc.org/sqlite"

	"github.com/sluicepay/sluice/internal/store/folder"
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
	conn, err := r.take(ctx)
	if err != nil {
		return err
	}
	defer func() { r.slots <- conn }()
	return conn.read(ctx, reads)
}

// take waits for a connection, which the caller puts back.
func (r *sqliteReader) take(ctx context.Context) (conn *sqliteConn, err error) {
	select {
	case conn = <-r.slots:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a reader: %w", ctx.Err())
	}
	if conn == nil {
		if conn, err = r.file.open(ctx, readerCacheKiB, true); err != nil {
			r.slots <- nil
			return nil, err
		}
	}
	return conn, nil
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
	lock, err := folder.Hold(opts.Dir)
	if err != nil {
		return err
	}
	if err := file.make(); err != nil {
		lock.Release()
		return err
	}
	writer, err := file.open(ctx, writerCacheKiB, false)
	if err != nil {
		lock.Release()
		return err
	}
	if err := prepareSQLite(ctx, writer, opts); err != nil {
		writer.close()
		lock.Release()
		return err
	}
	side, err := file.open(ctx, checkpointKiB, false)
	if err != nil {
		writer.close()
		lock.Release()
		return err
	}
	checkpoints := startCheckpointer(file, side, db.log)
	db.reader = newSQLiteReader(file, orDefault(opts.Readers, sqliteReaders))
	db.walPath = file.wal()
	db.startWriter(&sqliteCommitter{file: file, log: db.log, conn: writer, active: checkpoints.touch})
	db.onClose(checkpoints.close)
	db.onClose(func() {
		if db.broken.failure() == nil {
			lock.Release()
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
