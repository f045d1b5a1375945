package tx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sluicepay/sluice/internal/store/turns"
)

const (
	// maxRuns bounds how often one Update or View runs its body.
	maxRuns = 20
	// maxTurns is maxRuns for an Update that has its turn in this process. Only other processes can be
	// faster then, one of them each time, so that this many losses in a row do not happen by chance.
	maxTurns = 200
)

// Tx is one run of a transaction body. It is valid until the body returns and only in the body's own
// goroutine. The tables read and write by it; what is above them gets it only in the form that they give it.
type Tx struct {
	db       *DB
	ctx      context.Context //nolint:containedctx // the caller's; a Tx lives no longer than the call
	now      time.Time
	readOnly bool
	unsure   bool
	set      *writeSet
	versions int   // of the writes, how many at the beginning were queued by version
	mistake  error // programmer's mistake: fails the transaction
	rerun    error // a read asked for another run
	after    []func()
	check    Check // what looks at every write of the context; nil for none
	source   reads // what it reads by, while that is a snapshot
}

// Now returns the instant of this run of the body, UTC, in whole microseconds. It does not move while
// the body runs.
func (tx *Tx) Now() time.Time { return tx.now }

// After has f called when the writes of this run are committed, in the caller's goroutine.
// Whatever matters must be in the writes: a process can end before f is called.
func (tx *Tx) After(f func()) { tx.after = append(tx.after, f) }

// MaybeCommitted reports that an earlier run of this body may have been committed, although its
// acknowledgement was lost. The body must then look for its own ids first, and return an error if it
// cannot tell. It looks for those of every run before: the server may not have finished one when the next
// looked. Then a version that was read has changed, or a key is taken, and the body runs once more. Once
// true it stays true for all further runs.
func (tx *Tx) MaybeCommitted() bool { return tx.unsure }

// Again says that what this run has read does not fit together, because somebody wrote in between: whatever the body
// returns, it runs again with fresh reads. The error is there to be returned.
func (tx *Tx) Again() error {
	tx.rerun = errRetry
	return errRetry
}

// Log tells what the tables have noticed, in the context that the caller of Update or View gave.
func (tx *Tx) Log(level slog.Level, text string, args ...any) {
	tx.db.log.Log(tx.ctx, level, text, args...)
}

// Kind tells which database this is.
func (tx *Tx) Kind() Kind { return tx.db.kind }

// Spread reports that the tables are on many nodes: see [Tables.Spread].
func (tx *Tx) Spread() bool { return tx.db.spread }

// Owner is what the tables gave to Open as their own.
func (tx *Tx) Owner() any { return tx.db.tables.Owner }

// Update runs body and then writes, all or nothing, what it queued. It returns nil only when the writes
// are durable.
//
// The body may run several times, each time with fresh reads: when a guarded write missed, when the
// database asked for it, and after a commit whose outcome is unknown. So it must not do anything but
// use the Tx and set variables of its caller afresh.
//
// Bodies of this process that name the same thing by LockKey and lose against each other run one after
// the other from then on, in the order in which they lost: see package turns.
//
// Errors: the body's own; *[UniqueError]; those of the context's [Check]; [ErrConstraint]; [ErrConflict] after 20 runs, or 200 where only
// other processes could be faster; [ErrUnavailable], [ErrFull], [ErrBroken], [ErrClosed]; [ErrCommitUnknown];
// the context's, with nothing written.
// A caller whose context ends while its writes are being committed still waits for their outcome.
func (db *DB) Update(ctx context.Context, body func(*Tx) error) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	return db.update(ctx, body)
}

