package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/telemetry"
)

// TestAlarmsAreListedUntilAcknowledged walks the command as an operator uses it.
func TestAlarmsAreListedUntilAcknowledged(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	one, two := f.shop("one"), f.shop("two")
	b, err := load(&surroundings{ctx: t.Context(), err: t.Output()}, config.Flags{Common: config.Common{Data: f.dir}}, app.Make)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newNode(b, "")
	if err != nil {
		t.Fatal(err)
	}
	e := a.Engine
	about := func(s, subject string) {
		e.Bell().Raise(t.Context(), alarm.Alarm{Shop: shop.ID(s), About: alarm.Payment, Subject: subject, Why: "odd", Detail: "line\nline"})
	}
	about(one["shopId"], "p-first")
	about(two["shopId"], "p-second")
	about(one["shopId"], "p-first")
	about("", "work\x1b[2J")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	list := f.says(0, "p-first", "alarms")
	lines := strings.Split(strings.TrimSpace(list), "\n")
	if len(lines) != 8 || !strings.Contains(lines[2], "p-first") || !strings.Contains(lines[4], "p-second") || strings.Contains(list, "\x1b") {
		t.Errorf("not oldest first: %q", lines)
	}
	if own := f.says(0, "p-second", "alarms", "--shop", two["shopId"]); strings.Contains(own, "p-first") {
		t.Error(own)
	}
	f.says(0, "There are more", "alarms", "--limit", "1")
	f.says(1, "less than 1", "alarms", "--limit", "0")
	var view admin.Alarm
	if err := json.Unmarshal([]byte(strings.Split(f.says(0, "{", "alarms", "--json"), "\n")[0]), &view); err != nil {
		t.Fatal(err)
	}
	if view.Times != 2 || view.Detail != "line\nline" || view.Subject != "p-first" || view.Shop != shop.ID(one["shopId"]) || view.First.IsZero() {
		t.Errorf("%+v", view)
	}
	f.says(2, "--note", "alarms", "ack", view.ID, "--by", "Ada")
	f.says(1, "needs a name", "alarms", "ack", view.ID, "--by", " ", "--note", "x")
	f.says(1, "no alarm", "alarms", "ack", "nonsense", "--by", "Ada", "--note", "x")
	f.says(0, "p-first", "alarms", "ack", view.ID, "--by", "Ada", "--note", "it was the provider")
	f.says(1, `by "Ada"`, "alarms", "ack", view.ID, "--by", "Bob", "--note", "again")
	if left := f.says(0, "p-second", "alarms"); strings.Contains(left, "p-first") {
		t.Error(left)
	}
	f.says(0, "it was the provider", "alarms", "--all")
	f.says(0, "PAYMENT", "webhook", "untold", "--retry")
}

// TestAnAdministrativeCommandThatPanics answers with an error and leaves the server running.
func TestAnAdministrativeCommandThatPanics(t *testing.T) {
	t.Parallel()
	a := &node{base: &base{log: telemetry.Logger(slog.LevelError+1, "text", t.Output())}} // without a database
	w := httptest.NewRecorder()
	body, err := json.Marshal(request{Operation: admin.OpListAlarms.Name(), Arguments: json.RawMessage(`{"limit":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	a.admin(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/task", strings.NewReader(string(body))))
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "panic") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestAServerThatPanicsEndsTheProcessInOrder: the others of the group are told to stop.
func TestAServerThatPanicsEndsTheProcessInOrder(t *testing.T) {
	t.Parallel()
	g := group{}
	g.ctx, g.cancel = context.WithCancel(t.Context())
	stopped := false
	g.run(func(ctx context.Context) error {
		<-ctx.Done()
		stopped = true
		return nil
	})
	g.run(func(context.Context) error { panic("content") })
	<-g.ctx.Done()
	if err := g.wait(); err == nil || !stopped {
		t.Errorf("%v, stopped %t", err, stopped)
	}
}
