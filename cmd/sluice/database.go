package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sluicepay/sluice/internal/private"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// databaseChecked is the file of a data folder whose database is on another machine and has proved who it is. With it, and
// in a folder that is new, nothing less will do unless the URL says so.
const databaseChecked = "database-checked"

// openStore opens the database of the configuration. An installation that there was before is known by the keys in its
// folder: its database is not there yet to ask.
func (b *base) openStore(ctx context.Context, fresh bool) (err error) {
	if b.db, err = store.Open(ctx, store.Options{
		URL: b.config.Database.Reveal(), Dir: b.config.Data, Migrate: fresh, Logger: b.log,
		Established: b.established(),
	}); err != nil {
		return err
	}
	if !b.db.Checked() || b.inFolder(databaseChecked) {
		return nil
	}
	const text = "The certificate of this installation's database is checked.\n"
	if err := private.WriteDurably(filepath.Join(b.config.Data, databaseChecked), []byte(text)); err != nil {
		_ = b.db.Close() // the first error says more
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}

// established reports an installation that there was before its database had to prove who it is. It is known by the keys
// in its folder: the database cannot be asked yet.
func (b *base) established() bool {
	return b.inFolder(vault.KeyringFile) && !b.inFolder(databaseChecked)
}

func (b *base) inFolder(name string) bool {
	_, err := fs.Stat(os.DirFS(b.config.Data), name)
	return err == nil
}
