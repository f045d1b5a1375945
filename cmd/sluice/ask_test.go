package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// operatorsCommands are command lines, one of each group, that work on an installation.
var operatorsCommands = []string{
	"shop list", "shop create --name x", "key list --shop x", "key create --shop x", "terminal list --shop x", "payment parked",
	"notice parked", "alarms", "webhook token-keys", "webhook rotate-token-key",
}

// TestNoCommandMakesAnInstallation: whoever names a wrong folder is told so, and nothing is there afterwards.
func TestNoCommandMakesAnInstallation(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for _, words := range operatorsCommands {
		for _, dir := range []string{filepath.Join(empty, "none"), empty} {
			got := command(t.Context(), nil, append(strings.Fields(words), "--data", dir)...)
			if got.code != exitFailed || got.out != "" || !strings.Contains(got.err, dir) || !strings.Contains(got.err, "no installation") {
				t.Errorf("%s on %s: %+v", words, dir, got)
			}
		}
	}
	if made, err := os.ReadDir(empty); err != nil || len(made) != 0 {
		t.Errorf("made %v, %v", made, err)
	}

	// A folder with keys, as that of a server on PostgreSQL, has no embedded database either, and gets none.
	f := newFolder(t)
	keys, err := os.ReadFile(filepath.Join(f.dir, vault.KeyringFile))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, vault.KeyringFile), string(keys))
	for _, words := range operatorsCommands {
		got := command(t.Context(), nil, append(strings.Fields(words), "--data", dir)...)
		if got.code != exitFailed || got.out != "" || !strings.Contains(got.err, dir) || !strings.Contains(got.err, "--database") {
			t.Errorf("%s: %+v", words, got)
		}
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) != 1 {
		t.Errorf("made %v, %v", made, err)
	}
}

// allButTheLast are the migrations of the version before this one.
func allButTheLast(t *testing.T) fs.FS {
	t.Helper()
	folder := filepath.Join("..", "..", "internal", "store", "migrations")
	paths, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	if err != nil || len(paths) < 2 {
		t.Fatal(paths, err)
	}
	files := fstest.MapFS{}
	for _, path := range paths[:len(paths)-1] {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = &fstest.MapFile{Data: text}
	}
	return files
}

// TestNoCommandMigrates: an older database is left as it is, and the error says what to do.
func TestNoCommandMigrates(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		old := func(o *store.Options) { o.Migrations = allButTheLast(t) }
		if err := d.Open(old).Close(); err != nil {
			t.Fatal(err)
		}
		o := d.Options()
		dir := o.Dir
		if dir == "" {
			dir = t.TempDir()
		}
		keys, err := os.ReadFile(filepath.Join(newFolder(t).dir, vault.KeyringFile))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, vault.KeyringFile), string(keys))
		for _, words := range operatorsCommands {
			args := append(strings.Fields(words), "--data", dir)
			if o.URL != "" {
				args = append(args, "--database", o.URL)
			}
			got := command(t.Context(), nil, args...)
			if got.code != exitFailed || got.out != "" || !strings.Contains(got.err, "older than this binary") || !strings.Contains(got.err, "sluice migrate") {
				t.Errorf("%s: %+v", words, got)
			}
		}
		if db, err := d.TryOpen(old, func(o *store.Options) { o.Migrate = false }); err != nil {
			t.Errorf("it is not as it was: %v", err)
		} else if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestADatabaseThatIsNamedIsTheOne: a running server answers for its own database only, and each command says which.
