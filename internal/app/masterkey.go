package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// openVault has the secrets of the database sealed and opened. Where nothing was ever sealed it makes what that takes, if fresh
// is set, and leaves it at that otherwise; a database that holds sealed secrets never gets another master key in the place of one
// that is missing.
func (i *Installation) openVault(ctx context.Context, fresh bool) error {
	var keys []vault.DataKey
	err := i.db.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.DataKeys().List()
		return err
	})
	if err == nil && !fresh && len(keys) == 0 {
		return nil // a server makes them
	}
	if err == nil && len(keys) == 0 && i.place.MasterKey == "" {
		_, err = vault.LoadMasters(i.place.Data, rand.Reader)
	}
	if err != nil {
		return err
	}
	safe, err := vault.NewSafe(i.place.masters(ctx), i.place.Now)
	if err == nil {
		err = i.db.UseSafe(ctx, safe, rand.Reader, fresh)
	}
	place, _ := PlaceOf(&i.place.Config) // it was understood before
	missing := new(vault.MissingMaster)
	switch {
	case errors.Is(err, fs.ErrNotExist) && i.place.MasterKey == "":
		return fmt.Errorf("there is no %s in %s, and secrets in %s are sealed: copy the file from another node or from where it is kept, "+
			"or say by --master-key where the key stands; without it they cannot be read", vault.MasterFile, FolderOf(&i.place.Config), place)
	case errors.As(err, &missing):
		return fmt.Errorf("the master key of %s is not the one that the secrets in %s need: %w; copy the right one from another node or from "+
			"where it is kept, or say by --master-key where it stands", i.place.masterPlace(), place, err)
	case err != nil:
		return fmt.Errorf("%s: master key: %w", place, err)
	}
	return nil
}

// masters returns what reads the master keys from where they stand, whenever that is: longer than ctx, too.
func (p *Place) masters(ctx context.Context) func() (vault.Masters, error) {
	if elsewhere := p.MastersElsewhere(ctx); elsewhere != nil {
		return elsewhere
	}
	return func() (vault.Masters, error) { return vault.ReadMasters(p.Data) }
}

// MastersElsewhere reads the master keys where they do not stand in the data folder; it is nil where they do.
func (p *Place) MastersElsewhere(ctx context.Context) func() (vault.Masters, error) {
	if p.MasterKey == "" {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	return func() (vault.Masters, error) {
		text, err := config.ReadPlace(ctx, p.MasterKey, p.Env)
		if err != nil {
			return nil, fmt.Errorf("--master-key: %w", err)
		}
		return vault.ParseMasters(text)
	}
}

// masterPlace names where they stand.
func (p *Place) masterPlace() string {
	if p.MasterKey == "" {
		return FolderOf(&p.Config)
	}
	return "--master-key"
}
