package main

import (
	"path/filepath"
	"testing"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/vault"
)

// TestWhichInstallationsAreEstablished: those with keys, until their database has proved once who it is.
func TestWhichInstallationsAreEstablished(t *testing.T) {
	t.Parallel()
	b := &base{config: config.Config{Data: filepath.Join(t.TempDir(), "data")}}
	if b.established() {
		t.Error("a folder that is not there")
	}
	b.config.Data = t.TempDir()
	if b.established() {
		t.Error("an empty folder")
	}
	write(t, filepath.Join(b.config.Data, vault.KeyringFile), "{}")
	if !b.established() {
		t.Error("a folder with keys is taken for a new one")
	}
	write(t, filepath.Join(b.config.Data, databaseChecked), "")
	if b.established() {
		t.Error("a database that has proved who it is need not do so any more")
	}
}
