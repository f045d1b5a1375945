package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// Target says what to restore and where to.
type Target struct {
	Dir   string // of the backup
	Data  string // the new data folder
	URL   string // of PostgreSQL, an empty database; empty for SQLite
	Tools string // folder of PostgreSQL's client programs; where it is empty they are looked for

	// Masters reads the master keys where they are not in the backup.
	Masters func() (vault.Masters, error)

	// Also names the epochs of installations that were restored from the same backup, or a later one, and have run.
	Also []string

	Now    func() time.Time
	Random io.Reader
	Log    *slog.Logger
}

// Restored is what came of a restore.
type Restored struct {
	Manifest Manifest `json:"backup"`
	Epoch    string   `json:"epoch"` // that the installation has from now on
	Asked    int64    `json:"asked"` // payments whose providers have to be asked what happened to them after the backup
}

// whyRestored is what a human is told.
const whyRestored = "the installation was restored from a backup: what happened between the backup and now is known to others only"

// Restore makes a new installation of a backup. Nothing may run any more of what was backed up. It refuses a folder and a
// database that hold something. The installation gets a new epoch, and what has to be asked about is marked: see payment/lost.go.
func Restore(ctx context.Context, t Target) (Restored, error) {
	r, err := begin(t)
	if err != nil {
		return Restored{}, err
	}
	_, err = os.Stat(t.Data)
	fresh := errors.Is(err, os.ErrNotExist)
	if err := os.MkdirAll(t.Data, 0o700); err != nil {
		return Restored{}, fmt.Errorf("data folder: %w", err)
	}
	if err = r.run(ctx); err != nil {
		if fresh {
			_ = os.Remove(t.Data) // only if nothing is in it
		}
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	return r.done, nil
}

// restoring is a restore that is under way.
type restoring struct {
	Target
	was, renewed vault.Keyring
	masters      vault.Masters // of the backup
	draft        string        // folder in which all is put together
	done         Restored
}

// begin reads the backup and refuses what cannot be restored as it was asked for.
func begin(t Target) (*restoring, error) {
	m, err := Read(t.Dir)
	if err != nil {
		return nil, err
	}
	switch {
	case m.Database == store.SQLite && t.URL != "":
		return nil, errors.New("the backup is of the embedded database: it cannot be restored into PostgreSQL")
	case m.Database == store.Postgres && t.URL == "":
		return nil, errors.New("the backup is of PostgreSQL: name an empty database to restore into by --database")
	}
	r := &restoring{Target: t, done: Restored{Manifest: m}}
	if r.was, err = vault.ReadKeyring(t.Dir); err != nil {
		return nil, err
	}
	if r.was.Epoch != m.Epoch {
		return nil, fmt.Errorf("%w: its keys are of the epoch %s, its manifest of %s", ErrNoBackup, r.was.Epoch, m.Epoch)
	}
	for _, epoch := range t.Also {
		if !validEpoch(epoch) {
			return nil, fmt.Errorf("%q is no epoch: an epoch is 8 hex digits, as in the manifest and in %s", epoch, keysFile)
		}
	}
	if r.renewed, err = r.was.Renewed(t.Random); err != nil {
		return nil, err
	}
	r.done.Epoch = r.renewed.Epoch
	if err := r.findMasters(); err != nil {
		return nil, err
	}
	return r, empty(t.Data)
}

// ErrNoMaster says that nobody has the master key without which what is sealed in a backup is lost.
var ErrNoMaster = errors.New("the master key is missing")

// findMasters makes sure that what is sealed in the database can be opened afterwards.
func (r *restoring) findMasters() (err error) {
	needed := r.done.Manifest.MasterKeys
	var have vault.Masters
	switch {
	case r.done.Manifest.HoldsMaster():
		if r.masters, err = vault.ReadMasters(r.Dir); err != nil {
			return fmt.Errorf("%w: %w", ErrNoBackup, err)
		}
		have = r.masters
	case len(needed) > 0 && r.Masters != nil:
		if have, err = r.Masters(); err != nil {
			return err
		}
	}
	for _, id := range needed {
		if !slices.Contains(have.IDs(), id) {
			return fmt.Errorf("%w: the backup's secrets are sealed, and it does not hold the master key %s that they need", ErrNoMaster, id)
		}
	}
	return nil
}

func validEpoch(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == 8
}

// run puts all together in a folder inside the new one, and then into its place: the keys last, without which no server takes
// the database.
func (r *restoring) run(ctx context.Context) (err error) {
	if r.draft, err = os.MkdirTemp(r.Data, ".restoring-*"); err != nil { // 0700
		return err
	}
	defer func() { _ = os.RemoveAll(r.draft) }() // what is left in it is not used
	if err := r.renewed.Store(r.draft); err != nil {
		return err
	}
	names := []string{store.SQLiteFile, keysFile}
	if len(r.masters) > 0 {
		if err := r.masters.Store(r.draft); err != nil {
			return err
		}
		names = []string{store.SQLiteFile, masterFile, keysFile}
	}
	if r.done.Manifest.Database == store.Postgres {
		names = names[1:]
		err = r.intoPostgres(ctx)
	} else {
		err = r.intoFolder(ctx)
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(r.draft, name), filepath.Join(r.Data, name)); err != nil {
			return err
		}
		if err := sync(r.Data); err != nil {
			return err
		}
	}
	return nil
}

func (r *restoring) intoFolder(ctx context.Context) error {
	path := filepath.Join(r.draft, store.SQLiteFile)
	if err := copyFile(filepath.Join(r.Dir, store.SQLiteFile), path); err != nil {
		return err
	}
	if err := r.mark(ctx); err != nil {
		return err
	}
	return whole(path)
}

// intoPostgres loads the dump. Until what a restore means is written the database cannot be opened by anybody else.
func (r *restoring) intoPostgres(ctx context.Context) error {
	here, err := store.BeginRestore(ctx, r.URL)
	if err != nil {
		return err
	}
	if err := r.load(ctx, here); err != nil { // nothing of it stands
		return errors.Join(err, store.EndRestore(context.WithoutCancel(ctx), r.URL))
	}
	if err := r.mark(ctx); err != nil {
		return err
	}
	return store.EndRestore(context.WithoutCancel(ctx), r.URL)
}

// mark brings the database up to date and writes into it what a restore means.
func (r *restoring) mark(ctx context.Context) (err error) {
	db, err := store.Open(ctx, store.Options{URL: r.URL, Dir: r.draft, Migrate: true, Restoring: true, Logger: r.Log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	taken := r.done.Manifest.Taken
	bell := alarm.Notifier{DB: db, IDs: id.NewSource(r.Now, r.Random), Now: r.Now, Log: r.Log}
	err = db.Update(ctx, func(tx *store.Tx) error {
		now := r.Now()
		tx.Installation().MarkRestored(store.Restoration{
			Epoch: r.renewed.Epoch, Lost: append([]string{r.was.Epoch}, r.Also...), Taken: taken, Restored: now,
		}, r.was.Proof(), r.renewed.Proof())
		bell.Write(tx, alarm.Alarm{
			About: alarm.Installation, Subject: r.renewed.Epoch, Why: whyRestored,
			Detail: "backup of " + taken.Format(time.RFC3339) + ", restored " + now.UTC().Format(time.RFC3339),
		})
		return nil
	})
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%w: its keys do not belong to its database", ErrNoBackup)
	}
	if err != nil {
		return err
	}
	return db.View(ctx, func(tx *store.Tx) (err error) {
		r.done.Asked, err = tx.Payments().CountLost()
		return err
	})
}
