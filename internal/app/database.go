package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/private"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// DatabasePlace says which database it is, without what opens it.
type DatabasePlace = store.Place

// PlaceOf returns which database the settings name.
func PlaceOf(c *config.Config) (DatabasePlace, error) {
	return store.PlaceOf(store.Options{URL: c.Database.Reveal(), Dir: c.Data})
}

// databaseChecked is the file of a data folder whose database is on another machine and has proved who it is, where the keys
// do not say that it has to. With it nothing less will do unless the URL says so.
const databaseChecked = "database-checked"

// open opens the database; only where fresh is set it may be new or old.
func (i *Installation) open(ctx context.Context, fresh bool) error {
	place, err := PlaceOf(&i.place.Config)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	err = i.openStore(ctx, fresh)
	switch {
	case errors.Is(err, store.ErrNoDatabase) && place.Kind == store.SQLite:
		return fmt.Errorf("%s: %w; where the server of this folder has PostgreSQL, --database has to name it", place, store.ErrNoDatabase)
	case errors.Is(err, store.ErrNoDatabase):
		return fmt.Errorf("%s: %w; \"sluice serve\" and \"sluice migrate\" make one", place, store.ErrNoDatabase)
	case errors.Is(err, store.ErrSchemaOld):
		return fmt.Errorf("%s: %w; \"sluice migrate\" brings it up to date, which other commands do not", place, err)
	case errors.Is(err, store.ErrSpread) && !i.place.Spread:
		return fmt.Errorf("%s: %w; \"sluice migrate --citus\" lays them out, and \"sluice doctor\" tells how they are", place, err)
	case err != nil:
		return fmt.Errorf("open database %s: %w", place, err)
	}
	if err = i.db.Resume(ctx); err != nil {
		_ = i.db.Close() // the first error says more
		return fmt.Errorf("open database %s: %w", place, err)
	}
	return nil
}

// spreadable refuses to lay out the tables of one file, before there is any.
func (i *Installation) spreadable() error {
	place, err := PlaceOf(&i.place.Config)
	if err == nil && i.place.Spread && place.Kind == store.SQLite {
		return fmt.Errorf("%w: --citus needs --database with the coordinator of a Citus; %s is one file", config.ErrInvalid, place)
	}
	return nil // what is wrong with the place is told when it is opened
}

// openStore opens the database of the configuration.
func (i *Installation) openStore(ctx context.Context, fresh bool) (err error) {
	established := i.place.Established()
	if i.db, err = store.Open(ctx, store.Options{
		URL: i.place.Database.Reveal(), Dir: i.place.Data, Migrate: fresh, Logger: i.place.Log, Now: i.place.Now, Established: established,
		Spread: i.place.Spread, Parts: i.place.Parts,
	}); err != nil {
		return err
	}
	if !established || !i.db.Checked() {
		return nil
	}
	const text = "The certificate of this installation's database is checked.\n"
	if err := private.WriteDurably(filepath.Join(i.place.Data, databaseChecked), []byte(text)); err != nil {
		_ = i.db.Close() // the first error says more
		return fmt.Errorf("data folder: %w", err)
	}
	i.place.Log.InfoContext(ctx, "the database has shown its certificate, and has to from now on, on this data folder; "+
		`"checkedDatabase": true in `+vault.KeyringFile+" says so for every node that gets that file")
	return nil
}

// Established reports an installation that there was before its database had to prove who it is. It is known by its keys,
// which do not say so, whatever folder they are in: the database cannot be asked yet, and a folder that holds nothing else
// may be that of a new node. Keys that are not there, or that cannot be read, are nobody's.
func (p *Place) Established() bool {
	keys, err := vault.ReadKeyring(p.Data)
	return err == nil && !keys.CheckedDatabase && !p.inFolder(databaseChecked)
}

// checkKeys makes sure that the keys of the data folder are the ones that belong to the database: with others no API key
// would be known and no page be found. A fresh database gets them.
func (i *Installation) checkKeys(ctx context.Context, fresh bool) error {
	place, err := PlaceOf(&i.place.Config)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	var proof string
	known := func(tx *store.Tx) (err error) {
		proof, err = tx.Installation().KnownProof()
		return err
	}
	err = i.db.View(ctx, known)
	if fresh && errors.Is(err, store.ErrNotFound) {
		err = i.db.Update(ctx, func(tx *store.Tx) (err error) {
			proof, err = tx.Installation().Proof(i.keys.Proof())
			return err
		})
	}
	if errors.Is(err, store.ErrUnique) { // another node was first
		err = i.db.View(ctx, known)
	}
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%s was never set up: \"sluice serve\" and \"sluice migrate\" do", place)
	}
	if err != nil {
		return fmt.Errorf("keys of the database: %w", err)
	}
	if i.restored, err = LastRestored(ctx, i.db); err != nil {
		return fmt.Errorf("restorations of the database: %w", err)
	}
	if proof != i.keys.Proof() {
		return fmt.Errorf("%s in %s belongs to another database than %s: copy the one that this database was set up with",
			vault.KeyringFile, FolderOf(&i.place.Config), place)
	}
	return nil
}

// inPod reports a process in a pod of Kubernetes, which tells every container where its own API is.
func inPod(env []string) bool {
	return slices.ContainsFunc(env, func(entry string) bool {
		name, value, _ := strings.Cut(entry, "=")
		return name == "KUBERNETES_SERVICE_HOST" && value != ""
	})
}
