package store_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestEveryStatement has both databases parse every constant of this package whose name begins with
// "sql", on the built-in schema; those that change rows also in their guarded form.
func TestEveryStatement(t *testing.T) {
	t.Parallel()
	statements := sqlConstants(t)
	if len(statements) == 0 {
		t.Fatal("no constant found: the search is broken")
	}
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		for _, name := range slices.Sorted(maps.Keys(statements)) {
			text := statements[name]
			if err := db.Prepare(t.Context(), text); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if d.Kind == store.Postgres && changesRows(text) {
				if err := db.Prepare(t.Context(), store.Guarded(text)); err != nil {
					t.Errorf("%s, guarded: %v", name, err)
				}
			}
		}
		if db.Prepare(t.Context(), "SELECT nothing FROM nowhere") == nil {
			t.Error("nonsense was accepted: preparing proves nothing")
		}
	})
}

func changesRows(text string) bool {
	verb, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return slices.Contains([]string{"INSERT", "UPDATE", "DELETE"}, verb) && !strings.Contains(text, "RETURNING")
}

// sqlConstants returns the text of the constants, by name.
func sqlConstants(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]ast.Expr{}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if group, ok := decl.(*ast.GenDecl); ok && group.Tok == token.CONST {
				collect(group, values)
			}
		}
	}
	statements := map[string]string{}
	for name, expr := range values {
		if !strings.HasPrefix(name, "sql") || strings.HasPrefix(name, "sqlite") {
			continue
		}
		text, err := evaluate(expr, values)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		statements[name] = text
	}
	return statements
}

func collect(group *ast.GenDecl, values map[string]ast.Expr) {
	for _, spec := range group.Specs {
		value := spec.(*ast.ValueSpec)
		for i, name := range value.Names {
			if i < len(value.Values) {
				values[name.Name] = value.Values[i]
			}
		}
	}
}

// evaluate joins literals and other constants of the package.
func evaluate(expr ast.Expr, values map[string]ast.Expr) (string, error) {
	switch e := expr.(type) {
	case *ast.BasicLit:
		return strconv.Unquote(e.Value)
	case *ast.ParenExpr:
		return evaluate(e.X, values)
	case *ast.Ident:
		if named, ok := values[e.Name]; ok {
			return evaluate(named, values)
		}
		return "", fmt.Errorf("constant %s is not of this package", e.Name)
	case *ast.BinaryExpr:
		left, err := evaluate(e.X, values)
		if err != nil {
			return "", err
		}
		right, err := evaluate(e.Y, values)
		return left + right, err
	}
	return "", fmt.Errorf("a %T is more than joined literals", expr)
}
