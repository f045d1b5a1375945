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

// once holds the binary.
var once struct {
	sync.Once
	dir  string
	path string
	err  error
}

// Main runs the tests, takes the binary away and ends the process.
func Main(m *testing.M) {
	code := m.Run()
	if once.dir != "" {
		_ = os.RemoveAll(once.dir) // a temporary folder
	}
	os.Exit(code)
}

// Path returns where the binary is, which it builds when it is asked for first.
func Path(t testing.TB) string {
	t.Helper()
	once.Do(func() { once.path, once.err = build() })
	if once.err != nil {
		t.Fatal(once.err)
	}
	return once.path
}

func build() (path string, err error) {
	if once.dir, err = os.MkdirTemp("", "sluice-program-"); err != nil {
		return "", err
	}
	path = filepath.Join(once.dir, "sluice")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "github.com/sluicepay/sluice/cmd/sluice")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
}
