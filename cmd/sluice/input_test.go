package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// typed runs a command with something on its standard input.
func (f folder) typed(stdin string, env []string, args ...string) outcome {
	f.t.Helper()
	var out, err bytes.Buffer
	code := run(append(args, "--data", f.dir), &surroundings{ctx: f.t.Context(), in: strings.NewReader(stdin), out: &out, err: &err, env: env})
	return outcome{code, out.String(), err.String()}
}

func TestSecretsAreReadFromElsewhere(t *testing.T) {
	f := newFolder(t)
	id := f.shop("Shop")["shopId"]
	path := write(t, filepath.Join(t.TempDir(), "settings.json"), sandboxSettings+"\n")
	const warning = "every user of this machine can see among the arguments"
	for name, c := range map[string]struct {
		given, stdin string
		warned       bool
	}{
		"file": {given: "@" + path}, "standard input": {given: "-", stdin: sandboxSettings}, "variable": {given: "env:SANDBOX"},
		"argument": {given: sandboxSettings, warned: true},
	} {
		for _, args := range [][]string{{"--settings", c.given}, {"--settings=" + c.given}} {
			got := f.typed(c.stdin, []string{"SANDBOX=" + sandboxSettings},
				append([]string{"terminal", "create", "--shop", id, "--connector", "sandbox", "--no-trial", "--name", name + " " + strconv.Itoa(len(args))}, args...)...)
			facts := map[string]string{}
			if got.code != 0 || json.Unmarshal([]byte(got.out), &facts) != nil || facts["terminalId"] == "" {
				t.Errorf("%s: %+v", args, got)
			}
			if n := strings.Count(got.err, warning); n > 1 || (n == 1) != c.warned || strings.Contains(got.err, "sandbox_key") {
				t.Errorf("%s: said %q", args, got.err)
			}
		}
	}
	for _, given := range []string{"@" + path + "x", "-", "env:NONE"} {
		got := f.typed("", nil, "terminal", "create", "--shop", id, "--connector", "sandbox", "--name", "x", "--settings", given)
		if got.code != exitUsage || !strings.Contains(got.err, "--settings") {
			t.Errorf("%s: %+v", given, got)
		}
	}
	got := f.typed(`{"checkoutTimeout":7}`, nil, "shop", "update", "--shop", id, "--settings", "-")
	if got.code != 0 || !strings.Contains(got.out, `"checkoutTimeout": 7`) {
		t.Errorf("settings of a shop: %+v", got)
	}
	if got := f.typed("", nil, "shop", "update", "--shop", id, "--settings", `{"checkoutTimeout":8}`); strings.Contains(got.err, warning) {
		t.Errorf("settings of a shop are no secret: %s", got.err)
	}
}

func TestPasswordAmongTheArgumentsIsToldOf(t *testing.T) {
	for _, c := range []struct {
		url    string
		warned bool
	}{
		{"postgres://u:hunter2@127.0.0.1:1/d?connect_timeout=1", true}, {"postgres://u@127.0.0.1:1/d?password=hunter2", true},
		{"postgres://u@127.0.0.1:1/d?connect_timeout=1", false},
		{"@" + write(t, filepath.Join(t.TempDir(), "url"), "postgres://u:hunter2@127.0.0.1:1/d"), false},
	} {
		got := newFolder(t).run("shop", "list", "--database", c.url)
		warned := strings.Contains(got.err, "--database holds a secret")
		if got.code == 0 || warned != c.warned || strings.Contains(got.err, "hunter2") {
			t.Errorf("%s: %+v", c.url, got)
		}
	}
}

func TestListenReadsItsKeysFromElsewhere(t *testing.T) {
	key := write(t, filepath.Join(t.TempDir(), "key"), "sk_test_x\n")
	got := command(t.Context(), []string{"SIGN=whsec"}, "listen", "--forward-to", "ftp://x", "--api-key", "@"+key, "--signing-key", "env:SIGN")
	if got.code != exitUsage || !strings.Contains(got.err, "--forward-to") || strings.Contains(got.err, "warning") {
		t.Errorf("%+v", got)
	}
	got = command(t.Context(), nil, "listen", "--forward-to", "ftp://x", "--api-key", "sk_test_x", "--signing-key", "whsec")
	if strings.Count(got.err, "warning") != 2 || strings.Contains(got.err, "sk_test_x") {
		t.Errorf("%+v", got)
	}
}

// TestADataFolderThatIsOpenIsClosed looks at it through a command, with the log that an operator sees.
func TestADataFolderThatIsOpenIsClosed(t *testing.T) {
	f := newFolder(t)
	f.shop("Shop")
	for path, mode := range map[string]os.FileMode{"": 0o755, "keys.json": 0o644, "sluice.db": 0o644} {
		if err := os.Chmod(filepath.Join(f.dir, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	got := f.run("shop", "list")
	for _, want := range []string{"could enter the data folder", "may have read the keys", "they were closed: sluice.db"} {
		if got.code != 0 || !strings.Contains(got.err, want) {
			t.Errorf("no word on %q: %+v", want, got)
		}
	}
	if got := f.run("shop", "list"); got.code != 0 || strings.Contains(got.err, "WARN") {
		t.Errorf("once it is closed: %+v", got)
	}
}
