package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/testkit/golden"
)

// outcome is what a finished command leaves behind.
type outcome struct {
	code     int
	out, err string
}

// command runs the program's own entry in this process, with env instead of the environment.
func command(ctx context.Context, env []string, args ...string) outcome {
	var out, err bytes.Buffer
	code := run(args, &surroundings{ctx: ctx, out: &out, err: &err, env: env})
	return outcome{code, out.String(), err.String()}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestGoldenHelp keeps every page of help as it reads on a terminal of eighty columns.
func TestGoldenHelp(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	t.Setenv("SLUICE_SIMULATOR_API_KEY", "")
	t.Setenv("SLUICE_SIMULATOR_NOTICE_SECRET", "")
	var pages strings.Builder
	for _, words := range []string{
		"", "serve", "migrate", "doctor", "shop", "shop create", "shop list", "key", "key create", "key list", "key revoke",
		"terminal", "terminal create", "terminal list", "listen", "simulator", "version", "help", "completion",
	} {
		got := command(t.Context(), nil, append(strings.Fields(words), "--help")...)
		if got.code != 0 || got.err != "" {
			t.Errorf("sluice %s --help: code %d, errors %q", words, got.code, got.err)
		}
		fmt.Fprintf(&pages, "$ %s\n%s\n", strings.Join(strings.Fields("sluice "+words+" --help"), " "), got.out)
	}
	golden.Check(t, "testdata/help.txt", []byte(pages.String()))
	if bare := command(t.Context(), nil); bare.code != 0 || !strings.HasPrefix(pages.String(), "$ sluice --help\n"+bare.out) {
		t.Errorf("without arguments: code %d, %q", bare.code, bare.out)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if got := command(t.Context(), nil, "version"); got != (outcome{0, "sluice " + version + "\n", ""}) {
		t.Errorf("got %+v", got)
	}
}

func TestWrongUseEndsWithTwo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args string
		says []string
	}{
		"unknown command":    {"frobnicate", []string{"frobnicate"}},
		"unknown flag":       {"serve --frobnicate", []string{"--frobnicate"}},
		"flag of another":    {"migrate --listen :0", []string{"--listen"}},
		"no subcommand":      {"shop", []string{"create", "list"}},
		"words too many":     {"serve now", []string{"now"}},
		"flag without value": {"serve --listen", []string{"--listen"}},
		"every missing flag": {"terminal create", []string{"--shop", "--name", "--connector", "--settings"}},
		"missing argument":   {"key revoke --shop x", []string{"<key>"}},
		"no number":          {"terminal create --shop s --name n --connector c --settings {} --priority high", []string{"--priority", "high"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := command(t.Context(), nil, strings.Fields(c.args)...)
			if got.code != exitUsage || got.out != "" {
				t.Errorf("code %d, output %q", got.code, got.out)
			}
			for _, text := range append(c.says, "sluice --help") {
				if !strings.Contains(got.err, text) {
					t.Errorf("%q does not name %q", got.err, text)
				}
			}
		})
	}
}

func TestWrongConfigurationEndsWithTwoAndNamesEveryFault(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		"serve", "migrate", "shop list", "shop create --name x", "key list --shop x", "key create --shop x", "key revoke --shop x y",
		"terminal list --shop x", "terminal create --shop x --name x --connector x --settings {}",
	} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			data := filepath.Join(dir, "data")
			file := write(t, filepath.Join(dir, "sluice.json"), `{"listne":":1","drain-timeout":"soon"}`)
			env := []string{"SLUICE_LOG_FORMAT=xml", "SLUICE_LISTEM=:1", "SLUICE_DATABASE=mysql://root:hunter2@h/d", "PATH=/bin"}
			got := command(t.Context(), env, append(strings.Fields(words), "--config", file, "--data", data, "--log-level", "loud")...)
			if got.code != exitUsage || got.out != "" {
				t.Errorf("code %d, output %q", got.code, got.out)
			}
			for _, text := range []string{
				"listne", "drain-timeout", "soon", "log-format", "SLUICE_LISTEM", "database", "--log-level", "loud", file,
			} {
				if !strings.Contains(got.err, text) {
					t.Errorf("%q is not named in:\n%s", text, got.err)
				}
			}
			if strings.Contains(got.err, "hunter2") {
				t.Error("the password of the database is shown")
			}
			if _, err := os.Stat(data); err == nil {
				t.Error("a wrong configuration made the data folder")
			}
		})
	}
}

func TestWhatDoesNotWorkEndsWithOne(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	plain := write(t, filepath.Join(t.TempDir(), "plain"), "a file")
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"the data folder is a file":       {[]string{"migrate", "--data", plain}, "data folder"},
		"no server at the database's URL": {[]string{"migrate", "--database", "postgres://u:hunter2@127.0.0.1:1/d?connect_timeout=1"}, "database"},
		"the port is taken":               {[]string{"serve", "--listen", taken.Addr().String()}, "listen"},
		"the metrics' port is taken":      {[]string{"serve", "--listen", "127.0.0.1:0", "--metrics-listen", taken.Addr().String()}, "metrics"},
		"the demo's port is taken":        {[]string{"serve", "--listen", "127.0.0.1:0", "--demo", "--simulator-listen", taken.Addr().String()}, "simulator"},
		"the simulator's port is taken":   {[]string{"simulator", "--listen", taken.Addr().String()}, "listen"},
		"a ledger without a key":          {[]string{"simulator", "--listen", "127.0.0.1:0", "--ledger", plain + ".ledger"}, "key"},
		"no folder for the ready file":    {[]string{"serve", "--listen", "127.0.0.1:0", "--ready-file", plain + "/ready"}, "ready"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := []string{"SLUICE_DATA=" + t.TempDir(), "SLUICE_DRAIN_TIMEOUT=1s"}
			got := command(t.Context(), env, c.args...)
			if got.code != exitFailed || !strings.Contains(got.err, "sluice: ") || !strings.Contains(got.err, c.says) {
				t.Errorf("code %d, errors %q do not name %q", got.code, got.err, c.says)
			}
			if strings.Contains(got.err, "hunter2") {
				t.Errorf("the password of the database is shown: %s", got.err)
			}
		})
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "made", "here")
	for range 2 { // the second time there is nothing to do
		got := command(t.Context(), nil, "migrate", "--data", data)
		if got.code != 0 || got.out != "the sqlite database is up to date\n" {
			t.Fatalf("got %+v", got)
		}
	}
	info, err := os.Stat(data)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder is %v, %v; only its owner may enter", info, err)
	}
}

// TestOutputThatCannotBeWritten: a result that nobody saw is a failure.
func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	s := &surroundings{ctx: t.Context(), out: full{}, err: &errs}
	if code := run([]string{"version"}, s); code != exitFailed || !strings.Contains(errs.String(), io.ErrShortWrite.Error()) {
		t.Errorf("code %d, errors %q", code, errs.String())
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
