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

// databaseChecked is the file of a data folder whose database is on another machine and has proved who it is, where the keys
// do not say that it has to. With it nothing less will do unless the URL says so.
const databaseChecked = "database-checked"

// openStore opens the database of the configuration.
func (b *base) openStore(ctx context.Context, fresh bool) (err error) {
	established := b.established()
	if b.db, err = store.Open(ctx, store.Options{
		URL: b.config.Database.Reveal(), Dir: b.config.Data, Migrate: fresh, Logger: b.log, Established: established,
	}); err != nil {
		return err
	}
	if !established || !b.db.Checked() {
		return nil
	}
	const text = "The certificate of this installation's database is checked.\n"
	if err := private.WriteDurably(filepath.Join(b.config.Data, databaseChecked), []byte(text)); err != nil {
		_ = b.db.Close() // the first error says more
		return fmt.Errorf("data folder: %w", err)
	}
	b.log.InfoContext(ctx, "the database has shown its certificate, and has to from now on, on this data folder; "+
		`"checkedDatabase": true in `+vault.KeyringFile+" says so for every node that gets that file")
	return nil
}

// established reports an installation that there was before its database had to prove who it is. It is known by its keys,
// which do not say so, whatever folder they are in: the database cannot be asked yet, and a folder that holds nothing else
// may be that of a new node. Keys that are not there, or that cannot be read, are nobody's.
func (b *base) established() bool {
	keys, err := vault.ReadKeyring(b.config.Data)
	return err == nil && !keys.CheckedDatabase && !b.inFolder(databaseChecked)
}

func (b *base) inFolder(name string) bool {
	_, err := fs.Stat(os.DirFS(b.config.Data), name)
	return err == nil
}
