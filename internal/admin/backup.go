package admin

import (
	"context"

	"github.com/sluicepay/sluice/internal/backup"
	"github.com/sluicepay/sluice/internal/vault"
)

// Manifest is what a backup says of itself.
type Manifest = backup.Manifest

// Names of files, as operators are told them.
const (
	ManifestFile = backup.ManifestFile // of a backup
	MasterFile   = vault.MasterFile    // of a data folder, and of a backup that holds the master key
)

// TakeBackup says where a backup goes.
type TakeBackup struct {
	Dir      string `arg:"" name:"dir" help:"New or empty folder for the backup, on this machine." json:"dir"`
	NoMaster bool   `name:"without-master-key" help:"Leave the master key out, which has to be kept elsewhere then: without it what the database holds sealed is lost. One that does not stand in the data folder is always left out." json:"withoutMasterKey,omitempty"`

	Tools string `name:"postgres-tools" placeholder:"DIR" help:"Folder of pg_dump, which must not be older than the server. Where it is not named it is looked for." json:"tools,omitempty"`
}

// Backup is a backup that was taken.
type Backup struct {
	Dir string `json:"dir"`
	backup.Manifest
}

// takeBackup writes keys and database into a folder: see backup.Take. It needs the right TakeBackups.
func (d *Desk) takeBackup(ctx context.Context, c TakeBackup) (Backup, error) {
	var masters vault.Masters
	if d.c.MasterFolder != "" && !c.NoMaster {
		var err error
		if masters, err = vault.ReadMasters(d.c.MasterFolder); err != nil {
			return Backup{}, err
		}
	}
	m, err := backup.Take(ctx, backup.Source{
		DB: d.c.DB, Keys: d.c.Keys, Masters: masters, URL: d.c.Database, Tools: c.Tools, Version: d.c.Version, Now: d.c.Now,
	}, c.Dir)
	return Backup{c.Dir, m}, err
}
