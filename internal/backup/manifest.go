package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

// Format is the version of the form of a backup's folder.
const Format = 1

// Names of the files in a backup's folder, beside the keys.
const (
	ManifestFile = "manifest.json"
	dumpFile     = "database.dump" // of PostgreSQL, in pg_dump's custom format
)

// Manifest says what a backup is. It is written last: a folder without it is no backup.
type Manifest struct {
	Format   int              `json:"format"`
	Sluice   string           `json:"sluice"` // version of the program
	Database store.Kind       `json:"database"`
	Server   int              `json:"server,omitempty"` // version of PostgreSQL, as it numbers itself
	Schema   int64            `json:"schema"`           // version of the newest migration
	Epoch    string           `json:"epoch"`            // of the installation
	Taken    time.Time        `json:"taken"`            // nothing that was acknowledged before is missing
	Rows     map[string]int64 `json:"rows"`
	Files    map[string]File  `json:"files"`

	// MasterKeys names the master keys that what is sealed in the database needs. They are in the backup only where its files
	// have one more; empty where nothing is sealed.
	MasterKeys []string `json:"masterKeyIds,omitempty"`

	also []string // files beside keys and database

	Home string `json:"schemaName,omitempty"` // the schema of PostgreSQL that the tables are in
}

// File is what a file of the backup has to be.
type File struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// ErrNoBackup says that a folder is no backup that this program understands, or has changed since it was made.
var ErrNoBackup = errors.New("no usable backup")

// Read reads the manifest of a backup and checks every file against it.
func Read(dir string) (Manifest, error) {
	raw, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, fmt.Errorf("%w: %s has no %s", ErrNoBackup, dir, ManifestFile)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("read backup: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return Manifest{}, fmt.Errorf("%w: %s: %w", ErrNoBackup, ManifestFile, err)
	}
	if m.Format != Format {
		return Manifest{}, fmt.Errorf("%w: its format is %d, this program reads %d", ErrNoBackup, m.Format, Format)
	}
	names := []string{m.databaseFile(), keysFile}
	if m.HoldsMaster() {
		names = append(names, masterFile)
	}
	for _, name := range names {
		want, named := m.Files[name]
		if !named {
			return Manifest{}, fmt.Errorf("%w: %s does not name %s", ErrNoBackup, ManifestFile, name)
		}
		have, err := fileOf(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return Manifest{}, fmt.Errorf("%w: %s is missing", ErrNoBackup, name)
		}
		if err != nil {
			return Manifest{}, fmt.Errorf("read backup: %w", err)
		}
		if have != want {
			return Manifest{}, fmt.Errorf("%w: %s is not the file that was written (%d bytes, sha256 %s)", ErrNoBackup, name, have.Bytes, have.SHA256)
		}
	}
	return m, nil
}

// HoldsMaster reports whether the backup has a master key in it.
func (m *Manifest) HoldsMaster() bool {
	_, held := m.Files[masterFile]
	return held
}

func (m *Manifest) databaseFile() string {
	if m.Database == store.Postgres {
		return dumpFile
	}
	return store.SQLiteFile
}

// fileOf reads a whole file.
func fileOf(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return File{n, hex.EncodeToString(sum.Sum(nil))}, err
}

// write adds the files to the manifest and stores it.
func (m *Manifest) write(dir string) error {
	m.Files = map[string]File{}
	for _, name := range append([]string{m.databaseFile(), keysFile}, m.also...) {
		f, err := fileOf(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("read what was written: %w", err)
		}
		m.Files[name] = f
	}
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("render manifest: %w", err)
	}
	return writeSynced(filepath.Join(dir, ManifestFile), append(raw, '\n'))
}
