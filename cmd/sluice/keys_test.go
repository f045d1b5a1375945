package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/vault"
)

func TestForeignKeysAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if o := command(t.Context(), nil, "migrate", "--data", dir); o.code != 0 {
		t.Fatal(o)
	}
	if err := os.Remove(filepath.Join(dir, vault.KeyringFile)); err != nil {
		t.Fatal(err)
	}
	o := command(t.Context(), nil, "migrate", "--data", dir)
	if o.code != exitFailed || !strings.Contains(o.err, "belongs to another database") {
		t.Errorf("exit %d: %s", o.code, o.err)
	}
}
