package storetest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/store"
)

// NewCitus is New on the Citus whose coordinator SLUICE_TEST_CITUS names, in a schema of its own; the tables are laid out there when
// it is opened, unless the options say that they are not to be migrated. Without the variable the test is skipped: a server
// of that kind stands nowhere by itself.
func NewCitus(t testing.TB) *Database {
	t.Helper()
	address := os.Getenv("SLUICE_TEST_CITUS")
	if address == "" {
		t.Skip("SLUICE_TEST_CITUS is not set: not tested on Citus")
	}
	// The schema is changed by one test at a time: Citus takes what several do to it for a deadlock.
	turn := onCitus(t, "SELECT pg_advisory_lock(hashtext('sluice tests'))")
	t.Cleanup(func() { _ = turn.Close(context.WithoutCancel(t.Context())) }) // a test may have killed its server
	name := "sluice_test_" + strings.ToLower(rand.Text()[:12])
	atOnce := func(statement string) { _ = onCitus(t, statement).Close(context.WithoutCancel(t.Context())) } // it is done
	atOnce("CREATE SCHEMA " + name)
	t.Cleanup(func() { atOnce("DROP SCHEMA " + name + " CASCADE") })
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("search_path", name)
	u.RawQuery = query.Encode()
	return &Database{t: t, Kind: store.Postgres, url: u.String(), citus: true}
}

// onCitus has the coordinator do it and returns the connection.
func onCitus(t testing.TB, statement string) *pgx.Conn {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, os.Getenv("SLUICE_TEST_CITUS"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "SET client_min_messages = error"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%.60s: %v", statement, err)
	}
	return conn
}

// Explain returns how the database goes about a statement whose parameters are all the same text, without doing it.
func (d *Database) Explain(statement string) (string, error) {
	ctx := d.t.Context()
	conn, err := pgx.Connect(ctx, d.url)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	prepared, err := conn.Prepare(ctx, "", statement)
	if err != nil {
		return "", err
	}
	// EXECUTE takes constants, which EXPLAIN plans with: parameters would be left open.
	args := make([]string, len(prepared.ParamOIDs))
	for i, oid := range prepared.ParamOIDs {
		args[i] = constantOf(oid)
	}
	if _, err := conn.Exec(ctx, "PREPARE explained AS "+statement); err != nil {
		return "", err
	}
	text := "EXPLAIN EXECUTE explained"
	if len(args) > 0 {
		text += "(" + strings.Join(args, ", ") + ")"
	}
	rows, err := conn.Query(ctx, text, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return "", err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return strings.Join(lines, "\n"), err
}

// constantOf is a constant of a type that parameters of statements have.
func constantOf(oid uint32) string {
	switch oid {
	case 16: // BOOLEAN
		return "TRUE"
	case 20, 21, 23, 1700: // whole numbers and NUMERIC
		return "1"
	}
	return "'1'"
}
