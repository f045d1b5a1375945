package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// openVault has the secrets of the database sealed and opened. Where nothing was ever sealed it makes what that takes, if fresh
// is set, and leaves it at that otherwise; a database that holds sealed secrets never gets another master key in the place of one
// that is missing.
func (b *base) openVault(ctx context.Context, fresh bool) error {
	var keys []vault.DataKey
	err := b.db.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.DataKeys().List()
		return err
	})
	if err == nil && !fresh && len(keys) == 0 {
		return nil // a server makes them
	}
	if err == nil && len(keys) == 0 && b.config.MasterKey == "" {
		_, err = vault.LoadMasters(b.config.Data, rand.Reader)
	}
	if err != nil {
		return err
	}
	safe, err := vault.NewSafe(b.masters, time.Now)
	if err == nil {
		err = b.db.UseSafe(ctx, safe, rand.Reader, fresh)
	}
	place, _ := placeOf(&b.config) // it was understood before
	missing := new(vault.MissingMaster)
	switch {
	case errors.Is(err, fs.ErrNotExist) && b.config.MasterKey == "":
		return fmt.Errorf("there is no %s in %s, and secrets in %s are sealed: copy the file from another node or from where it is kept, "+
			"or say by --master-key where the key stands; without it they cannot be read", vault.MasterFile, folderOf(&b.config), place)
	case errors.As(err, &missing):
		return fmt.Errorf("the master key of %s is not the one that the secrets in %s need: %w; copy the right one from another node or from "+
			"where it is kept, or say by --master-key where it stands", b.masterPlace(), place, err)
	case err != nil:
		return fmt.Errorf("%s: master key: %w", place, err)
	}
	return nil
}

// masters reads the master keys from where they stand.
func (b *base) masters() (vault.Masters, error) {
	if b.config.MasterKey == "" {
		return vault.ReadMasters(b.config.Data)
	}
	text, err := config.ReadPlace(context.Background(), b.config.MasterKey, b.env)
	if err != nil {
		return nil, fmt.Errorf("--master-key: %w", err)
	}
	return vault.ParseMasters(text)
}

// mastersElsewhere is masters where they do not stand in the data folder, otherwise nil.
func (b *base) mastersElsewhere() func() (vault.Masters, error) {
	if b.config.MasterKey == "" {
		return nil
	}
	return b.masters
}

// masterPlace names where they stand.
func (b *base) masterPlace() string {
	if b.config.MasterKey == "" {
		return folderOf(&b.config)
	}
	return "--master-key"
}
