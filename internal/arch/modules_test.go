package arch

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var requirement = regexp.MustCompile(`(?m)^(?:require)?\s+([^\s(]+\.[^\s]+)\s+(v[^\s]+)(\s*// indirect)?`)

// TestSQLiteGetsTheLibcItWasTestedWith: the SQLite driver is machine-translated C and works with exactly one version of
// its C library; a newer one, chosen by another dependency, would compile and misbehave.
func TestSQLiteGetsTheLibcItWasTestedWith(t *testing.T) {
	ours := requirements(t, filepath.Join("..", "..", "go.mod"))
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	drivers := requirements(t, strings.TrimSpace(string(out)))
	if got, want := ours["modernc.org/libc"].version, drivers["modernc.org/libc"].version; got != want || want == "" {
		t.Errorf("go.mod has modernc.org/libc %q, the SQLite driver wants %q", got, want)
	}
}

func TestDirectDependenciesAreExplained(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "DEPENDENCIES.md"))
	if err != nil {
		t.Fatal(err)
	}
	for path, r := range requirements(t, filepath.Join("..", "..", "go.mod")) {
		if !r.indirect && !strings.Contains(string(page), "| `"+path+"` | "+r.version+" |") {
			t.Errorf("docs/DEPENDENCIES.md has no row that begins with | `%s` | %s |", path, r.version)
		}
	}
}

type required struct {
	version  string
	indirect bool
}

func requirements(t *testing.T, path string) map[string]required {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]required)
	for _, m := range requirement.FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = required{m[2], m[3] != ""}
	}
	if len(found) == 0 {
		t.Fatalf("%s requires nothing: the test reads it wrongly", path)
	}
	return found
}
