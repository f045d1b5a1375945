package kit_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/kit"
)

// checkout is a folder that is enough of the repository for a connector to be written into.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	registry, err := os.ReadFile("../app/connectors.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.mod": "module github.com/sluicepay/sluice\n\ngo 1.26\n", "internal/app/connectors.go": string(registry),
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestANewConnectorBuildsAndFailsForWhatIsMissing: the files are laid over the repository, without being written there.
func TestANewConnectorBuildsAndFailsForWhatIsMissing(t *testing.T) {
	t.Parallel()
	dir := checkout(t)
	files, err := kit.New(filepath.Join(dir, "internal"), "acme")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	over := map[string]string{}
	for _, f := range files {
		over[filepath.Join(root, f)] = filepath.Join(dir, f)
	}
	overlay := filepath.Join(t.TempDir(), "overlay.json")
	raw, err := json.Marshal(map[string]any{"Replace": over})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(in string, command ...string) (string, error) {
		q := exec.CommandContext(t.Context(), command[0], command[1:]...)
		q.Dir = in
		out, err := q.CombinedOutput()
		return string(out), err
	}
	if out, err := run(root, "go", "build", "-overlay", overlay, "./internal/app", "./internal/connector/acme", "./internal/double/acme"); err != nil {
		t.Fatalf("it does not build: %v\n%s", err, out)
	}
	tests := filepath.Join(t.TempDir(), "acme.test")
	if out, err := run(root, "go", "test", "-vet=off", "-c", "-o", tests, "-overlay", overlay, "./internal/connector/acme"); err != nil {
		t.Fatalf("its tests do not build: %v\n%s", err, out)
	}
	out, err := run(filepath.Join(dir, "internal/connector/acme"), tests)
	if err == nil {
		t.Fatalf("want tests that fail: %v\n%s", err, out)
	}
	for _, gap := range []string{"GAP codes", "GAP states", "GAP amounts", "GAP notices", "GAP unknown outcomes", "GAP page", "GAP first sale"} {
		if !strings.Contains(out, gap) {
			t.Errorf("it does not fail for %q:\n%s", gap, out)
		}
	}
	if lines := strings.Count(out, "\n"); lines > 40 {
		t.Errorf("what is missing is told in %d lines:\n%s", lines, out)
	}
	out, err = run(filepath.Join(dir, "internal/connector/acme"), tests, "-test.run", "Conformance/every_kind|Conformance/settings")
	if err == nil || !strings.Contains(out, "FAIL: TestConformance/every_kind_of_call_is_carried_out_once/DEPOSIT") || strings.Contains(out, "FAIL: TestConformance/settings") {
		t.Errorf("it skips, or its settings are wrong: %v\n%s", err, out)
	}
	for _, f := range files {
		if name := filepath.Base(f); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && name != "acme.go" && !named(t, root, name) {
			t.Errorf("the rule about names of files takes no second %s", name)
		}
	}
}

// named reports whether files of that name may stand in several packages, as the rules of the repository have it.
func named(t *testing.T, root, name string) bool {
	t.Helper()
	rules, err := os.ReadFile(filepath.Join(root, "internal/arch/rooms_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(rules), "\n\t\""+name+"\":")
}

func TestWhatIsThereStays(t *testing.T) {
	t.Parallel()
	dir := checkout(t)
	if _, err := kit.New(dir, "acme"); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "internal/app/connectors.go"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kit.New(dir, "acme"); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Error(err)
	}
	for _, name := range []string{"", "a", "Acme", "9lives", "a-b", "../up", "func", "ä", strings.Repeat("a", 33)} {
		if files, err := kit.New(dir, name); err == nil {
			t.Errorf("%q is taken: %v", name, files)
		}
	}
	if after, err := os.ReadFile(filepath.Join(dir, "internal/app/connectors.go")); err != nil || string(after) != string(before) {
		t.Errorf("the registry was changed: %v", err)
	}
	if _, err := kit.New(t.TempDir(), "acme"); err == nil || !strings.Contains(err.Error(), "is in no checkout of") {
		t.Error(err)
	}
}
