package arch

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// script runs one of the repository's scripts where the only programs are those given, as shell scripts, and what any
// system has. It returns what was printed.
func script(t *testing.T, programs map[string]string, name string, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for program, body := range programs {
		if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, program := range []string{"bash", "sh", "cat", "dirname", "grep", "head", "mktemp", "rm", "tail", "test"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Skip("this system lacks ", program)
		}
		if err := os.Symlink(path, filepath.Join(dir, program)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "bash"), append([]string{filepath.Join("..", "..", "scripts", name)}, args...)...)
	cmd.Env = []string{"PATH=" + dir, "TMPDIR=" + t.TempDir(), "RECORD=" + filepath.Join(dir, "record")}
	out, err := cmd.CombinedOutput()
	record, _ := os.ReadFile(filepath.Join(dir, "record")) // there is none where nothing was called
	return string(out) + string(record), err
}

func TestInstallingWaitsForLocks(t *testing.T) {
	t.Parallel()
	const held = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 9 (apt-get)"
	for name, c := range map[string]struct {
		id, aptGet string
		ok         bool
		want, not  string
	}{
		"nobody holds one": {"0", "", true, "install -y --no-install-recommends -o Dpkg::Options::=--force-confold strace", "apt.sh:"},
		"held for a while": {"0", `[ $(grep -c . "$RECORD") -gt 3 ] || { echo "` + held + `"; exit 100; }`, true, "waiting for it", "not up to date"},
		"one source fails": {"0", `[ $1 = install ] || { echo "E: The repository has no Release file."; exit 100; }`, true, "The repository has no Release file.", "waiting"},
		"no such package":  {"0", `[ $1 = update ] || { echo "E: Unable to locate package strace"; exit 100; }`, false, "Unable to locate package strace", "waiting"},
		"not root":         {"1000", "", false, "", "install"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			programs := map[string]string{"id": "echo " + c.id, "sleep": "", "apt-get": `echo "$@" >>"$RECORD"` + "\n" + c.aptGet}
			out, err := script(t, programs, "apt.sh", "strace")
			if (err == nil) != c.ok || !strings.Contains(out, c.want) || strings.Contains(out, c.not) {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}

func TestNodeThatWillDo(t *testing.T) {
	t.Parallel()
	for version, ok := range map[string]bool{"v12.22.9": false, "v18.20.4": true, "v20.19.0": true, "v100.0.0": true, "": false, "none": false} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			out, err := script(t, map[string]string{"npm": "", "node": "echo " + version}, "jose.sh", "node")
			if (err == nil) != ok || out != "" {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}
