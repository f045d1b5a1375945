package store

import (
	"context"
	"errors"

	"github.com/sluicepay/sluice/internal/store/cards"
	"github.com/sluicepay/sluice/internal/store/contents"
	"github.com/sluicepay/sluice/internal/store/marks"
	"github.com/sluicepay/sluice/internal/store/nodes"
	"github.com/sluicepay/sluice/internal/store/sent"
	"github.com/sluicepay/sluice/internal/store/signing"
	"github.com/sluicepay/sluice/internal/store/spent"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// What callers meet of the kernel has the same names here, so that nobody above the store has to know of two packages.
type (
	// Options say which database to open and how. Only Dir (for SQLite) or URL must be set.
	Options = tx.Options
	// Kind names the database behind a DB.
	Kind = tx.Kind
	// Place says where a database is, without the password that opens it.
	Place = tx.Place
	// Stats are counters since Open, for metrics and tests.
	Stats = tx.Stats
	// Inventory says what a backup holds.
	Inventory = tx.Inventory
	// Snapshot is a state of a PostgreSQL database that another connection can read.
	Snapshot = tx.Snapshot
	// Reading is what the clock of the stamps shows, and which transactions run then.
	Reading = tx.Reading
	// Recount is what came of counting some payments of a shop again.
	Recount = marks.Recount
	// Folding is what is to be done so that marks know what was changed.
	Folding = marks.Folding
	// Unfilled are marks that have no histogram yet.
	Unfilled = marks.Unfilled
	// Node is a process that takes part in the due work.
	Node = nodes.Node
	// Lease says which node does the due work of a shard.
	Lease = nodes.Lease
	// Members is who takes part and who works on what, in one snapshot.
	Members = nodes.Members
	// Logo is a shop's picture as it is served.
	Logo = contents.Logo
	// CardRanges is the table that tells where cards were issued.
	CardRanges = contents.CardRanges
	// SigningKey is what the database knows of a key that signs events: all but the key.
	SigningKey = signing.Key
	// KeptCard is a card that a shop keeps.
	KeptCard = cards.Kept
	// SpentToken is the token of a wallet that has paid.
	SpentToken = spent.Token
	// SentRequest is what a call without an answer has sent.
	SentRequest = sent.Request
	// FaultPoint is a place where a test can make the writer fail.
	FaultPoint = tx.FaultPoint
	// UniqueError says which write met a row with the same unique key.
	UniqueError = tx.UniqueError
)

// WriteSpent is the name of the write that fails when the token of a wallet was spent before.
const WriteSpent = spent.WriteToken

// The two databases.
const (
	SQLite   = tx.SQLite
	Postgres = tx.Postgres
)

// Where a test can make the writer fail.
const (
	FaultBusy         = tx.FaultBusy
	FaultBeforeGroup  = tx.FaultBeforeGroup
	FaultBeforeCommit = tx.FaultBeforeCommit
	FaultAfterCommit  = tx.FaultAfterCommit
	FaultCommitUndone = tx.FaultCommitUndone
	FaultCommitStands = tx.FaultCommitStands
	FaultBrokenOff    = tx.FaultBrokenOff
	FaultBeforeRerun  = tx.FaultBeforeRerun
	FaultRead         = tx.FaultRead
)

const (
	// Shards is how many parts the work that comes due is divided into.
	Shards = tx.Shards
	// SmallFile is the length of a database file that is rewritten in about a second.
	SmallFile = tx.SmallFile
	// SQLiteFile is the name of the embedded database in the data folder.
	SQLiteFile = tx.SQLiteFile
)

// The errors that a caller of this package can meet: see the kernel's for what each says. Test with errors.Is; the text of an
// error is for logs only and may name tables.
var (
	ErrNotFound      = tx.ErrNotFound
	ErrUnique        = tx.ErrUnique
	ErrConstraint    = tx.ErrConstraint
	ErrConflict      = tx.ErrConflict
	ErrCommitUnknown = tx.ErrCommitUnknown
	ErrUnavailable   = tx.ErrUnavailable
	ErrFull          = tx.ErrFull
	ErrBroken        = tx.ErrBroken
	ErrClosed        = tx.ErrClosed
	ErrReadOnly      = tx.ErrReadOnly
	ErrFolderInUse   = tx.ErrFolderInUse
	ErrLarge         = tx.ErrLarge
	ErrPooler        = tx.ErrPooler
	ErrToolsTellAll  = tx.ErrToolsTellAll
	ErrRestoring     = tx.ErrRestoring
	ErrNotEmpty      = tx.ErrNotEmpty
	ErrNoDatabase    = tx.ErrNoDatabase
	ErrSchemaOld     = tx.ErrSchemaOld
	ErrSchemaNewer   = tx.ErrSchemaNewer
	ErrAtWork        = tx.ErrAtWork
	ErrSchemaEdited  = tx.ErrSchemaEdited
	ErrSpread        = tx.ErrSpread
	ErrNoCluster     = tx.ErrNoCluster
)

// ServerError is the answer of a PostgreSQL server with that code, for tests' hooks at [FaultCommitUndone] and
// [FaultCommitStands].
func ServerError(code string) error { return tx.ServerError(code) }

// LateAfter is how long after the instant in its id a payment may be written and not be late.
const LateAfter = marks.LateAfter

// ShardOf returns the shard, 0 to Shards-1, of the thing with that key: a payment's, shop's or endpoint's id.
func ShardOf(key string) int64 { return tx.ShardOf(key) }

// Away reports that an error comes from the database and not from what it holds: whatever failed by it can be tried again as it is.
func Away(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrConflict) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
