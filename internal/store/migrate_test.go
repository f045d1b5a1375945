package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
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

func using(files fs.FS, migrate bool) func(*store.Options) {
	return func(o *store.Options) { o.Migrations, o.Migrate = files, migrate }
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
		"old schema without leave":       {steps(stepA), steps(stepA, stepB), false, store.ErrSchemaOld},
		"database of a later binary":     {steps(stepA, stepB), steps(stepA), true, store.ErrSchemaNewer},
		"edited step":                    {steps(stepA, stepB), steps(stepA+" ", stepB), true, store.ErrSchemaEdited},
		"line ends are not an edit":      {steps(stepA, stepB), steps(stepA, strings.ReplaceAll(stepB, "\n", "\r\n")), true, nil},
		"empty database of a new binary": {steps(), steps(stepA), false, store.ErrNoDatabase},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				if err := d.Open(using(test.before, true)).Close(); err != nil {
					t.Fatal(err)
				}
				db, err := d.TryOpen(using(test.after, test.migrate))
				if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
					t.Fatalf("got %v, want %v", err, test.want)
				}
				if err == nil && db.Prepare(t.Context(), "SELECT id FROM b") != nil {
					t.Error("table b is missing")
				}
			})
		})
	}
}

func TestMigrateFailingStepLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		empty := func(o *store.Options) { o.Migrate = false }
		opts := d.Options(empty)
		opts.Migrations = steps(stepA, "CREATE TABLE c (id TEXT);\nCREATE NONSENSE;")
		err := store.Migrate(t.Context(), opts)
		if err == nil || !strings.Contains(err.Error(), "0002_step") {
			t.Fatalf("want the failing step named, got %v", err)
		}
		opts.Migrations = steps(stepA, "CREATE TABLE c (id TEXT);")
		if err := store.Migrate(t.Context(), opts); err != nil {
			t.Errorf("the mended step: %v", err)
		}
	})
}

func TestMigrateAtTheSameTime(t *testing.T) {
	t.Parallel()
	d := storetest.New(t, store.Postgres)
	opts := d.Options(func(o *store.Options) { o.Migrate = false })
	opts.Migrations = steps(stepA, stepB, "CREATE TABLE c (id TEXT)")
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if err := store.Migrate(t.Context(), opts); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := d.TryOpen(using(opts.Migrations, false)); err != nil {
		t.Error(err)
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
			err := store.Migrate(t.Context(), store.Options{Dir: t.TempDir(), Migrations: files})
			if err == nil {
				t.Error("accepted")
			}
		})
	}
}
