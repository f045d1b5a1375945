package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
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
	m, err := Read(t.Dir)
	if err != nil {
		return Restored{}, err
	}
	switch {
	case m.Database == store.SQLite && t.URL != "":
		return Restored{}, errors.New("the backup is of the embedded database: it cannot be restored into PostgreSQL")
	case m.Database == store.Postgres && t.URL == "":
		return Restored{}, errors.New("the backup is of PostgreSQL: name an empty database to restore into")
	}
	keys, err := vault.OpenKeyring(t.Dir)
	if err != nil {
		return Restored{}, err
	}
	if keys.Epoch != m.Epoch {
		return Restored{}, fmt.Errorf("%w: its keys are of the epoch %s, its manifest of %s", ErrNoBackup, keys.Epoch, m.Epoch)
	}
	for _, epoch := range t.Also {
		if !validEpoch(epoch) {
			return Restored{}, fmt.Errorf("%q is no epoch: an epoch is 8 hex digits, as in the manifest and in %s", epoch, keysFile)
		}
	}
	if err := empty(t.Data); err != nil {
		return Restored{}, err
	}
	_, err = os.Stat(t.Data)
	fresh := errors.Is(err, os.ErrNotExist)
	if err := os.MkdirAll(t.Data, 0o700); err != nil {
		return Restored{}, fmt.Errorf("data folder: %w", err)
	}
	done, err := t.restore(ctx, &m, keys)
	if err != nil && fresh {
		_ = os.Remove(t.Data) // only if nothing is in it
	}
	return done, err
}

func validEpoch(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == 8
}

// restore puts all together in a folder inside the new one, and then into its place: the keys last, without which no server
// takes the database.
func (t *Target) restore(ctx context.Context, m *Manifest, keys vault.Keyring) (done Restored, err error) {
	draft, err := os.MkdirTemp(t.Data, ".restoring-*") // 0700
	if err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	defer func() { _ = os.RemoveAll(draft) }() // what is left in it is not used
	renewed, err := keys.Renewed(t.Random)
	if err != nil {
		return done, err
	}
	if err := renewed.Store(draft); err != nil {
		return done, err
	}
	done = Restored{Manifest: *m, Epoch: renewed.Epoch}
	if m.Database == store.Postgres {
		err = t.intoPostgres(ctx, m, draft, func() error { return t.mark(ctx, m, draft, keys, renewed, &done) })
	} else if err = copyFile(filepath.Join(t.Dir, store.SQLiteFile), filepath.Join(draft, store.SQLiteFile)); err == nil {
		err = t.mark(ctx, m, draft, keys, renewed, &done)
	}
	if err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	for _, name := range []string{store.SQLiteFile, keysFile} {
		if m.Database == store.Postgres && name == store.SQLiteFile {
			continue
		}
		if err := os.Rename(filepath.Join(draft, name), filepath.Join(t.Data, name)); err != nil {
			return done, fmt.Errorf("restore: %w", err)
		}
		if err := sync(t.Data); err != nil {
			return done, err
		}
	}
	return done, nil
}

// intoPostgres loads the dump. Until mark has returned the database cannot be opened by anybody else.
func (t *Target) intoPostgres(ctx context.Context, m *Manifest, draft string, mark func() error) error {
	here, err := store.BeginRestore(ctx, t.URL)
	if err != nil {
		return err
	}
	if err := load(ctx, t, m, here, draft); err != nil { // nothing of it stands
		return errors.Join(err, store.EndRestore(context.WithoutCancel(ctx), t.URL))
	}
	if err := mark(); err != nil {
		return err
	}
	return store.EndRestore(context.WithoutCancel(ctx), t.URL)
}

// mark brings the database up to date and writes into it what a restore means.
func (t *Target) mark(ctx context.Context, m *Manifest, draft string, keys, renewed vault.Keyring, done *Restored) (err error) {
	db, err := store.Open(ctx, store.Options{URL: t.URL, Dir: draft, Migrate: true, Restoring: true, Logger: t.Log})
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, db.Close()); err == nil && m.Database == store.SQLite {
			err = whole(filepath.Join(draft, store.SQLiteFile))
		}
	}()
	bell := alarm.Bell{DB: db, IDs: id.NewSource(t.Now, t.Random), Now: t.Now, Log: t.Log}
	err = db.Update(ctx, func(tx *store.Tx) error {
		now := t.Now()
		tx.MarkRestored(store.Restoration{
			Epoch: renewed.Epoch, Lost: append([]string{m.Epoch}, t.Also...), Taken: m.Taken, Restored: now,
		}, keys.Proof(), renewed.Proof())
		bell.Write(tx, alarm.Alarm{
			About: alarm.Installation, Subject: renewed.Epoch, Why: whyRestored,
			Detail: "backup of " + m.Taken.Format(time.RFC3339) + ", restored " + now.UTC().Format(time.RFC3339),
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
		done.Asked, err = tx.CountLost()
		return err
	})
}
