package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/config"
)

const sandboxSettings = `{"url":"http://127.0.0.1:1","apiKey":"sandbox_key"}`

// folder is a data folder that no server uses, and how commands are run on it.
type folder struct {
	t   *testing.T
	dir string
}

// newFolder returns a folder with an installation, as a first start makes it.
func newFolder(t *testing.T) folder {
	t.Helper()
	f := folder{t, shortDir(t)}
	f.done("migrate")
	return f
}

func (f folder) run(args ...string) outcome {
	f.t.Helper()
	return command(f.t.Context(), nil, append(args, "--data", f.dir)...)
}

// done runs a command that must succeed in silence but for its answer.
func (f folder) done(args ...string) string {
	f.t.Helper()
	got := f.run(args...)
	if got.code != 0 {
		f.t.Fatalf("sluice %s: code %d, %s", strings.Join(args, " "), got.code, got.err)
	}
	return got.out
}

// made runs a command that prints one JSON object with just these members, none of them empty.
func (f folder) made(members []string, args ...string) map[string]string {
	f.t.Helper()
	facts := map[string]string{}
	if err := json.Unmarshal([]byte(f.done(args...)), &facts); err != nil {
		f.t.Fatalf("sluice %s: %v", strings.Join(args, " "), err)
	}
	for _, m := range members {
		if facts[m] == "" {
			f.t.Errorf("sluice %s: no %s", strings.Join(args, " "), m)
		}
	}
	if len(facts) != len(members) {
		f.t.Errorf("sluice %s: %v, want %v", strings.Join(args, " "), facts, members)
	}
	return facts
}

func (f folder) shop(name string, more ...string) map[string]string {
	f.t.Helper()
	return f.made([]string{"shopId", "apiKey", "signingKey"}, append([]string{"shop", "create", "--name", name}, more...)...)
}

// row returns the cells of the listed row that begins with this id; cells are at least two spaces apart, and lines that
// are indented go on with the row before.
func row(list, id string) []string {
	for line := range strings.Lines(strings.ReplaceAll(list, "\n  ", "  ")) {
		if strings.HasPrefix(line, id) {
			return slices.DeleteFunc(strings.Split(strings.TrimSpace(line), "  "), func(cell string) bool { return cell == "" })
		}
	}
	return nil
}

func cells(t *testing.T, list, id string, want ...string) {
	t.Helper()
	got := row(list, id)
	for i := range got {
		got[i] = strings.TrimSpace(got[i])
	}
	if diff := cmp.Diff(append([]string{id}, want...), got); diff != "" {
		t.Errorf("row (-want +got):\n%s\nof\n%s", diff, list)
	}
}

