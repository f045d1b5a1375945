package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/app"
)

// TestEverythingInTheDataFolderIsKnownAndPrivate looks at the folder of a demo that has done all that makes files.
func TestEverythingInTheDataFolderIsKnownAndPrivate(t *testing.T) {
	dir := filepath.Join(shortDir(t), "data")
	r := start(t, "serve", "--demo", "--listen", "127.0.0.1:0", "--data", dir)
	if got := postJSON(t, r.text("baseUrl")+"/api/v1/payments", r.text("apiKey"), `{"paymentType":"DEPOSIT","amount":1,"currency":"EUR"}`); got != 200 {
		t.Errorf("a payment: %d", got)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %04o", e.Name(), info.Mode().Perm())
		}
		known := func(pattern string) bool { ok, _ := filepath.Match(pattern, e.Name()); return ok }
		if !slices.ContainsFunc(append(app.DataFiles(), dataFiles...), known) {
			t.Errorf("%s is not in dataFiles", e.Name())
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info, err)
	}
	for _, must := range []string{"admin.sock", "keys.json", "sluice.db", "sluice.db-wal", "sluice.lock", "simulator.ledger", "demo.json"} {
		if !slices.Contains(names, must) {
			t.Errorf("no %s among %s", must, strings.Join(names, ", "))
		}
	}
	if got := r.stop(); got.code != 0 {
		t.Errorf("%+v", got)
	}
}
