package tx_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/store/tx"
)

func steps(texts ...string) fs.FS {
	files := fstest.MapFS{}
	for i, text := range texts {
		files[fmt.Sprintf("%04d_step.sql", i+1)] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

const (
	stepA = "CREATE TABLE a (id {{id}} PRIMARY KEY, sum {{amount}}){{clustered}};"
	stepB = "CREATE TABLE b (id {{id}} PRIMARY KEY);\nCREATE INDEX b_id ON b (id);"
)

func using(files fs.FS, migrate bool) func(*tx.Options) {
	return func(o *tx.Options) { o.Migrations, o.Migrate = files, migrate }
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before, after fs.FS
		migrate       bool
		want          error
	}{
		"nothing to do":                  {steps(stepA, stepB), steps(stepA, stepB), false, nil},
		"one more step":                  {steps(stepA), steps(stepA, stepB), true, nil},
		"old schema without leave":       {steps(stepA), steps(stepA, stepB), false, tx.ErrSchemaOld},
		"database of a later binary":     {steps(stepA, stepB), steps(stepA), true, tx.ErrSchemaNewer},
		"edited step":                    {steps(stepA, stepB), steps(stepA+" ", stepB), true, tx.ErrSchemaEdited},
		"line ends are not an edit":      {steps(stepA, stepB), steps(stepA, strings.ReplaceAll(stepB, "\n", "\r\n")), true, nil},
		"empty database of a new binary": {steps(), steps(stepA), false, tx.ErrNoDatabase},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				if err := open(t, d, using(test.before, true)).Close(); err != nil {
					t.Fatal(err)
				}
				_, err := tryOpen(t, d, using(test.after, test.migrate))
				if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
					t.Fatalf("got %v, want %v", err, test.want)
				}
				if err == nil && d.Prepare("SELECT id FROM b") != nil {
					t.Error("table b is missing")
				}
			})
		})
	}
}

func TestMigrateFailingStepLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		empty := func(o *tx.Options) { o.Migrate = false }
		opts := d.Options(empty)
		opts.Migrations = steps(stepA, "CREATE TABLE c (id TEXT);\nCREATE NONSENSE;")
		err := tx.Migrate(t.Context(), opts, tables())
		if err == nil || !strings.Contains(err.Error(), "0002_step") {
			t.Fatalf("want the failing step named, got %v", err)
		}
		opts.Migrations = steps(stepA, "CREATE TABLE c (id TEXT);")
		if err := tx.Migrate(t.Context(), opts, tables()); err != nil {
			t.Errorf("the mended step: %v", err)
		}
	})
}

func TestMigrateAtTheSameTime(t *testing.T) {
	t.Parallel()
	d := storetest.New(t, tx.Postgres)
	opts := d.Options(func(o *tx.Options) { o.Migrate = false })
	opts.Migrations = steps(stepA, stepB, "CREATE TABLE c (id TEXT)")
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if err := tx.Migrate(t.Context(), opts, tables()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := tryOpen(t, d, using(opts.Migrations, false)); err != nil {
		t.Error(err)
	}
}

// TestNobodyIsMigratedUnderneath: while a process of an earlier binary works on a database no step is made that has to be alone;
// one whose time is over does not count. A database that is just made has nobody yet, nor the table that tells.
func TestNobodyIsMigratedUnderneath(t *testing.T) {
	t.Parallel()
	d := storetest.New(t, tx.Postgres)
	now := time.Unix(1_000_000_000, 0)
	migrate := func(files fs.FS) error {
		opts := d.Options(func(o *tx.Options) { o.Migrate = false })
		opts.Migrations, opts.Now = files, func() time.Time { return now }
		with := tables()
		with.AtWork = "SELECT name FROM worker WHERE until > $1 ORDER BY name"
		return tx.Migrate(t.Context(), opts, with)
	}
	const (
		first = "CREATE TABLE worker (name TEXT, until BIGINT);"
		alone = "-- Alone: it would be misread.\nCREATE TABLE c (id TEXT);"
	)
	if err := migrate(steps(first)); err != nil {
		t.Fatal(err)
	}
	for name, until := range map[string]int64{"node-b": 5, "node-a": 9, "dead": 0} {
		d.Exec("INSERT INTO worker VALUES ($1, $2)", name, (now.Unix()+until)*1_000_000)
	}
	err := migrate(steps(first, stepB, alone))
	if !errors.Is(err, tx.ErrAtWork) || !strings.Contains(err.Error(), "stop node-a, node-b first") {
		t.Fatalf("got %v", err)
	}
	if err := migrate(steps(first, stepB)); err != nil {
		t.Errorf("a step that may be made beside them: %v", err)
	}
	now = now.Add(9 * time.Second)
	if err := migrate(steps(first, stepB, alone)); err != nil {
		t.Errorf("all are gone: %v", err)
	}
}

func TestMigrationFiles(t *testing.T) {
	t.Parallel()
	file := &fstest.MapFile{Data: []byte("CREATE TABLE a (id TEXT)")}
	for name, files := range map[string]fs.FS{
		"gap":              fstest.MapFS{"0001_a.sql": file, "0003_c.sql": file},
		"number twice":     fstest.MapFS{"0001_a.sql": file, "0001_b.sql": file},
		"bad name":         fstest.MapFS{"1_a.sql": file},
		"unknown fragment": steps("CREATE TABLE a (id {{uuid}})"),
	} {
		t.Run(name, func(t *testing.T) {
			err := tx.Migrate(t.Context(), tx.Options{Dir: t.TempDir(), Migrations: files}, tables())
			if err == nil {
				t.Error("accepted")
			}
		})
	}
}
