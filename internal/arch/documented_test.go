package arch

import (
	"go/ast"
	"testing"
)

// TestExportedNamesAreDocumented, all of them that another package can name. A comment on a group of constants or variables is
// one on each.
func TestExportedNamesAreDocumented(t *testing.T) {
	seen := 0
	name := func(s *source, id *ast.Ident, docs ...*ast.CommentGroup) {
		if !id.IsExported() {
			return
		}
		seen++
		for _, d := range docs {
			if d != nil {
				return
			}
		}
		t.Errorf("%s: %s says nothing of what it is", s.at(id), id.Name)
	}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, decl := range s.ast.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil || ast.IsExported(receiverOf(d)) {
					name(s, d.Name, d.Doc)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch sp := spec.(type) {
					case *ast.TypeSpec:
						name(s, sp.Name, d.Doc, sp.Doc, sp.Comment)
					case *ast.ValueSpec:
						for _, id := range sp.Names {
							name(s, id, d.Doc, sp.Doc, sp.Comment)
						}
					}
				}
			}
		}
	}
	if seen < 1000 {
		t.Errorf("%d names: the search is broken", seen)
	}
	t.Logf("%d exported names, all documented", seen)
}

// receiverOf is the name of the type that a method belongs to.
func receiverOf(f *ast.FuncDecl) string {
	e := f.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
