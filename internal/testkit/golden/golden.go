// Package golden compares what a test made with a file kept in the repository, and
// rewrites the file when the test runs with -update. It does not know what the files
// mean; generated documents and transcripts are its users.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files with what the code makes")

// Updating tells that files are to be rewritten, for tests that keep them in a form of their own.
func Updating() bool { return *update }

// Check fails the test when got is not what the file holds; line ends are compared too.
func Check(t testing.TB, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run the test with -update to make the file)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is stale, run the test with -update and review the difference (-file +code):\n%s", path, diff)
	}
}
