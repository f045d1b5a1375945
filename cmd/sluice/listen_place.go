package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// place is how far a listener has come, kept in a file so that it survives the process.
type place struct {
	Server    string `json:"server"`
	ForwardTo string `json:"forwardTo"`
	Cursor    string `json:"cursor"`              // what is read after next
	LastEvent string `json:"lastEvent,omitempty"` // forwarded last; for people

	path string
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

// move makes the new place durable before it returns. An event of "" leaves the last one named.
func (p *place) move(cursor, event string) error {
	if cursor == p.Cursor {
		return nil
	}
	p.Cursor = cursor
	if event != "" {
		p.LastEvent = event
	}
	raw, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("render place in the feed: %w", err)
	}
	return replaceDurably(p.path, append(raw, '\n'))
}

// replaceDurably makes the file hold this and nothing else, or what it held, whatever happens to the machine.
func replaceDurably(path string, raw []byte) error {
	next := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("keep place in the feed: %w", err)
	}
	_, err = f.Write(raw)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return fmt.Errorf("keep place in the feed: %w", err)
	}
	return nil
}
