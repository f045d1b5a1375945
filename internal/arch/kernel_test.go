package arch

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheKernelKnowsNoTable: which tables there are, and what stands in them, is the business of the package above it. Its own
// two, of applied migrations and of who applies them, are made by no migration.
func TestTheKernelKnowsNoTable(t *testing.T) {
	files, err := filepath.Glob("../store/migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`CREATE TABLE (\w+)`).FindAllStringSubmatch(string(text), -1) {
			names = append(names, found[1])
		}
	}
	if len(names) < 10 {
		t.Fatalf("only %d tables found: the search is broken", len(names))
	}
	named := regexp.MustCompile(`(?i)\b(FROM|INTO|UPDATE|JOIN|TABLE)\s+(` + strings.Join(names, "|") + `)\b`)
	for _, s := range sources(t) {
		if s.test || s.dir != "internal/store/tx" {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING && named.MatchString(text.Value) {
				t.Errorf("%s: the kernel names a table: %s", s.at(text), named.FindString(text.Value))
			}
			return true
		})
	}
}

// TestOnlyTheStoreSeesItsKernel, in tests too, but for those of the kernel.
func TestOnlyTheStoreSeesItsKernel(t *testing.T) {
	for _, s := range sources(t) {
		for _, imp := range s.imports() {
			if imp == module+"/internal/store/tx" && !in(s.dir, "internal/store") {
				t.Errorf("%s imports %s: tables are reached by the accessors of package store", s.path, imp)
			}
		}
	}
}
