package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestDoctor says what is amiss and changes nothing.
func TestDoctor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if o := command(t.Context(), nil, "doctor", "--data", dir); o.code != 0 || o.out != "nothing is amiss\n" {
		t.Errorf("the embedded database: %+v", o)
	}
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
	if o := command(t.Context(), []string{database}, "migrate", "--data", dir); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	if o := command(t.Context(), []string{database}, "doctor", "--json", "--data", dir); o.code != 0 || !strings.Contains(o.out, `"complaints": []`) {
		t.Errorf("as it should be: %+v", o)
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
