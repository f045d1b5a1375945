package backup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/sluicepay/sluice/internal/vault"
)

const (
	keysFile   = vault.KeyringFile
	masterFile = vault.MasterFile
)

// ErrTaken says that a folder that has to be new or empty is not.
var ErrTaken = errors.New("the folder is not empty")

// harmless are names that an empty data folder may have: of a file system that was just made, and locks that nobody holds.
var harmless = []string{"lost+found", "sluice.lock", "admin.lock"}

// empty refuses a folder that has something in it; there need be none.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into %s: %w", dir, err)
	}
	for _, e := range entries {
		if !slices.Contains(harmless, e.Name()) {
			return fmt.Errorf("%w: %s has %s in it", ErrTaken, dir, e.Name())
		}
	}
	return nil
}

// copyFile makes a synced copy of a file, for its owner only.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	if _, err = io.Copy(out, in); err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("copy %s: %w", filepath.Base(from), err)
	}
	return nil
}

func writeSynced(path string, raw []byte) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if _, err = out.Write(raw); err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

// whole makes sure that a closed database file needs no other file beside it, and that it is on the disk.
func whole(path string) error {
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		return fmt.Errorf("%s was not closed: its log is beside it", path)
	}
	return sync(path)
}

// sync makes what is there durable: of a file its content, of a folder its names.
func sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}
