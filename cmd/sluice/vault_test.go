package main

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/backup"
	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/vault"
)

// sealedFolder is a data folder with a shop and a terminal, whose secrets it returns.
func sealedFolder(t *testing.T) (dir, apiKey string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	if got := command(t.Context(), nil, "migrate", "--data", dir); got.code != 0 {
		t.Fatal(got.err)
	}
	got := command(t.Context(), nil, "shop", "create", "--name", "S", "--data", dir)
	if got.code != 0 {
		t.Fatal(got.err)
	}
	var made admin.ShopCreated
	if err := json.Unmarshal([]byte(got.out), &made); err != nil {
		t.Fatal(err)
	}
	apiKey = "canary-provider-key-77"
	settings := `{"url":"http://127.0.0.1:1","apiKey":"` + apiKey + `","noticeSecret":"canary-notice-secret-78"}`
	if got = command(t.Context(), nil, "terminal", "create", "--shop", string(made.Shop), "--name", "T", "--connector", "sandbox",
		"--settings", "@"+write(t, filepath.Join(t.TempDir(), "settings"), settings), "--no-trial", "--data", dir); got.code != 0 {
		t.Fatal(got.err)
	}
	return dir, apiKey
}

// refusedWith runs a command that has to fail with these words.
func refusedWith(t *testing.T, env []string, words string, args ...string) {
	t.Helper()
	if got := command(t.Context(), env, args...); got.code == 0 || !strings.Contains(got.err, words) {
		t.Errorf("sluice %s: code %d, %q, want %q", strings.Join(args, " "), got.code, got.err, words)
	}
}

func TestAMasterKeyThatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	dir, _ := sealedFolder(t)
	path := filepath.Join(dir, vault.MasterFile)
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Repeat("ab", 32)
	for _, args := range [][]string{{"migrate"}, {"shop", "list"}, {"serve", "--listen", "127.0.0.1:0"}} {
		args = append(args, "--data", dir)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		refusedWith(t, nil, "there is no master.key in "+dir, args...)
		if _, err := os.Stat(path); err == nil {
			t.Error("another master key was made, although secrets are sealed")
		}
		write(t, path, other+"\n")
		refusedWith(t, nil, "the master key of "+dir+" is not the one", args...)
		write(t, path, string(kept))
		refusedWith(t, []string{"MASTER=" + other}, "the master key of --master-key is not the one", append(args, "--master-key", "env:MASTER")...)
		literal := command(t.Context(), nil, append(args, "--master-key", other)...)
		if literal.code != exitUsage || strings.Contains(literal.err, other) {
			t.Errorf("a key among the arguments: code %d, %q", literal.code, literal.err)
		}
	}
	elsewhere := write(t, filepath.Join(t.TempDir(), "kept"), string(kept))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	line := strings.Split(string(kept), "\n")[1]
	for _, env := range [][]string{
		{"SLUICE_MASTER_KEY=@" + elsewhere}, {"SLUICE_MASTER_KEY=env:MASTER", "MASTER=" + line},
		{"SLUICE_MASTER_KEY=command:cat " + elsewhere, "PATH=" + os.Getenv("PATH")},
	} {
		if got := command(t.Context(), env, "shop", "list", "--data", dir); got.code != 0 {
			t.Errorf("%s: %s", env[0], got.err)
		}
	}
	refusedWith(t, nil, "did not print it: exit status 3: broken", "shop", "list", "--data", dir, "--master-key", "command:echo broken >&2; exit 3")
}

