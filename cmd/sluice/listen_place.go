package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/private"
)

// place is how far a listener has come, kept in a file so that it survives the process.
type place struct {
	Server    string `json:"server"`
	ForwardTo string `json:"forwardTo"`
	Cursor    string `json:"cursor"`              // what is read after next
	LastEvent string `json:"lastEvent,omitempty"` // forwarded last; for people

	// Since is the time before which nothing is forwarded; zero for all.
	Since time.Time `json:"since,omitzero"`

	path string
	was  string // where it stood before, for people
}

// openPlace reads the file; where there is none, nothing was forwarded yet.
func openPlace(path string) (*place, error) {
	p := &place{path: path}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("place in the feed: %w", err)
	}
	if err := json.Unmarshal(raw, p); err != nil || p.Cursor == "" {
		return nil, fmt.Errorf("%s does not hold a place in a feed; remove it to begin anew", path)
	}
	return p, nil
}

// openOwnPlace opens a file of the user's folder for state. Earlier versions kept it under the name of before in the
// folder they were started in, which may be a repository: that one is taken over once, and removed.
func openOwnPlace(path, before string) (*place, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("place in the feed: %w; name another file with --state", err)
	}
	p, err := openPlace(path)
	if err != nil || p.Cursor != "" {
		return p, err
	}
	old, err := openPlace(before)
	if err != nil || old.Cursor == "" {
		return p, err
	}
	old.path, old.was = path, before
	if err := old.keep(); err != nil {
		return nil, err
	}
	if err := os.Remove(before); err != nil {
		return nil, fmt.Errorf("remove the place in the feed that was moved to %s: %w", path, err)
	}
	return old, nil
}

// stateDir is where programs keep what they remember for the user, by the custom of each system.
func stateDir(system string, environ []string) (string, error) {
	get := func(name string) string {
		for _, entry := range environ {
			if key, value, _ := strings.Cut(entry, "="); key == name && filepath.IsAbs(value) {
				return value
			}
		}
		return ""
	}
	home, below := get("HOME"), []string{".local", "state"}
	switch system {
	case "darwin", "ios":
		below = []string{"Library", "Application Support"}
	case "windows":
		home, below = get("LOCALAPPDATA"), nil
	}
	if dir := get("XDG_STATE_HOME"); dir != "" {
		home, below = dir, nil
	}
	if home == "" {
		return "", fmt.Errorf("%w: nothing says where this user's programs keep their state; name a file with --state", config.ErrInvalid)
	}
	return filepath.Join(append(append([]string{home}, below...), "sluice")...), nil
}

// move makes the new place durable before it returns. An event of "" leaves the last one named.
func (p *place) move(cursor, event string) error {
	if cursor == p.Cursor {
		return nil
	}
	p.Cursor = cursor
	if event != "" {
		p.LastEvent = event
	}
	return p.keep()
}

func (p *place) keep() error {
	raw, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("render place in the feed: %w", err)
	}
	if err := private.WriteDurably(p.path, append(raw, '\n')); err != nil {
		return fmt.Errorf("keep place in the feed: %w", err)
	}
	return nil
}
