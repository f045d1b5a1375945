package e2e

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestTheServersRoleChangesNoTable: with the roles of the documents the owner migrates, and the other can do all that serving
// takes, and no more.
func TestTheServersRoleChangesNoTable(t *testing.T) {
	t.Parallel()
	storetest.New(t, store.Postgres) // skips without a server
	owner, serve := makeRoles(t)
	dir := shortDir(t)
	data := filepath.Join(dir, "data")
	if _, fault, code := runOnce(t, nil, "migrate", "--data", data, "--database", serve); code == 0 || !strings.Contains(fault, "permission denied") || !strings.Contains(fault, `run "sluice migrate" as the role that owns it`) {
		t.Errorf("the servers' role makes tables: exit code %d, %s", code, fault)
	}
	if _, fault, code := runOnce(t, nil, "migrate", "--data", data, "--database", owner); code != 0 {
		t.Fatalf("the owner does not migrate: %s", fault)
	}
	sim := startSimulator(t, dir)
	s := newServer(t, dir, serve)
	s.start(t)
	c := s.newShop(t, sim)
	if p := c.pay(t, deposit("roles", "11.00")); p.State != "COMPLETED" {
		t.Errorf("paid under the servers' role: %+v", p)
	}
	takeBackup(t, s, dir)
	s.stop(t)
	conn, err := pgx.Connect(t.Context(), serve)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, statement := range []string{"ALTER TABLE payment ADD COLUMN x TEXT", "DROP TABLE payment", "TRUNCATE payment", "CREATE TABLE x (y TEXT)"} {
		if _, err := conn.Exec(t.Context(), statement); err == nil {
			t.Errorf("the servers' role may %s", statement)
		}
	}
}

// makeRoles does what deploy/postgres-roles.sql says, under names of this test, and returns the URLs of both roles.
func makeRoles(t *testing.T) (owner, serve string) {
	t.Helper()
	raw, err := os.ReadFile("../deploy/postgres-roles.sql")
	if err != nil {
		t.Fatal(err)
	}
	mark := strings.ToLower(rand.Text()[:12])
	names := strings.NewReplacer("pay_owner", "pay_owner_"+mark, "pay_serve", "pay_serve_"+mark,
		"DATABASE sluice", "DATABASE sluice_"+mark, `\connect sluice`, `\connect sluice_`+mark)
	at := func(user, database string) string {
		u, err := url.Parse(os.Getenv("SLUICE_TEST_POSTGRES"))
		if err != nil {
			t.Fatal(err)
		}
		if u.Path = "/" + database; user != "" {
			u.User = url.User(user)
		}
		return u.String()
	}
	var script strings.Builder
	for line := range strings.Lines(names.Replace(string(raw))) {
		line, _, _ = strings.Cut(line, "--")
		script.WriteString(line + "\n")
	}
	before, after, found := strings.Cut(script.String(), `\connect sluice_`+mark)
	if !found {
		t.Fatal("the script does not go over to the new database")
	}
	t.Cleanup(func() {
		executeAll(t, os.Getenv("SLUICE_TEST_POSTGRES"), "DROP DATABASE IF EXISTS sluice_"+mark+" WITH (FORCE); DROP ROLE IF EXISTS pay_owner_"+mark+
			"; DROP ROLE IF EXISTS pay_serve_"+mark)
	})
	executeAll(t, os.Getenv("SLUICE_TEST_POSTGRES"), before)
	executeAll(t, at("", "sluice_"+mark), after)
	return at("pay_owner_"+mark, "sluice_"+mark), at("pay_serve_"+mark, "sluice_"+mark)
}

// executeAll runs statements one by one.
func executeAll(t *testing.T, at, script string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for statement := range strings.SplitSeq(script, ";") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Errorf("%s: %v", strings.TrimSpace(statement), err)
		}
	}
}
