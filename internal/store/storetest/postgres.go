package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sluicepay/sluice/internal/store"
)

var errNoServer = errors.New("SLUICE_TEST_POSTGRES is not set: not tested on PostgreSQL")

// serverError says, once found out for the whole test process, why the server cannot be used; nil if it can.
var serverError = sync.OnceValue(func() error {
	if os.Getenv("SLUICE_TEST_POSTGRES") == "" {
		return errNoServer
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, os.Getenv("SLUICE_TEST_POSTGRES"))
	if err != nil {
		return fmt.Errorf("SLUICE_TEST_POSTGRES is set but the server does not answer: %w", err)
	}
	return conn.Close(ctx)
})

// createDatabase makes a database for one test and returns its URL. It is a copy of a migrated template
// when the options ask for a migrated schema: a copy takes less than half the time of running the
// migrations in a fresh schema, and needs no search_path in any URL.
func createDatabase(t testing.TB, opts store.Options) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	template := "template0"
	if opts.Migrate {
		var err error
		if template, err = templateFor(ctx, opts); err != nil {
			t.Fatalf("template database: %v", err)
		}
	}
	name := "sluice_test_" + strings.ToLower(rand.Text()[:12])
	statements := []string{"CREATE DATABASE " + name + " TEMPLATE " + template}
	if level := os.Getenv("SLUICE_TEST_PG_ISOLATION"); level != "" {
		statements = append(statements, "ALTER DATABASE "+name+" SET default_transaction_isolation = '"+level+"'")
	}
	if err := onServer(ctx, statements...); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := onServer(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return databaseURL(name)
}

var templates struct {
	sync.Mutex
	ready map[string]bool
}

// templateFor returns the name of the template database of a schema and makes it if the server has
// none. The name holds a digest of the schema, so all test processes on a server share it.
func templateFor(ctx context.Context, opts store.Options) (string, error) {
	digest, err := store.SchemaDigest(opts.Migrations, store.Postgres)
	if err != nil {
		return "", err
	}
	name := "sluice_template_" + digest[:16]
	templates.Lock()
	defer templates.Unlock()
	if templates.ready[name] {
		return name, nil
	}
	if err := makeTemplate(ctx, name, opts); err != nil {
		return "", err
	}
	if templates.ready == nil {
		templates.ready = map[string]bool{}
	}
	templates.ready[name] = true
	return name, nil
}

// makeTemplate migrates a database under another name and then renames it, so that a template that can
// be seen is always complete, whoever made it.
func makeTemplate(ctx context.Context, name string, opts store.Options) error {
	exists, err := databaseExists(ctx, name)
	if err != nil || exists {
		return err
	}
	draft := "sluice_draft_" + strings.ToLower(rand.Text()[:12])
	if err := onServer(ctx, "CREATE DATABASE "+draft+" TEMPLATE template0"); err != nil {
		return err
	}
	err = store.Migrate(ctx, store.Options{URL: databaseURL(draft), Migrations: opts.Migrations})
	if err == nil {
		err = onServer(ctx, "ALTER DATABASE "+draft+" RENAME TO "+name)
	}
	if err == nil {
		return nil
	}
	dropped := onServer(ctx, "DROP DATABASE IF EXISTS "+draft+" WITH (FORCE)")
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42P04" || pg.Code == "23505") { // another process was first, perhaps by a moment
		return dropped
	}
	return errors.Join(err, dropped)
}

func databaseExists(ctx context.Context, name string) (bool, error) {
	conn, err := pgx.Connect(ctx, os.Getenv("SLUICE_TEST_POSTGRES"))
	if err != nil {
		return false, err
	}
	defer conn.Close(ctx)
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&exists)
	return exists, err
}

// onServer runs statements in the server's own database, each by itself.
func onServer(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, os.Getenv("SLUICE_TEST_POSTGRES"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%.40s: %w", statement, err)
		}
	}
	return nil
}

// databaseURL is the server's URL with another database in it, and a minute to connect: a machine that tests may stand still
// for longer than the product waits for a server.
func databaseURL(name string) string {
	u, err := url.Parse(os.Getenv("SLUICE_TEST_POSTGRES"))
	if err != nil {
		return ""
	}
	u.Path = "/" + name
	query := u.Query()
	if !query.Has("connect_timeout") {
		query.Set("connect_timeout", "60")
	}
	u.RawQuery = query.Encode()
	return u.String()
}
