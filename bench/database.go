package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that the product uses, for what is not measured

	"github.com/sluicepay/sluice/internal/store"
)

// postgresEnv names the server on which databases may be created.
const postgresEnv = "SLUICE_TEST_POSTGRES"

// newHome makes an empty place for a server's or a bare database's data. It goes with the lab.
func (l *lab) newHome(ctx context.Context, kind store.Kind) (home, error) {
	h := home{kind: kind, data: filepath.Join(l.dir, "data-"+l.fresh())}
	if err := os.MkdirAll(h.data, 0o700); err != nil {
		return h, err
	}
	if kind == store.SQLite {
		return h, nil
	}
	name := "sluice_bench_" + l.nonce + "_" + l.fresh()
	if err := l.onPostgres(ctx, "CREATE DATABASE "+name); err != nil {
		return h, err
	}
	l.cleanups = append(l.cleanups, func() error {
		return l.onPostgres(context.WithoutCancel(ctx), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	})
	var err error
	h.database, err = l.databaseURL(name)
	return h, err
}

// databaseURL is where the database of that name is reached.
func (l *lab) databaseURL(name string) (string, error) {
	u, err := url.Parse(l.opts.postgres)
	if err != nil {
		return "", fmt.Errorf("%w: %s is no URL", errSetup, postgresEnv)
	}
	u.Path = "/" + name
	query := u.Query()
	if !query.Has("connect_timeout") {
		query.Set("connect_timeout", "60") // a busy machine may stand still for longer than the product waits by itself
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// onPostgres runs a statement on the server's own database.
func (l *lab) onPostgres(ctx context.Context, statement string) error {
	db, err := sql.Open("pgx", l.opts.postgres)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%w: %.60s: %w", errSetup, statement, err)
	}
	return nil
}

// open connects to the home's database beside its server.
func (h home) open() (*sql.DB, error) {
	if h.kind == store.Postgres {
		return sql.Open("pgx", h.database)
	}
	return sql.Open("sqlite", sqliteURL(h.data))
}

// openBare makes a bare database of the home's kind.
func (l *lab) openBare(ctx context.Context, kind store.Kind) (bareDB, error) {
	h, err := l.newHome(ctx, kind)
	if err != nil {
		return nil, err
	}
	if kind == store.SQLite {
		return openSQLiteBare(ctx, h.data)
	}
	return openPostgresBare(ctx, h.database, h.data)
}
