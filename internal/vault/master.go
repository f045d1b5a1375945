package vault

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// MasterFile is where the master key stands in the data folder, unless the operator says where else.
const MasterFile = "master.key"

// Master is a key that wraps data keys and nothing else.
type Master struct {
	// ID tells it apart from others and tells nothing about it.
	ID    string
	wraps []byte
	text  string
}

// Masters are the master keys that a process has. The first one wraps; the others only open what they wrapped before.
type Masters []Master

// ParseMasters reads keys of 64 hexadecimal digits, one a line. Empty lines and those that begin with # are passed over. No
// error repeats any of the text.
func ParseMasters(text string) (Masters, error) {
	var keys Masters
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		raw, err := hex.DecodeString(line)
		if err != nil || len(raw) != 32 {
			return nil, fmt.Errorf("line %d of the master key is not 64 hexadecimal digits", n+1)
		}
		m, err := newMaster(raw)
		if err != nil {
			return nil, err
		}
		keys = append(keys, m)
	}
	if len(keys) == 0 {
		return nil, errors.New("the master key is empty: 64 hexadecimal digits were expected")
	}
	return keys, nil
}

func newMaster(raw []byte) (Master, error) {
	wraps, err := hkdf.Key(sha256.New, raw, nil, "sluice master key", 32)
	if err != nil {
		return Master{}, fmt.Errorf("master key: %w", err)
	}
	h := hmac.New(sha256.New, raw)
	h.Write([]byte("sluice master key id"))
	return Master{hex.EncodeToString(h.Sum(nil)[:8]), wraps, hex.EncodeToString(raw)}, nil
}

// NewMaster makes a key from random.
func NewMaster(random io.Reader) (Master, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(random, raw); err != nil {
		return Master{}, fmt.Errorf("read randomness: %w", err)
	}
	return newMaster(raw)
}

func (keys Masters) find(id string) (Master, bool) {
	for _, m := range keys {
		if m.ID == id {
			return m, true
		}
	}
	return Master{}, false
}

// IDs lists the ids, the one that wraps first.
func (keys Masters) IDs() []string {
	ids := make([]string, len(keys))
	for i, m := range keys {
		ids[i] = m.ID
	}
	return ids
}

// render is the text of a file with the keys.
func (keys Masters) render() string {
	var b strings.Builder
	b.WriteString("# Wraps the keys that seal secrets in the database. Every node needs this file; without it they are lost.\n")
	for _, m := range keys {
		b.WriteString(m.text + "\n")
	}
	return b.String()
}

// Store writes the keys into a folder that has none. The error is fs.ErrExist where it has.
func (keys Masters) Store(dir string) error {
	path := filepath.Join(dir, MasterFile)
	tmp, err := keys.draft(dir)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp) }()      // it has its name by then
	if err := os.Link(tmp, path); err != nil { // fails when another process was first
		return fmt.Errorf("name master key: %w", err)
	}
	return syncFolder(dir)
}

// draft writes the keys into a new file of the folder, synced, for its owner only.
func (keys Masters) draft(dir string) (string, error) {
	tmp, err := os.CreateTemp(dir, ".master-*")
	if err != nil {
		return "", fmt.Errorf("make master key: %w", err)
	}
	if _, err = tmp.WriteString(keys.render()); err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("write master key: %w", err), os.Remove(tmp.Name()))
	}
	return tmp.Name(), nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder of the master key: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync folder of the master key: %w", err)
	}
	return nil
}

// ReadMasters reads the file of a data folder. The error is fs.ErrNotExist where there is none.
func ReadMasters(dir string) (Masters, error) {
	path := filepath.Join(dir, MasterFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	keys, err := ParseMasters(string(raw))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// LoadMasters is ReadMasters, and makes a key where there is none. Of several that make one at once all end up with the same.
func LoadMasters(dir string, random io.Reader) (Masters, error) {
	keys, err := ReadMasters(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	made, err := NewMaster(random)
	if err != nil {
		return nil, err
	}
	if err := (Masters{made}).Store(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return ReadMasters(dir)
}

// PrependMaster puts a key before those of the file in a data folder, so that it wraps from then on.
func PrependMaster(dir string, m Master) error {
	keys, err := ReadMasters(dir)
	if err != nil {
		return err
	}
	tmp, err := append(Masters{m}, keys...).draft(dir)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, MasterFile)); err != nil {
		return errors.Join(fmt.Errorf("replace master key: %w", err), os.Remove(tmp))
	}
	return syncFolder(dir)
}
