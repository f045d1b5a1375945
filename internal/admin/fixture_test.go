package admin_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/testkit"
)

// office is an application with a desk, and the log of what was done there.
type office struct {
	*testkit.App
	t    *testing.T
	desk *admin.Desk
	log  *bytes.Buffer
	data *storetest.Database
}

// onBoth runs fn at a desk on each database.
func onBoth(t *testing.T, fn func(t *testing.T, o *office)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		o := &office{t: t, log: &bytes.Buffer{}, data: d}
		o.App = testkit.New(t, d.Open(), testkit.Options{Log: telemetry.Logger(slog.LevelInfo, "json", o.log)})
		o.desk = o.Desk
		fn(t, o)
	})
}

// settings are those of a terminal at the simulator, with changes.
func (o *office) settings(changes map[string]string) string {
	o.t.Helper()
	all := map[string]string{"url": o.SimulatorURL, "apiKey": o.Simulator.APIKey(), "noticeSecret": o.Simulator.NoticeSecret()}
	maps.Copy(all, changes)
	raw, err := json.Marshal(all)
	if err != nil {
		o.t.Fatal(err)
	}
	return string(raw)
}

// done does what has to work.
func done[A, R any](o *office, op admin.Operation[A, R], arguments A) R {
	o.t.Helper()
	result, err := op.Do(admin.As(o.t.Context(), admin.Person{Account: "root(0)", Claims: "ann"}), o.desk, arguments)
	if err != nil {
		o.t.Fatalf("%s: %v", op.Name(), err)
	}
	return result
}

// refused does what has to be refused with these words.
func refused[A, R any](o *office, op admin.Operation[A, R], arguments A, words string) {
	o.t.Helper()
	if _, err := op.Do(o.t.Context(), o.desk, arguments); err == nil || !strings.Contains(err.Error(), words) {
		o.t.Errorf("%s %+v: %v, want %q", op.Name(), arguments, err, words)
	}
}
