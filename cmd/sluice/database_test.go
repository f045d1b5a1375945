package main

import (
	"crypto/rand"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/backup"
	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// keysOfBefore are those of an installation whose database did not have to prove who it is.
const keysOfBefore = `{
  "epoch": "12345678",
  "apiKeyHash": "0101010101010101010101010101010101010101010101010101010101010101",
  "requestFingerprint": "0202020202020202020202020202020202020202020202020202020202020202",
  "checkoutToken": "0303030303030303030303030303030303030303030303030303030303030303"
}`

// TestWhichInstallationsAreEstablished: those with the keys of before, until their database has proved once who it is. A new
// folder does not make an installation old or new.
func TestWhichInstallationsAreEstablished(t *testing.T) {
	t.Parallel()
	of := func(dir string) bool { return (&app.Place{Config: config.Config{Data: dir}}).Established() }
	with := func(files map[string]string) string {
		dir := t.TempDir()
		for name, text := range files {
			write(t, filepath.Join(dir, name), text)
		}
		return dir
	}
	made := t.TempDir()
	if _, err := vault.LoadKeyring(made, rand.Reader); err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile(filepath.Join(made, vault.KeyringFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir  string
		want bool
	}{
		"a folder that is not there":                  {filepath.Join(t.TempDir(), "data"), false},
		"an empty folder":                             {t.TempDir(), false},
		"an installation that was made now":           {made, false},
		"a new node of it":                            {with(map[string]string{vault.KeyringFile: string(keys)}), false},
		"what was restored of an installation before": {restoredOfBefore(t), false},
		"keys of before":                              {with(map[string]string{vault.KeyringFile: keysOfBefore}), true},
		"keys of before, whose database has proved":   {with(map[string]string{vault.KeyringFile: keysOfBefore, "database-checked": ""}), false},
		"keys of before with the operator's word": {with(map[string]string{
			vault.KeyringFile: strings.Replace(keysOfBefore, "{", `{"checkedDatabase": true,`, 1)}), false},
		"keys that cannot be read": {with(map[string]string{vault.KeyringFile: "{}"}), false},
	} {
		if got := of(c.dir); got != c.want {
			t.Errorf("%s: established is %t", name, got)
		}
	}
}

// restoredOfBefore backs up an installation with the keys of before, and restores it.
func restoredOfBefore(t *testing.T) (data string) {
	t.Helper()
	was := t.TempDir()
	write(t, filepath.Join(was, vault.KeyringFile), keysOfBefore)
	keys, err := vault.ReadKeyring(was)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{Dir: was, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Installation().Proof(keys.Proof()); return err }); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "backup")
	if _, err := backup.Take(t.Context(), backup.Source{DB: db, Keys: keys, Version: "test", Now: time.Now}, dir); err != nil {
		t.Fatal(err)
	}
	data = filepath.Join(t.TempDir(), "data")
	if _, err := backup.Restore(t.Context(), backup.Target{
		Dir: dir, Data: data, Now: time.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}); err != nil {
		t.Fatal(err)
	}
	return data
}

// TestOnlyInstallationsOfBeforeGoOnWithoutACertificate has the program's own commands open a database of another machine that
// has no TLS.
func TestOnlyInstallationsOfBeforeGoOnWithoutACertificate(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(storetest.New(t, store.Postgres).Options().URL)
	if err != nil {
		t.Fatal(err)
	}
	if u.Hostname() != "127.0.0.1" || u.Query().Get("sslmode") != "disable" {
		t.Skip("the server is not one of scripts/postgres.sh")
	}
	u.Host = "0.0.0.0:" + u.Port() // the same server by a name that is not known to be this machine
	query := u.Query()
	query.Del("sslmode")
	u.RawQuery = query.Encode()
	unsaid := u.String()
	migrate := func(dir, database string) outcome {
		return command(t.Context(), []string{"SLUICE_DATABASE=" + database}, "migrate", "--data", dir)
	}
	refused := func(name, dir string) {
		t.Helper()
		if got := migrate(dir, unsaid); got.code == 0 || !strings.Contains(got.err, "sslmode=disable") {
			t.Errorf("%s: code %d, %s", name, got.code, got.err)
		}
	}

	before := t.TempDir()
	write(t, filepath.Join(before, vault.KeyringFile), keysOfBefore)
	if got := migrate(before, unsaid); got.code != 0 || !strings.Contains(got.err, "sslmode=verify-full") {
		t.Errorf("keys of before: code %d, %s", got.code, got.err)
	}

	made := filepath.Join(t.TempDir(), "data")
	refused("a new installation", made)
	other := storetest.New(t, store.Postgres)
	if got := migrate(made, strings.Replace(other.Options().URL, "127.0.0.1:", "0.0.0.0:", 1)); got.code != 0 {
		t.Fatalf("where the operator says so: code %d, %s", got.code, got.err)
	}
	refused("the same whose operator says it no more", made)
	node := t.TempDir()
	keys, err := os.ReadFile(filepath.Join(made, vault.KeyringFile))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(node, vault.KeyringFile), string(keys))
	refused("a new node of it", node)
	refused("what was restored", restoredOfBefore(t))
}
