package tx

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicepay/sluice/internal/store/folder"
	"github.com/sluicepay/sluice/internal/store/turns"
)

// defaultGroup is how many sets of writes one commit holds at most.
const defaultGroup = 64

// ErrFolderInUse says that another process, or another DB of this one, holds the data folder.
var ErrFolderInUse = folder.ErrInUse

// Options say which database to open and how. Only Dir (for SQLite) or URL must be set.
type Options struct {
	// URL is "postgres://…" or "postgresql://…"; "" and "sqlite" mean the SQLite file in Dir.
	URL string
	// Dir is the data folder of SQLite, created when missing and held exclusively while open.
	Dir string
	// Established says that the installation was there before, so that a connection to PostgreSQL that would be refused as
	// not protected is used, with a warning.
	Established bool
	// Lookup, when given, finds the addresses of PostgreSQL's host instead of the system. For tests.
	Lookup func(ctx context.Context, host string) ([]string, error)
	// Migrate brings the schema up to date on opening, or makes the database. Without it an old schema is refused, and so
	// is a place where there is none.
	Migrate bool
	// Spread lays the tables out on the nodes of a Citus, which takes them out of work meanwhile: see [Tables.Spread]. What is laid
	// out already stays as it is.
	Spread bool
	// Parts is how many parts the tables are divided into when they are laid out first; 0 is 32.
	Parts int
	// Migrations replaces those of the tables. For tests.
	Migrations fs.FS
	// Restoring opens a PostgreSQL database that is being restored: see [BeginRestore].
	Restoring bool
	// Now is the clock of [Tx.Now] and of the instants that lists by last change compare; nil is the system's, and
	// PostgreSQL's own for the latter.
	Now func() time.Time
	// Logger gets what nobody is told otherwise; nil drops it.
	Logger *slog.Logger
	// GroupSize is how many transactions share a commit at most; 0 is 64, 1 turns grouping off.
	GroupSize int
	// Readers is how many connections read at the same time; 0 is 4 on SQLite, 8 on PostgreSQL.
	Readers int
	// Writers is how many connections write at the same time on PostgreSQL; 0 is 2. SQLite has one.
	Writers int
	// Fault lets a test make a group of writes fail: see [FaultPoint]. It gets the names of the group's
	// writes; nil lets all pass. It is called from writer goroutines and from those that run bodies.
	Fault func(point FaultPoint, writes []string) error
	// Jitter returns a random duration from 0 up to limit; nil is the system's randomness.
	Jitter func(limit time.Duration) time.Duration
}

// DB is an open database. Its methods may be called from any goroutine.
type DB struct {
	kind    Kind
	log     *slog.Logger
	now     func() time.Time
	jitter  func(time.Duration) time.Duration
	hook    func(FaultPoint, []string) error
	group   int
	reader  reader
	queues  []*queue
	turns   turns.Turns
	writers sync.WaitGroup
	commits atomic.Uint64
	turn    atomic.Uint64
	seed    maphash.Seed
	stats   counters
	broken  *breakage
	tables  Tables
	walPath string
	closers []func()

	serverClock bool          // stamps are made by the server's clock, see stamp.go
	groupLimit  time.Duration // see groupTimeout
	checked     bool          // see Checked
	spread      bool          // the tables are on the nodes of a Citus

	mu     sync.Mutex // guards closed, and entering against closing
	closed bool
	inside sync.WaitGroup // running Updates and Views
}

// Open opens the database of the tables and checks that its schema is the one this binary knows. Errors:
// [ErrFolderInUse], [ErrRestoring], [ErrNoDatabase], [ErrSchemaOld], [ErrSchemaNewer], [ErrSchemaEdited], [ErrAtWork], [ErrUnavailable], or a setting
// that makes no sense.
func Open(ctx context.Context, opts Options, tables Tables) (*DB, error) {
	given := opts.Now != nil
	opts = opts.withDefaults(tables)
	kind, err := opts.kind()
	if err != nil {
		return nil, err
	}
	db := &DB{
		kind:   kind,
		log:    opts.Logger,
		now:    opts.Now,
		jitter: opts.Jitter,
		hook:   opts.Fault,
		group:  orDefault(opts.GroupSize, defaultGroup),
		seed:   maphash.MakeSeed(),
		broken: newBreakage(opts.Logger),
		tables: tables,

		serverClock: kind == Postgres && !given,
		groupLimit:  groupTimeout,
	}
	if kind == SQLite {
		err = db.openSQLite(ctx, opts)
	} else {
		err = db.openPostgres(ctx, opts)
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return db, nil
}

func (o Options) withDefaults(tables Tables) Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Jitter == nil {
		o.Jitter = rand.N[time.Duration]
	}
	if o.Migrations == nil {
		o.Migrations = tables.Migrations
	}
	return o
}

func (o Options) kind() (Kind, error) {
	switch {
	case strings.HasPrefix(o.URL, "postgres://"), strings.HasPrefix(o.URL, "postgresql://"):
		return Postgres, nil
	case o.URL != "" && o.URL != "sqlite":
		return "", errors.New(`database URL must be "sqlite" or begin with postgres://`)
	case o.Dir == "":
		return "", errors.New("the embedded database needs a data folder")
	case o.Spread:
		return "", ErrNoCluster
	}
	return SQLite, nil
}

// Kind tells which database this is. Nothing above the store may depend on it but logs and metrics.
func (db *DB) Kind() Kind { return db.kind }

// Close refuses new transactions, waits for those that run and for every queued write, and stops all
// goroutines. It must not be called from a transaction body. A second call does nothing. After the storage
// failed it leaves the files as they are, held by this process until it ends, and returns [DB.Failure].
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil
	}
	db.closed = true
	db.mu.Unlock()
	db.inside.Wait()
	for _, q := range db.queues {
		q.close()
	}
	db.writers.Wait()
	db.reader.close()
	for _, closer := range db.closers {
		closer()
	}
	return db.broken.failure()
}

// enter counts a transaction in, or refuses it after Close.
func (db *DB) enter() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return ErrClosed
	}
	db.inside.Add(1)
	return nil
}

func (db *DB) leave() { db.inside.Done() }

// closing reports whether Close was called.
func (db *DB) closing() bool {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.closed
}

func (db *DB) startWriter(out committer) {
	q := newQueue(&db.commits)
	db.queues = append(db.queues, q)
	w := &writer{queue: q, out: out, limit: db.group, db: db}
	db.writers.Go(w.loop)
}

// onClose adds to what Close does last, in the order of the calls.
func (db *DB) onClose(closer func()) { db.closers = append(db.closers, closer) }

// orDefault reads a count of Options, where zero and less mean "not set".
func orDefault(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}
