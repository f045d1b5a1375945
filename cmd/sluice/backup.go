package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/config"
)

type backupCommand struct {
	operator
	admin.TakeBackup
}

// Run has the serving process write the backup, or does it here when none serves this folder.
func (c *backupCommand) Run(s *surroundings) error {
	var err error
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return fmt.Errorf("backup folder: %w", err)
	}
	if c.Tools != "" {
		if c.Tools, err = filepath.Abs(c.Tools); err != nil {
			return fmt.Errorf("folder of PostgreSQL's programs: %w", err)
		}
	}
	return perform(s, &c.operator, admin.OpTakeBackup, c.TakeBackup, func(out io.Writer, b admin.Backup) error {
		if _, err := os.Stat(filepath.Join(b.Dir, admin.ManifestFile)); err != nil {
			return fmt.Errorf("the server has written the backup where this command does not see it (has it a /tmp of its own?): %w", err)
		}
		if err := describeBackup(out, "backup of", &b.Manifest, b.Dir); err != nil {
			return err
		}
		return describeMaster(out, &b.Manifest)
	})
}

// describeBackup prints what a backup holds.
func describeBackup(out io.Writer, what string, m *admin.Manifest, where string) error {
	_, err := fmt.Fprintf(out, "%s the %s database of %s: %d shops, %d payments, %d events, epoch %s\n%s\n",
		what, m.Database, m.Taken.Format(time.RFC3339), m.Rows["shop"], m.Rows["payment"], m.Rows["event"], m.Epoch, where)
	return err
}

// describeMaster says whether a backup can be restored by itself.
func describeMaster(out io.Writer, m *admin.Manifest) error {
	text := "the master key is in it: whoever has the backup can read what the database holds sealed"
	switch needed := strings.Join(m.MasterKeys, ", "); {
	case len(m.MasterKeys) == 0:
		return nil
	case !m.HoldsMaster():
		text = "the master key " + needed + " is NOT in it: keep it elsewhere, a restore needs it"
	}
	_, err := fmt.Fprintln(out, text)
	return err
}

type restoreCommand struct {
	config.Common
	shortly
	JSON          bool     `name:"json" help:"Print the answer as a JSON object."`
	Dir           string   `arg:"" help:"Folder of the backup."`
	Also          []string `name:"also" placeholder:"EPOCH" help:"Epoch of another installation that was restored from this backup, or a later one, and has run. It stands in its keys.json. Repeat it for each."`
	PostgresTools string   `name:"postgres-tools" placeholder:"DIR" help:"Folder of pg_restore. Where it is not named it is looked for."`
}

// Run makes a new data folder, and fills an empty PostgreSQL database where the backup is of one.
func (c *restoreCommand) Run(s *surroundings) error {
	loaded, err := config.Load(c.settings(&c.Common), s.env)
	if err != nil {
		return err
	}
	place := placeFor(s, loaded)
	done, err := admin.Restore(s.ctx, admin.RestoreBackup{
		Dir: c.Dir, Data: loaded.Data, Database: loaded.Database.Reveal(), Tools: c.PostgresTools, Also: c.Also,
		Masters: place.MastersElsewhere(s.ctx), Log: place.Log,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return document(s.out, done)
	}
	if err := describeBackup(s.out, "restored", &done.Manifest, loaded.Data); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "the epoch is %s from now on; of %d payments the providers are asked what happened after the backup\n", done.Epoch, done.Asked)
	if err == nil && len(done.Manifest.MasterKeys) > 0 && !done.Manifest.HoldsMaster() {
		_, err = fmt.Fprintf(s.out, "the servers need --master-key, too: the data folder has no %s\n", admin.MasterFile)
	}
	return err
}
