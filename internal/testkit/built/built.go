// Package built is the binary under test, built once for a test process from the sources as they are. It runs nothing: a black
// box that does calls Main from its TestMain, and takes the binary from Path.
package built

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// program is a binary, and the tags it is built with.
type program struct {
	tags string
	once sync.Once
	dir  string
	path string
	err  error
}

var (
	plain   = &program{}
	clocked = &program{tags: "setclock"}
)

// Main runs the tests, takes the binaries away and ends the process.
func Main(m *testing.M) {
	code := m.Run()
	for _, p := range []*program{plain, clocked} {
		if p.dir != "" {
			_ = os.RemoveAll(p.dir) // a temporary folder
		}
	}
	os.Exit(code)
}

// Path returns where the binary is, which it builds when it is asked for first.
func Path(t testing.TB) string { return plain.in(t) }

// Clocked returns where a binary is whose clock starts at the instant that TEST_CLOCK names (RFC 3339).
func Clocked(t testing.TB) string { return clocked.in(t) }

func (p *program) in(t testing.TB) string {
	t.Helper()
	p.once.Do(func() { p.err = p.build() })
	if p.err != nil {
		t.Fatal(p.err)
	}
	return p.path
}

func (p *program) build() (err error) {
	if p.dir, err = os.MkdirTemp("", "sluice-program-"); err != nil {
		return err
	}
	p.path = filepath.Join(p.dir, "sluice")
	cmd := exec.Command("go", "build", "-trimpath", "-tags", p.tags, "-o", p.path, "github.com/sluicepay/sluice/cmd/sluice")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}
