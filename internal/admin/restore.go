package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/backup"
	"github.com/sluicepay/sluice/internal/vault"
)

// RestoreBackup says what to restore and where to.
type RestoreBackup struct {
	Dir      string   // of the backup
	Data     string   // the new data folder
	Database string   // URL of PostgreSQL, an empty database; empty for SQLite
	Tools    string   // folder of PostgreSQL's programs; where it is empty they are looked for
	Also     []string // epochs of installations that were restored from this backup, or a later one, and have run

	Masters func() (vault.Masters, error) // reads the master keys where they are not in the backup
	Log     *slog.Logger
}

// Restored is what came of a restore.
type Restored = backup.Restored

// Restore makes a new installation of a backup: see backup.Restore. It needs the right RestoreBackups, and no desk: there is
// no installation yet.
func Restore(ctx context.Context, c RestoreBackup) (Restored, error) {
	slices.Sort(c.Also)
	done, err := backup.Restore(ctx, backup.Target{
		Dir: c.Dir, Data: c.Data, URL: c.Database, Tools: c.Tools, Also: slices.Compact(c.Also), Masters: c.Masters,
		Now: time.Now, Random: rand.Reader, Log: c.Log,
	})
	switch {
	case errors.Is(err, backup.ErrNoMaster):
		return done, fmt.Errorf("%w: say by --master-key where it stands", err)
	case errors.Is(err, backup.ErrTaken):
		return done, fmt.Errorf("%w: a restore makes a new installation, name a new folder by --data", err)
	}
	return done, err
}
