package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/loopback"
)

// TestDoctorOfAFile says what is amiss with the embedded database, and makes none.
func TestDoctorOfAFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if o := command(t.Context(), nil, "doctor", "--data", dir); o.code != 1 || !strings.Contains(o.out, "there is no database of Sluice") ||
		!strings.Contains(o.out, "--database has to name it") {
		t.Errorf("nothing there: %+v", o)
	}
	if o := command(t.Context(), nil, "migrate", "--citus", "--data", dir); o.code != 2 || !strings.Contains(o.err, "--citus needs --database") {
		t.Errorf("laid out in a file: %+v", o)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("they have made %s: %v", dir, err)
	}
	if o := command(t.Context(), nil, "migrate", "--data", dir); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	if o := command(t.Context(), nil, "doctor", "--data", dir); o.code != 0 || o.out != "SQLite "+filepath.Join(dir, "sluice.db")+": nothing is amiss\n" {
		t.Errorf("as it should be: %+v", o)
	}
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if o := command(t.Context(), nil, "doctor", "--data", dir); o.code != 0 {
		t.Errorf("beside a server: %+v", o)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sluice.db"), []byte("no database at all, but long enough to be looked at by everybody"), 0o600); err != nil {
		t.Fatal(err)
	}
	if o := command(t.Context(), nil, "doctor", "--json", "--data", dir); o.code != 1 || !strings.Contains(o.out, `"what": `) {
		t.Errorf("no database: %+v", o)
	}
}

// TestDoctorWhereNobodyAnswers: that is the first thing to say, in the form that was asked for.
func TestDoctorWhereNobodyAnswers(t *testing.T) {
	t.Parallel()
	o := command(t.Context(), []string{"SLUICE_DATABASE=postgres://me:hidden@" + loopback.Address(t) + "/x"}, "doctor", "--json", "--data", t.TempDir())
	if o.code != 1 || !strings.Contains(o.out, "database unavailable") || !strings.Contains(o.out, "start the server") ||
		strings.Contains(o.out+o.err, "hidden") {
		t.Errorf("%+v", o)
	}
}

// TestDoctor says what is amiss and changes nothing.
func TestDoctor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unmigrated := func(o *store.Options) { o.Migrate, o.Spread = false, false }
	database := "SLUICE_DATABASE=" + storetest.New(t, store.Postgres).Options(unmigrated).URL
	for range 2 { // the first has made nothing
		o := command(t.Context(), []string{database}, "doctor", "--data", dir)
		if o.code != 1 || !strings.Contains(o.out, "there is no database of Sluice") || !strings.Contains(o.out, "sluice migrate") {
			t.Errorf("an empty database: %+v", o)
		}
	}
	if o := command(t.Context(), []string{database}, "migrate", "--citus", "--data", dir); o.code != 1 ||
		!strings.Contains(o.err, "the database is no Citus with worker nodes") {
		t.Errorf("laid out where there are no nodes: %+v", o)
	}
	if o := command(t.Context(), []string{database}, "doctor", "--data", dir); o.code != 1 || !strings.Contains(o.out, "there is no database of Sluice") {
		t.Errorf("laying out has begun something: %+v", o)
	}
	if o := command(t.Context(), []string{database}, "migrate", "--data", dir); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	if o := command(t.Context(), []string{database}, "doctor", "--json", "--data", dir); o.code != 0 || !strings.Contains(o.out, `"complaints": []`) {
		t.Errorf("as it should be: %+v", o)
	}
	if o := command(t.Context(), []string{database}, "migrate", "--parts", "8", "--data", dir); o.code != 2 || !strings.Contains(o.err, "--citus") {
		t.Errorf("parts of one node: %+v", o)
	}
	for _, parts := range []string{"0", "-3", "5000"} {
		if o := command(t.Context(), []string{database}, "migrate", "--citus", "--parts", parts, "--data", dir); o.code != 2 {
			t.Errorf("--parts %s: %+v", parts, o)
		}
	}
}

// TestDoctorOfACitus: a layout that is wrong is told with its remedy, and is refused by others.
func TestDoctorOfACitus(t *testing.T) {
	t.Parallel()
	d := storetest.NewCitus(t)
	database := []string{"SLUICE_DATABASE=" + d.Options().URL}
	dir := t.TempDir()
	if o := command(t.Context(), database, "migrate", "--data", dir); o.code != 1 || !strings.Contains(o.err, "sluice migrate --citus") {
		t.Errorf("not laid out: %+v", o)
	}
	if o := command(t.Context(), database, "doctor", "--data", dir); o.code != 1 || strings.Count(o.out, "\n- table ") < 20 ||
		strings.Count(o.out, "migrate --citus") != 1 || !strings.Contains(o.out, ", a Citus of ") {
		t.Errorf("not laid out, each table and once what to do: %+v", o)
	}
	if o := command(t.Context(), database, "migrate", "--citus", "--parts", "4", "--data", dir); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	if o := command(t.Context(), database, "doctor", "--data", dir); o.code != 0 {
		t.Errorf("laid out: %+v", o)
	}
	d.Exec("SELECT undistribute_table('notice')")
	o := command(t.Context(), database, "doctor", "--json", "--data", dir)
	var said struct {
		Complaints []struct{ What, Remedy string }
	}
	if err := json.Unmarshal([]byte(o.out), &said); err != nil || o.code != 1 || len(said.Complaints) != 1 ||
		!strings.Contains(said.Complaints[0].What, "table notice") || !strings.Contains(said.Complaints[0].Remedy, "migrate --citus") {
		t.Errorf("taken back: %+v, %v", o, err)
	}
	if o := command(t.Context(), database, "shop", "list", "--data", dir); o.code != 1 || !strings.Contains(o.err, "table notice") {
		t.Errorf("another command: %+v", o)
	}
	if o := command(t.Context(), database, "migrate", "--citus", "--data", dir); o.code != 0 {
		t.Errorf("laid out again: %+v", o)
	}
}