var instant = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?`)

// undated puts a word in the place of each instant.
func undated(list string) string { return instant.ReplaceAllString(list, "DATE") }

func TestShops(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	test := f.shop("Books & more")
	live := f.shop("Кофе", "--live", "--merchant", "Brand Ltd", "--settings", `{}`)
	list := undated(f.done("shop", "list"))
	cells(t, list, test["shopId"], "Books & more", "Books & more", "test", "true", "DATE")
	cells(t, list, live["shopId"], "Кофе", "Brand Ltd", "live", "true", "DATE")
	if test["apiKey"] == live["apiKey"] || test["signingKey"] == live["signingKey"] {
		t.Error("two shops share a key")
	}
	if strings.Contains(list, test["apiKey"]) || strings.Contains(list, test["signingKey"]) {
		t.Error("the list shows keys")
	}
	keys := undated(f.done("key", "list", "--shop", test["shopId"]))
	if !strings.Contains(keys, "first") || strings.Contains(keys, test["apiKey"]) {
		t.Errorf("the first key is not listed, or shown whole:\n%s", keys)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	s, other := f.shop("one"), f.shop("two")
	of := []string{"--shop", s["shopId"]}
	key := f.made([]string{"keyId", "apiKey"}, append([]string{"key", "create", "--label", "web site"}, of...)...)
	if key["apiKey"] == s["apiKey"] {
		t.Error("the second key is the first one")
	}
	list := undated(f.done(append([]string{"key", "list"}, of...)...))
	prefix, _, _ := strings.Cut(row(list, key["keyId"])[1], "…")
	if !strings.HasPrefix(key["apiKey"], strings.TrimSpace(prefix)) || len(prefix) >= len(key["apiKey"]) {
		t.Errorf("the list shows %q of the key", prefix)
	}
	cells(t, list, key["keyId"], strings.TrimSpace(prefix)+"…", "web site", "DATE", "–")

	if got := f.run("key", "revoke", key["keyId"], "--shop", other["shopId"]); got.code != exitFailed {
		t.Errorf("a shop revoked another's key: %+v", got)
	}
	if got := f.done(append([]string{"key", "revoke", key["keyId"]}, of...)...); got != "revoked "+key["keyId"]+"\n" {
		t.Errorf("answered %q", got)
	}
	list = undated(f.done(append([]string{"key", "list"}, of...)...))
	cells(t, list, key["keyId"], strings.TrimSpace(prefix)+"…", "web site", "DATE", "DATE")
	if n := strings.Count(list, "–"); n != 1 {
		t.Errorf("%d keys are still good, want the first alone:\n%s", n, list)
	}
}

func TestTerminals(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	s, other := f.shop("one"), f.shop("two")
	create := func(shop, name string, more ...string) map[string]string {
		return f.made([]string{"terminalId", "terminalName", "inForceFrom"}, append([]string{
			"terminal", "create", "--shop", shop, "--name", name, "--connector", "sandbox", "--settings", sandboxSettings, "--no-trial",
		}, more...)...)
	}
	first := create(s["shopId"], "main")
	second := create(s["shopId"], "cards only", "--priority", "7", "--methods", "BASIC_CARD", "--currencies", "EUR,JPY")
	create(other["shopId"], "main") // names are unique in a shop, not beyond
	if first["terminalName"] != "main" {
		t.Errorf("named %q", first["terminalName"])
	}
	list := f.done("terminal", "list", "--shop", s["shopId"])
	cells(t, list, second["terminalId"], "cards only", "sandbox", "7", "true", "BASIC_CARD")
	if got := row(list, first["terminalId"]); len(got) != 6 || !strings.Contains(got[5], "BASIC_CARD") {
		t.Errorf("without a choice a terminal has all methods, got %q", got)
	}
	if strings.Contains(list, "sandbox_key") || strings.Count(list, "sandbox  ") != 2 {
		t.Errorf("the list shows credentials or terminals of another shop:\n%s", list)
	}
}

func TestAdministrationRefuses(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	s := f.shop("taken")["shopId"]
	terminal := func(name, connector, settings string, more ...string) []string {
		return append([]string{
			"terminal", "create", "--shop", s, "--name", name, "--connector", connector, "--settings", settings, "--no-trial",
		}, more...)
	}
	f.done(terminal("taken", "sandbox", sandboxSettings)...)
	before := f.done("shop", "list") + f.done("key", "list", "--shop", s) + f.done("terminal", "list", "--shop", s)
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"name of another shop":       {[]string{"shop", "create", "--name", "taken"}, `"taken"`},
		"settings that are no JSON":  {[]string{"shop", "create", "--name", "x", "--settings", "{"}, "settings"},
		"settings of another kind":   {[]string{"shop", "create", "--name", "x", "--settings", "[]"}, "settings"},
		"key of an unknown shop":     {[]string{"key", "create", "--shop", "nobody"}, `"nobody"`},
		"keys of an unknown shop":    {[]string{"key", "list", "--shop", "nobody"}, `"nobody"`},
		"revoking an unknown key":    {[]string{"key", "revoke", "nothing", "--shop", s}, `"nothing"`},
		"terminals of nobody":        {[]string{"terminal", "list", "--shop", "nobody"}, `"nobody"`},
		"name of another terminal":   {terminal("taken", "sandbox", sandboxSettings), `"taken"`},
		"unknown connector":          {terminal("x", "acme", `{}`), `"acme"`},
		"settings without a key":     {terminal("x", "sandbox", `{"url":"http://127.0.0.1:1"}`), "apiKey"},
		"settings with a wrong name": {terminal("x", "sandbox", `{"urll":"x"}`), "settings"},
		"unknown method":             {terminal("x", "sandbox", sandboxSettings, "--methods", "BARTER"), `"BARTER"`},
		"unknown currency":           {terminal("x", "sandbox", sandboxSettings, "--currencies", "EUR,euro"), `"euro"`},
	} {
		got := f.run(c.args...)
		if got.code != exitFailed || got.out != "" || !strings.Contains(got.err, c.says) || strings.Contains(got.err, "sandbox_key") {
			t.Errorf("%s: %+v, want code %d and %s named", name, got, exitFailed, c.says)
		}
	}
	after := f.done("shop", "list") + f.done("key", "list", "--shop", s) + f.done("terminal", "list", "--shop", s)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("a refused command changed something (-before +after):\n%s", diff)
	}
}

// TestTaskWithoutACommand: what comes over the socket names what to do.
func TestTaskWithoutACommand(t *testing.T) {
	t.Parallel()
	a := &node{base: &base{log: slog.New(slog.DiscardHandler)}}
	for _, body := range []string{`{}`, `{"operation":"shop.destroy","arguments":{}}`, `{"listShops":{}}`, `[]`, ``} {
		w := httptest.NewRecorder()
		a.admin(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/operation", strings.NewReader(body)))
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s is answered %d %s", body, w.Code, w.Body)
		}
	}
}

// TestStaleSocket: a server that was killed leaves its socket behind, and the folder can be used all the same.
func TestStaleSocket(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(f.dir, adminSocket)})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	made := f.shop("one")
	r := start(t, "serve", "--listen", "127.0.0.1:0", "--data", f.dir)
	if list := f.done("shop", "list"); !strings.Contains(list, made["shopId"]) {
		t.Errorf("listed %q", list)
	}
	if got := r.stop(); got.code != 0 {
		t.Errorf("stopped with %+v", got)
	}
}

// TestServersThatShareAFolder: the first answers administrative commands until it ends; no other takes its socket away.
func TestServersThatShareAFolder(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	var log strings.Builder
	server := func() (stop func()) {
		return serveAdmin(t.Context(), &node{base: &base{config: config.Config{Data: dir}, log: slog.New(slog.NewTextHandler(&log, nil))}})
	}
	answers := func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "unix", filepath.Join(dir, adminSocket))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	first := server()
	second := server()
	if !answers() || !strings.Contains(log.String(), "another server of this data folder") {
		t.Errorf("answers %t, log %s", answers(), &log)
	}
	second()
	if !answers() {
		t.Error("the second server took the socket of the first with it")
	}
	third := server()
	first()
	third()
	if answers() {
		t.Error("a server that has ended answers")
	}
	fourth := server()
	if !answers() {
		t.Error("a later server cannot be administered")
	}
	fourth()

	// One that holds no file, such as a program of before, lives as well.
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, adminSocket)})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	fifth := server()
	fifth()
	if !answers() {
		t.Error("the socket of a living server was removed")
	}
}

// TestSlowCommand: a command that comes to a standstill while it speaks to the server, with the whole machine as a rule, is
// answered all the same.
func TestSlowCommand(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	r := start(t, "serve", "--listen", "127.0.0.1:0", "--data", f.dir)
	conn, err := new(net.Dialer).DialContext(t.Context(), "unix", filepath.Join(f.dir, adminSocket))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"operation":"shop.list","arguments":{}}`
	head := fmt.Sprintf("POST /operation HTTP/1.1\r\nHost: admin\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", len(body))
	if _, err := io.WriteString(conn, head[:20]); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5500 * time.Millisecond)
	if _, err := io.WriteString(conn, head[20:]+body); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
		t.Errorf("answered %q, %v", answer, err)
	}
	if got := r.stop(); got.code != 0 {
		t.Errorf("stopped with %+v", got)
	}
}