func TestVaultCommands(t *testing.T) {
	t.Parallel()
	dir, secret := sealedFolder(t)
	do := func(args ...string) string {
		t.Helper()
		got := command(t.Context(), nil, append(args, "--data", dir, "--quiet")...)
		if got.code != 0 {
			t.Fatalf("sluice %s: %s", strings.Join(args, " "), got.err)
		}
		return got.out
	}
	status := func() admin.VaultStatus {
		t.Helper()
		var s admin.VaultStatus
		if err := json.Unmarshal([]byte(do("vault", "status", "--json")), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := status()
	if len(first.Keys) != 1 || first.Keys[0].State != "SEALS" || first.Keys[0].Sealed["terminals"] != 1 || first.Keys[0].Sealed["shops"] != 1 ||
		len(first.Clear) != 0 || first.Traces || len(first.MasterKeys) != 1 {
		t.Errorf("a new installation: %+v", first)
	}
	out := do("vault", "rotate")
	second := status()
	if len(second.Keys) != 2 || second.Keys[0].State != "OPENS" || second.Keys[1].State != "SEALS" || second.Done ||
		!strings.HasPrefix(out, second.Keys[1].ID+" seals from now on, in place of "+first.Keys[0].ID+"\n") {
		t.Errorf("rotated: %q, %+v", out, second)
	}
	if out = do("vault", "rotate-master", "--make"); !strings.Contains(out, "2 were wrapped by another before") || !strings.Contains(out, first.MasterKeys[0]) {
		t.Errorf("another master key: %q", out)
	}
	third := status()
	if len(third.MasterKeys) != 2 || third.MasterKeys[1] != first.MasterKeys[0] || third.Keys[0].Master != third.MasterKeys[0] {
		t.Errorf("another master key: %+v", third)
	}
	path := filepath.Join(dir, vault.MasterFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, strings.Join(strings.Split(string(raw), "\n")[:2], "\n")) // without the one before
	if out = do("vault", "rotate-master"); !strings.Contains(out, "0 were wrapped by another before") {
		t.Errorf("once more: %q", out)
	}
	for _, words := range []string{"SEALS", "in clear: nothing", "Sealing goes on by itself"} {
		if out = do("vault", "status"); !strings.Contains(out, words) || strings.Contains(out, secret) {
			t.Errorf("status %q lacks %q", out, words)
		}
	}
	if out = do("vault", "scrub"); out != "the sqlite file is rewritten and its log is empty\n" {
		t.Errorf("scrubbed: %q", out)
	}
}

// TestABackupAndItsMasterKey: a backup is whole by itself unless the master key was left out, and then it is not restored
// without it.
func TestABackupAndItsMasterKey(t *testing.T) {
	t.Parallel()
	dir, secret := sealedFolder(t)
	base := t.TempDir()
	whole, bare := filepath.Join(base, "whole"), filepath.Join(base, "bare")
	if got := command(t.Context(), nil, "backup", whole, "--data", dir); got.code != 0 || !strings.Contains(got.out, "the master key is in it") {
		t.Fatalf("%q %s", got.out, got.err)
	}
	if got := command(t.Context(), nil, "backup", bare, "--without-master-key", "--data", dir); got.code != 0 || !strings.Contains(got.out, "is NOT in it") {
		t.Fatalf("%q %s", got.out, got.err)
	}
	for _, name := range []string{"sluice.db", vault.KeyringFile, backup.ManifestFile} {
		raw, err := os.ReadFile(filepath.Join(bare, name))
		if err != nil || strings.Contains(string(raw), secret) || strings.Contains(string(raw), "canary-notice-secret") {
			t.Errorf("%s of a backup holds a secret in clear, or: %v", name, err)
		}
	}
	restored := filepath.Join(base, "restored")
	if got := command(t.Context(), nil, "restore", whole, "--data", restored); got.code != 0 {
		t.Fatal(got.err)
	}
	if got := command(t.Context(), nil, "vault", "status", "--data", restored); got.code != 0 || !strings.Contains(got.out, "in clear: nothing") {
		t.Errorf("%q %s", got.out, got.err)
	}
	elsewhere := filepath.Join(base, "elsewhere")
	refusedWith(t, nil, "it does not hold the master key", "restore", bare, "--data", elsewhere)
	if _, err := os.Stat(elsewhere); err == nil {
		t.Error("left behind by a refused restore")
	}
	refusedWith(t, []string{"MASTER=" + strings.Repeat("ab", 32)}, "it does not hold the master key", "restore", bare, "--data", elsewhere, "--master-key", "env:MASTER")
	place := "@" + filepath.Join(dir, vault.MasterFile)
	got := command(t.Context(), nil, "restore", bare, "--data", elsewhere, "--master-key", place)
	if got.code != 0 || !strings.Contains(got.out, "the servers need --master-key, too") {
		t.Fatalf("%q %s", got.out, got.err)
	}
	refusedWith(t, nil, "there is no master.key in "+elsewhere, "shop", "list", "--data", elsewhere)
	if got = command(t.Context(), nil, "shop", "list", "--data", elsewhere, "--master-key", place); got.code != 0 {
		t.Error(got.err)
	}
	if err := os.WriteFile(filepath.Join(whole, vault.MasterFile), []byte(strings.Repeat("ab", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	refusedWith(t, nil, "master.key is not the file that was written", "restore", whole, "--data", filepath.Join(base, "third"))
}

// TestAMigrationLeavesTheMasterKeyToTheServer: it may run in a folder that is thrown away, and the key with it.
func TestAMigrationLeavesTheMasterKeyToTheServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys, err := vault.NewKeyring(rand.Reader)
	if err == nil {
		err = keys.Store(dir) // of an older installation
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"migrate"}, {"shop", "create", "--name", "S"}} {
		if got := command(t.Context(), nil, append(args, "--data", dir)...); got.code != 0 {
			t.Fatal(got.err)
		}
	}
	path := filepath.Join(dir, vault.MasterFile)
	if _, err := os.Stat(path); err == nil {
		t.Error("a master key was made")
	}
	refusedWith(t, nil, "nothing is sealed yet", "vault", "status", "--data", dir)
	refusedWith(t, nil, "nothing is sealed yet", "vault", "rotate", "--data", dir)
	b, err := load(&surroundings{ctx: t.Context(), err: t.Output()}, config.Flags{Common: config.Common{Data: dir}}, app.Make)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if got := command(t.Context(), nil, "vault", "status", "--data", dir); got.code != 0 || !strings.Contains(got.out, "in clear: 1 shops") || !strings.Contains(got.out, "Traces") {
		t.Errorf("%q %s", got.out, got.err)
	}
}