func TestADatabaseThatIsNamedIsTheOne(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	server := start(t, "serve", "--listen", "127.0.0.1:0", "--data", f.dir)
	got := f.run("shop", "list")
	if want := "answered by the server of " + f.dir; got.code != 0 || !strings.Contains(got.err, want) || !strings.Contains(got.err, "SQLite "+f.dir) {
		t.Errorf("%+v does not say %q", got, want)
	}
	if got := f.run("shop", "list", "-q"); got.code != 0 || got.err != "" {
		t.Errorf("with -q: %+v", got)
	}
	got = f.run("shop", "create", "--name", "x", "--database", "postgres://ann:hunter2@127.0.0.1:1/other?connect_timeout=1")
	if got.code != exitFailed || got.out != "" || !strings.Contains(got.err, "127.0.0.1:1/other") || strings.Contains(got.err, "hunter2") {
		t.Errorf("a database that cannot be reached: %+v", got)
	}
	if got := command(t.Context(), []string{"SLUICE_DATABASE=postgres://127.0.0.1:1/other?connect_timeout=1"}, "shop", "list", "--data", f.dir); got.code != exitFailed {
		t.Errorf("one that the environment names: %+v", got)
	}
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		if d.Options().URL == "" {
			return
		}
		args := []string{"--database", d.Options().URL}
		if got := f.run(append([]string{"shop", "list"}, args...)...); got.code != exitFailed || !strings.Contains(got.err, "never set up") {
			t.Errorf("a database that nobody has set up: %+v", got)
		}
		elsewhere := folder{t, shortDir(t)}
		elsewhere.done(append([]string{"migrate"}, args...)...)
		if got := f.run(append([]string{"shop", "list"}, args...)...); got.code != exitFailed || !strings.Contains(got.err, "belongs to another database") {
			t.Errorf("one of other keys: %+v", got)
		}
		made := elsewhere.shop("here", args...)
		second := start(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", elsewhere.dir}, args...)...)
		for _, args := range [][]string{nil, args} { // the server's own, named or not
			got := elsewhere.run(append([]string{"shop", "list"}, args...)...)
			if got.code != 0 || !strings.Contains(got.out, made["shopId"]) || !strings.Contains(got.err, "answered by the server of "+elsewhere.dir) ||
				!strings.Contains(got.err, "PostgreSQL ") {
				t.Errorf("%v: %+v", args, got)
			}
		}
		if got := second.stop(); got.code != 0 {
			t.Errorf("stopped with %+v", got)
		}
	})
	if list := f.done("shop", "list"); strings.Count(list, "\n") != 1 {
		t.Errorf("the server's own database has\n%s", list)
	}
	if got := server.stop(); got.code != 0 {
		t.Errorf("stopped with %+v", got)
	}
}

// TestTheServersLogSaysWhoAsked: the account as the kernel knows it, and who that says it is.
func TestTheServersLogSaysWhoAsked(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	server := start(t, "serve", "--listen", "127.0.0.1:0", "--data", f.dir)
	got := command(t.Context(), []string{"USER=root", "SUDO_USER=ann"}, "shop", "create", "--name", "x", "--data", f.dir)
	if got.code != 0 {
		t.Fatal(got)
	}
	ended := server.stop()
	want := `"operation":"shop.create","account":"` + account() + `","claims":"ann"`
	if runtime.GOOS != "linux" {
		want = `"operation":"shop.create","account":"","claims":"ann"`
	}
	if ended.code != 0 || strings.Count(ended.err, want) != 1 {
		t.Errorf("the log has no %s:\n%s", want, ended.err)
	}
}

// TestACommandEndsWhenItsChangeIsInForce: what it says has happened has happened at every node, also where others have the
// database open; and who stops it before hears that it is done and from when on it is in force.
func TestACommandEndsWhenItsChangeIsInForce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		f := folder{t, shortDir(t)}
		var args []string
		if url := d.Options().URL; url != "" {
			args = []string{"--database", url}
		}
		f.done(append([]string{"migrate"}, args...)...)
		id := f.shop("Shop", args...)["shopId"]
		began := time.Now()
		got := f.made([]string{"shopId", "signingKey", "inForceFrom"}, append([]string{"webhook", "rotate-key", "--shop", id}, args...)...)
		from, err := time.Parse(time.RFC3339, got["inForceFrom"])
		if err != nil || time.Now().Before(from) {
			t.Errorf("it has ended before %v, %v", from, err)
		}
		if args != nil && from.Before(began.Add(engine.SettingsAge)) {
			t.Errorf("another node may still go by what it read a moment before %v", from)
		}
	})
	stopped, stop := context.WithCancel(t.Context())
	stop()
	later := admin.Effect{InForce: time.Now().Add(24 * time.Hour)}
	if err := awaitEffect(stopped, later); err == nil || !strings.Contains(err.Error(), "it is done") ||
		!strings.Contains(err.Error(), later.InForce.Format(time.DateTime)) {
		t.Errorf("one that was stopped says %v", err)
	}
	if err := awaitEffect(t.Context(), admin.Nothing{}); err != nil {
		t.Error(err)
	}
}
