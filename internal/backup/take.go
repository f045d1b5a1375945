package backup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// Source is the installation to back up. It may be serving.
type Source struct {
	DB      *store.DB
	Keys    vault.Keyring
	Masters vault.Masters // master keys that the backup holds, too; none where they are kept elsewhere
	URL     string        // of PostgreSQL
	Tools   string        // folder of PostgreSQL's client programs; where it is empty they are looked for
	Version string        // of this program
	Now     func() time.Time
}

// Take writes a backup into dir, an absolute path that is new or an empty folder. It is whole when Take returns nil, and not
// there otherwise. Nothing that was acknowledged before the call is missing.
func Take(ctx context.Context, s Source, dir string) (Manifest, error) {
	m := Manifest{Format: Format, Sluice: s.Version, Database: s.DB.Kind(), Epoch: s.Keys.Epoch, Taken: s.Now().UTC()}
	if !filepath.IsAbs(dir) {
		return m, fmt.Errorf("backup into %q: the path has to be absolute", dir)
	}
	if err := empty(dir); err != nil {
		return m, err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	draft, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".partial-*") // 0700
	if err != nil {
		return m, fmt.Errorf("backup into %s: %w", dir, err)
	}
	defer func() { _ = os.RemoveAll(draft) }() // renamed when it is whole
	if err := s.fill(ctx, &m, draft); err != nil {
		if ctx.Err() != nil { // whatever that made fail
			err = ctx.Err()
		}
		return m, fmt.Errorf("backup into %s: %w", dir, err)
	}
	if err := os.Remove(dir); err != nil && !os.IsNotExist(err) { // an empty one
		return m, fmt.Errorf("backup into %s: it cannot be replaced, name a new folder inside it: %w", dir, err)
	}
	if err := os.Rename(draft, dir); err != nil {
		return m, fmt.Errorf("backup into %s: %w", dir, err)
	}
	return m, sync(parent)
}

// fill writes keys, database and manifest into the draft. The keys of an installation never change while it runs, so whatever
// the database holds was made with them.
func (s Source) fill(ctx context.Context, m *Manifest, draft string) (err error) {
	if err := s.Keys.Store(draft); err != nil {
		return err
	}
	if m.MasterKeys, err = s.needed(ctx); err != nil {
		return err
	}
	if len(s.Masters) > 0 {
		m.also = []string{masterFile}
		if err := s.Masters.Store(draft); err != nil {
			return err
		}
	}
	var held store.Inventory
	path := filepath.Join(draft, m.databaseFile())
	if m.Database == store.Postgres {
		held, err = s.dump(ctx, m, path)
	} else {
		held, err = s.DB.CopyTo(ctx, path)
	}
	if err != nil {
		return err
	}
	m.Schema, m.Rows = held.Schema, held.Rows
	if err := s.checkMasters(ctx, m); err != nil {
		return err
	}
	if err := m.write(draft); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return sync(draft)
}

// checkMasters makes sure that the master keys in the backup are those that its database needs, also where the wrapping was
// changed while it was copied.
func (s Source) checkMasters(ctx context.Context, m *Manifest) error {
	after, err := s.needed(ctx)
	if err != nil {
		return err
	}
	m.MasterKeys = slices.Compact(slices.Sorted(slices.Values(append(after, m.MasterKeys...))))
	for _, id := range m.MasterKeys {
		if len(s.Masters) > 0 && !slices.Contains(s.Masters.IDs(), id) {
			return fmt.Errorf("the master key was replaced by %s meanwhile: take the backup again", id)
		}
	}
	return nil
}

// needed names the master keys without which what is sealed in the database cannot be read.
func (s Source) needed(ctx context.Context) ([]string, error) {
	var ids []string
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		keys, err := tx.DataKeys().List()
		for _, k := range keys {
			ids = append(ids, k.Master)
		}
		return err
	})
	slices.Sort(ids)
	return slices.Compact(ids), err
}