// update is Update for a caller that was counted in.
func (db *DB) update(ctx context.Context, body func(*Tx) error) error {
	if err := db.broken.failure(); err != nil {
		return err
	}
	var unsure bool
	var maybe []Row                            // by runs whose commit may come at any time
	defer func() { db.stampAgain(maybe, 0) }() //nolint:contextcheck // goes on when the caller has left
	mine := db.turns.At()
	defer mine.Leave()
	limit := maxRuns
	stumbled := false // over a unique key, in the last run, while an earlier one may stand
	for run, lost := 1, 0; ; run++ {
		tx := db.begin(ctx)
		tx.unsure = unsure
		err := tx.run(body)
		if err == nil && len(tx.set.writes) > 0 {
			err = db.submitInTurn(ctx, tx.set, &mine)
		}
		away := errors.Is(err, ErrUnavailable)
		switch {
		case err == nil:
			for _, f := range tx.after {
				f()
			}
			return nil
		case errors.Is(err, errLost):
			unsure, stumbled = true, false
			maybe = append(maybe, tx.set.changed...)
			mine.Leave()
			db.beforeRerun(tx.set)
		case errors.Is(err, errRetry):
		case unsure && errors.Is(err, ErrUnique) && !stumbled:
			// The key may be of a run before, which the server had not finished when this one looked. It has now.
			stumbled = true
		case unsure && away && !errors.Is(err, ErrClosed) && !errors.Is(err, ErrBroken) && !db.closing():
			// The database is still away. Only it knows the outcome, so keep asking, but not who wants to end.
		default:
			return outcome(unsure, err)
		}
		db.stats.reruns.Add(1)
		if run >= limit {
			return outcome(unsure, gaveUp(run, err))
		}
		if unsure || away { // nobody has to stand in line for a database that is away
			mine.Leave()
			limit = min(limit, run+maxRuns)
		} else if fresh, err := mine.Join(ctx, tx.set.keys); err != nil {
			return err
		} else if fresh {
			limit, lost = maxTurns, 0
			continue
		}
		lost++
		if err := db.pause(ctx, lost, unsure); err != nil {
			return outcome(unsure, err)
		}
	}
}

// submitInTurn is submit for a body that must not overtake those who stand in line for what it changes.
func (db *DB) submitInTurn(ctx context.Context, set *writeSet, mine *turns.Place) error {
	if mine.Outside(set.keys) {
		return missedGuard("others are in line")
	}
	return db.submit(ctx, set)
}

// View runs body, which may only read. Each read sees what was committed when it began; reads of one
// body are not one snapshot. The body may run again after a serialization failure. Errors: the body's
// own, [ErrReadOnly], [ErrUnavailable], [ErrConflict], the context's.
func (db *DB) View(ctx context.Context, body func(*Tx) error) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	for run := 1; ; run++ {
		tx := db.begin(ctx)
		tx.readOnly = true
		err := tx.run(body)
		if !errors.Is(err, errRetry) {
			return err
		}
		db.stats.reruns.Add(1)
		if run == maxRuns {
			return gaveUp(run, err)
		}
		if err := db.pause(ctx, run, false); err != nil {
			return err
		}
	}
}

// gaveUp is the error after the last run: the database is away, or others were always faster.
func gaveUp(runs int, last error) error {
	if errors.Is(last, ErrUnavailable) {
		return last
	}
	return fmt.Errorf("%w: %d runs, last: %s", ErrConflict, runs, last.Error())
}

// outcome adds ErrCommitUnknown to the error of a transaction of which an earlier run may stand. A body
// that looked for its ids and returned an error of its own has told, so its error is left alone only
// when it says nothing about the database.
func outcome(unsure bool, err error) error {
	if !unsure {
		return err
	}
	for _, kind := range []error{ErrUnique, ErrConstraint, ErrConflict, ErrUnavailable, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return fmt.Errorf("%w: %w", ErrCommitUnknown, err)
		}
	}
	return err
}

func (db *DB) begin(ctx context.Context) *Tx {
	return &Tx{
		db:    db,
		ctx:   ctx,
		check: checkOf(ctx),
		now:   db.now().UTC().Truncate(time.Microsecond),
		set:   &writeSet{start: db.commits.Load(), done: make(chan error, 1)},
	}
}

// run calls the body and returns what came of it before anything is written. A read that asked for
// another run wins over whatever the body made of it.
func (tx *Tx) run(body func(*Tx) error) error {
	if err := tx.ctx.Err(); err != nil {
		return fmt.Errorf("transaction not begun: %w", err)
	}
	err := body(tx)
	switch {
	case tx.rerun != nil:
		return tx.rerun
	case tx.mistake != nil:
		return tx.mistake
	}
	return err
}

func (tx *Tx) read(all []read) error {
	if err := tx.db.unread(); err != nil {
		return err
	}
	source := tx.source
	if source == nil {
		source = tx.db.reader
	}
	err := source.read(tx.ctx, all)
	if errors.Is(err, errRetry) {
		tx.rerun = err
	}
	return err
}

// pause waits before a run after so many that were lost: not at all after the first miss, then up to 64 ms at random, so
// that bodies that met do not meet again. While an outcome is unknown it gives the database up to a
// second each time.
func (db *DB) pause(ctx context.Context, lost int, unsure bool) error {
	limit := min(time.Millisecond<<min(lost, 6), 64*time.Millisecond)
	if unsure {
		limit = min(25*time.Millisecond<<min(lost, 6), time.Second)
	} else if lost == 1 {
		return nil
	}
	timer := time.NewTimer(db.jitter(limit))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting to run again: %w", ctx.Err())
	}
}
