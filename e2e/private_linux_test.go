package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// nobody is a user of no rights. Root may do everything to everybody, so that what is forbidden shows with another only.
const nobody = 65534

// commandOf is a command of that user, who need be able to read nothing but dir.
func commandOf(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Dir = environment(), dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}

// asNobody starts the server as a user of no rights, with the umask that lets everybody in.
func asNobody(t *testing.T, more ...string) (s *server, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		setting.Missing(t, setting.Root, "only root can start programs as another user")
	}
	dir = shortDir(t)
	program, err := os.ReadFile(sluice(t))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "sluice"), program, 0o600)
	}
	err = errors.Join(err, os.Chmod(filepath.Join(dir, "sluice"), 0o755), os.Chown(dir, nobody, nobody))
	if err != nil {
		t.Fatal(err)
	}
	s = newServer(t, dir, "", append(more, "--demo")...)
	log, err := os.OpenFile(s.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.process = &process{cmd: commandOf(dir, append([]string{"/bin/sh", "-c", `umask 0; ulimit -c unlimited; exec "$0" "$@"`,
		filepath.Join(dir, "sluice")}, s.args...)...), done: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(s.kill)
	s.awaitReady(t, s.ready, s.log, &s.facts)
	return s, dir
}

// reads reports whether another process of the server's user can read that file about it.
func (s *server) reads(t *testing.T, dir, name string) bool {
	t.Helper()
	out, err := commandOf(dir, "/bin/sh", "-c", fmt.Sprintf("head -c 1 /proc/%d/%s | wc -c", s.cmd.Process.Pid, name)).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out)) == "1"
}

func (s *server) about(t *testing.T, name, line string) string {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.cmd.Process.Pid, name))
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(l, line); ok {
			return strings.Join(strings.Fields(rest), " ")
		}
	}
	t.Fatalf("no line %s in %s", line, raw)
	return ""
}

// TestMemoryIsNobodyElses looks at the server from another process of the same user.
func TestMemoryIsNobodyElses(t *testing.T) {
	t.Parallel()
	s, dir := asNobody(t)
	if s.reads(t, dir, "environ") {
		t.Error("another process of the same user reads the server's environment, and so its memory")
	}
	if got := s.about(t, "limits", "Max core file size"); got != "0 0 bytes" {
		t.Errorf("core dumps: %s", got)
	}
	s.stop(t)

	s, dir = asNobody(t, "--allow-debug")
	if !s.reads(t, dir, "environ") {
		t.Error("with the switch, too: then this test shows nothing")
	}
	if got := s.about(t, "limits", "Max core file size"); got == "0 0 bytes" {
		t.Errorf("core dumps with the switch: %s", got)
	}
	s.stop(t)
}

// TestFilesArePrivateWhateverTheUmask looks at all that a demo writes when its umask lets everybody in.
func TestFilesArePrivateWhateverTheUmask(t *testing.T) {
	t.Parallel()
	s, dir := asNobody(t)
	newClient(s.base, s.facts.APIKey).must(t, request{method: "POST", path: payments, body: deposit("1", "10.00")})
	if got := s.about(t, "status", "Umask:"); got != "0077" {
		t.Errorf("umask %s", got)
	}
	seen := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir || d.Name() == "sluice" || d.Name() == "server.log" {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if seen++; info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %04o", path, info.Mode().Perm())
		}
		return nil
	})
	if err != nil || seen < 9 {
		t.Errorf("%d files, %v", seen, err)
	}
	s.stop(t)
}
