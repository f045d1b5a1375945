package admin_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/admin"
)

// TestEveryOperationIsListedOnce: what has a name and a right can be asked for, and no two have one name.
func TestEveryOperationIsListedOnce(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "operation.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Op") {
			declared++
		}
		return true
	})
	seen := map[string]bool{}
	for _, op := range admin.All() {
		if seen[op.Name()] || op.Right() == "" {
			t.Errorf("%s is listed twice, or needs no right", op.Name())
		}
		seen[op.Name()] = true
		if found := admin.Find(op.Name()); found == nil || found.Name() != op.Name() {
			t.Errorf("%s is not found", op.Name())
		}
	}
	if len(seen) != declared {
		t.Errorf("%d operations are declared, %d listed", declared, len(seen))
	}
	if admin.Find("shop.destroy") != nil {
		t.Error("found what does not exist")
	}
}

// TestEveryActSaysItsRight: the comment of each method names the constant that its operation has.
func TestEveryActSaysItsRight(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	comments, rights := map[string]string{}, map[string]string{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv != nil {
					comments[n.Name.Name] = n.Doc.Text()
				}
			case *ast.CallExpr:
				if fun, ok := n.Fun.(*ast.Ident); ok && fun.Name == "operation" {
					rights[n.Args[2].(*ast.SelectorExpr).Sel.Name] = n.Args[1].(*ast.Ident).Name
				}
			}
			return true
		})
	}
	for act, right := range rights {
		if text := strings.ReplaceAll(comments[act], "\n", " "); !strings.Contains(text, "needs the right "+right+".") {
			t.Errorf("the comment of %s does not say that it needs the right %s: %s", act, right, text)
		}
	}
	if len(rights) != len(admin.All()) {
		t.Errorf("%d rights for %d operations", len(rights), len(admin.All()))
	}
}
