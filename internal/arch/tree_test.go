package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/sluicepay/sluice"

// source is one parsed Go file of the repository.
type source struct {
	path  string // from the root of the repository, with slashes
	dir   string // the folder of path
	test  bool   // a _test.go file
	lines int
	ast   *ast.File
	fset  *token.FileSet
}

// imports returns the import paths of the file.
func (s *source) imports() []string {
	var paths []string
	for _, spec := range s.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// at returns the place of a node for a message.
func (s *source) at(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.fset.Position(n.Pos()).Line)
}

// localName returns the name under which the file knows an import path, or "".
func (s *source) localName(importPath string) string {
	for _, spec := range s.ast.Imports {
		if p, _ := strconv.Unquote(spec.Path.Value); p != importPath {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		base := path.Base(importPath)
		if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
			base = path.Base(path.Dir(importPath))
		}
		return base
	}
	return ""
}

// uses calls found for every use of a name of the given import path, such as time.Now.
func (s *source) uses(importPath string, found func(name string, n *ast.SelectorExpr)) {
	local := s.localName(importPath)
	if local == "" {
		return
	}
	ast.Inspect(s.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local && x.Obj == nil {
				found(sel.Sel.Name, sel)
			}
		}
		return true
	})
}

// usesIn calls found for every use of a name of the given import path in a function.
func (s *source) usesIn(f *ast.FuncDecl, importPath string, found func(name string)) {
	s.uses(importPath, func(name string, n *ast.SelectorExpr) {
		if f.Pos() <= n.Pos() && n.End() <= f.End() {
			found(name)
		}
	})
}

// receiver names the type that a method belongs to, or nothing.
func receiver(f *ast.FuncDecl) string {
	name := ""
	if f.Recv != nil {
		ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && name == "" {
				name = id.Name
			}
			return true
		})
	}
	return name
}

// tree parses the repository once for all tests.
var tree = sync.OnceValues(func() ([]*source, error) {
	root := filepath.Join("..", "..")
	var files []*source
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skip := d.Name(); name != root && (strings.HasPrefix(skip, ".") || skip == "testdata" || skip == "tools" || skip == "bin") {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); name != root && err == nil {
				return fs.SkipDir // a module of its own, of which nothing enters the program
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		parsed, err := parser.ParseFile(fset, rel, text, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, &source{
			path: rel, dir: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"),
			lines: strings.Count(string(text), "\n"), ast: parsed, fset: fset,
		})
		return nil
	})
	return files, err
})

// sources returns every Go file of the repository.
func sources(t *testing.T) []*source {
	t.Helper()
	files, err := tree()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("only %d files found: the tests look in the wrong place", len(files))
	}
	return files
}

// in reports whether dir is one of the folders or lies in one of them.
func in(dir string, folders ...string) bool {
	for _, f := range folders {
		if dir == f || strings.HasPrefix(dir, f+"/") {
			return true
		}
	}
	return false
}
