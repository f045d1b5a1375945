package store_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestEveryStatement has both databases parse every constant of this package and its kernel whose name begins with
// "sql", and all that are made of columns, on the built-in schema; those that change rows also in their guarded form.
func TestEveryStatement(t *testing.T) {
	t.Parallel()
	statements := sqlConstants(t)
	if len(statements) == 0 {
		t.Fatal("no constant found: the search is broken")
	}
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		d.Open()
		for _, name := range slices.Sorted(maps.Keys(statements)) {
			text := statements[name]
			if err := d.Prepare(text); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if d.Kind == store.Postgres && changesRows(text) {
				if err := d.Prepare(store.Guarded(text)); err != nil {
					t.Errorf("%s, guarded: %v", name, err)
				}
			}
		}
		if d.Prepare("SELECT nothing FROM nowhere") == nil {
			t.Error("nonsense was accepted: preparing proves nothing")
		}
	})
}

func changesRows(text string) bool {
	verb, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return slices.Contains([]string{"INSERT", "UPDATE", "DELETE"}, verb) && !strings.Contains(text, "RETURNING")
}

// sqlConstants returns the text of the constants, and of what is made when the program starts, by name.
func sqlConstants(t *testing.T) map[string]string {
	t.Helper()
	values, made := map[string]ast.Expr{}, map[string]ast.Expr{}
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	parts, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Concat(paths, parts) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if group, ok := decl.(*ast.GenDecl); ok && group.Tok == token.CONST {
				collect(group, values)
			} else if ok && group.Tok == token.VAR {
				collect(group, made)
			}
		}
	}
	statements := maps.Clone(store.Made)
	maps.Copy(statements, store.Pages.All())
	for name := range made {
		if _, known := statements[name]; strings.HasPrefix(name, "sql") && !strings.HasPrefix(name, "sqlite") && !known {
			t.Errorf("%s is not in store.Made", name)
		}
	}
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

// evaluate joins literals and other constants of the two packages.
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
	case *ast.SelectorExpr: // of the kernel
		return evaluate(e.Sel, values)
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
