package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/address"
	"github.com/sluicepay/sluice/internal/audit"
	"github.com/sluicepay/sluice/internal/checkout"
	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/private"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// maxInFlight is how many requests of merchants run at a time, of which one shop may have as many as it leaves free: half
// of them, if it is alone. One more is answered 429, before anything of it is stored.
const maxInFlight = 2048

// Place says where an installation is.
type Place struct {
	config.Config
	// Env is the environment of the process: the master key may stand there.
	Env []string
	// Now is the clock of everything that is done there; time.Now when nil.
	Now func() time.Time
	// Log gets what is to be said of the folder and the database.
	Log *slog.Logger
	// Files are the names of what the program keeps in the data folder beside what an Installation does.
	Files []string
	// Spread lays the tables out on the nodes of a Citus, in so many Parts: see [store.Options].
	Spread bool
	Parts  int
}

func (p Place) withDefaults() Place {
	if p.Now == nil {
		p.Now = time.Now
	}
	return p
}

// Installation is a data folder with its keys, and the database that belongs to it, open.
type Installation struct {
	place    Place
	db       *store.DB
	keys     vault.Keyring
	restored time.Time // the last time, if ever
	types    []connector.Type
}

// Make opens the installation of a server: it makes the folder, the keys and the database, or brings them up to date.
func Make(ctx context.Context, p Place) (*Installation, error) { return openOrMake(ctx, p, true) }

// Migrate is Make, and makes the master key of an installation that has none only where it makes the installation: what
// migrates may do so in a folder that is thrown away.
func Migrate(ctx context.Context, p Place) (*Installation, error) { return openOrMake(ctx, p, false) }

func openOrMake(ctx context.Context, p Place, serves bool) (*Installation, error) {
	i := &Installation{place: p.withDefaults()}
	if err := errors.Join(i.spreadable(), i.declared()); err != nil {
		return nil, err
	}
	i.secureMemory(ctx)
	if err := i.secureFolder(ctx, true); err != nil {
		return nil, err
	}
	if err := i.open(ctx, true); err != nil {
		return nil, err
	}
	serves = serves || !i.place.inFolder(vault.KeyringFile)
	var err error
	if i.keys, err = vault.LoadKeyring(p.Data, rand.Reader); err == nil {
		err = i.checkKeys(ctx, true)
	}
	if err == nil {
		err = i.openVault(ctx, serves || p.MasterKey != "" || i.place.inFolder(vault.MasterFile))
	}
	if err != nil {
		_ = i.db.Close() // the first error says more
		return nil, err
	}
	return i, nil
}

// Open opens an installation that is there and as this program has it. It makes and migrates nothing.
func Open(ctx context.Context, p Place) (_ *Installation, err error) {
	i := &Installation{place: p.withDefaults()}
	if err := i.declared(); err != nil {
		return nil, err
	}
	i.secureMemory(ctx)
	if err := i.secureFolder(ctx, false); err != nil {
		return nil, err
	}
	if i.keys, err = vault.ReadKeyring(p.Data); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no installation in %s: it has no %s. --data names the folder of the server; \"sluice serve\" and \"sluice migrate\" make one",
			FolderOf(&p.Config), vault.KeyringFile)
	}
	if err != nil {
		return nil, err
	}
	if err := i.open(ctx, false); err != nil {
		return nil, err
	}
	if err = i.checkKeys(ctx, false); err == nil {
		err = i.openVault(ctx, p.MasterKey != "" || i.place.inFolder(vault.MasterFile))
	}
	if err != nil {
		_ = i.db.Close() // the first error says more
		return nil, err
	}
	return i, nil
}

// declared reads which types of connectors there are.
func (i *Installation) declared() (err error) {
	i.types, err = connectorTypes(i.place.Connectors)
	return err
}

// Close closes the database, when everything that works on it has ended.
func (i *Installation) Close() error { return i.db.Close() }

// DB is the database, for tests: what the program does with an installation it does through an App.
func (i *Installation) DB() *store.DB { return i.db }

// Kind names the kind of the database.
func (i *Installation) Kind() string { return string(i.db.Kind()) }

// Fails waits until ctx ends, or until the storage of the database fails; then the process has to end: another one has to read
// from the disk what is really there.
func (i *Installation) Fails(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-i.db.Broken():
		return i.db.Failure()
	}
}

// Config is that of an App on this installation as its settings have it.
func (i *Installation) Config(publicURL, version string) Config {
	c := Config{
		DB: i.db, Keys: i.keys, Restored: i.restored, Log: i.place.Log, Now: i.place.Now, PublicURL: publicURL, Version: version, TrustedProxies: i.place.TrustedProxies,
		Hooks: hookGuard(&i.place.Config), InsecureHTTP: i.place.InsecureHTTP, NeverKeepCards: i.place.NeverKeepCards, MaxInFlight: maxInFlight, Rates: checkout.DefaultRates(),
		Database: i.place.Database.Reveal(), Connectors: i.types, AuditHeads: filepath.Join(i.place.Data, audit.HeadsFile),
	}
	if i.place.MasterKey == "" {
		c.MasterFolder = i.place.Data
	}
	return c
}

// hookGuard says where merchants' endpoints may be.
func hookGuard(c *config.Config) outbound.Guard {
	networks := slices.Clone(c.PrivateWebhooks)
	if c.Demo { // its receivers are on the developer's machine
		networks = append(networks, address.LoopbackNetworks()...)
	}
	return outbound.GuardAlso(networks...)
}

// FolderOf is the whole path of a data folder.
func FolderOf(c *config.Config) string {
	if path, err := filepath.Abs(c.Data); err == nil {
		return path
	}
	return c.Data
}

func (p *Place) inFolder(name string) bool {
	_, err := fs.Stat(os.DirFS(p.Data), name)
	return err == nil
}

// DataFiles are the names of everything that an installation keeps in its data folder.
func DataFiles() []string {
	return []string{
		vault.KeyringFile, ".keys-*", "sluice.db", "sluice.db-*", "sluice.lock",
		vault.MasterFile, ".master-*", databaseChecked, "." + databaseChecked + ".*",
	}
}

// secureMemory comes before any key is read.
func (i *Installation) secureMemory(ctx context.Context) {
	if i.place.AllowDebug {
		i.place.Log.WarnContext(ctx, "debuggers may attach and core dumps may be written: keys and cards can be read by them")
		return
	}
	if err := private.Memory(); err != nil {
		i.place.Log.WarnContext(ctx, "the memory of this process is open to others of its user", "error", err)
	}
}

// secureFolder makes the data folder where it may, and sees to it that only its owner can get at what is in it.
func (i *Installation) secureFolder(ctx context.Context, fresh bool) error {
	folder := private.Folder{
		Path: i.place.Data, Make: fresh, Files: append(DataFiles(), i.place.Files...), Keys: vault.KeyringFile, Pod: inPod(i.place.Env),
	}
	warnings, err := folder.Secure()
	for _, w := range append(i.place.Warnings, warnings...) {
		i.place.Log.WarnContext(ctx, w)
	}
	return err
}
