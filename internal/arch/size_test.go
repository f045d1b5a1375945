package arch

import (
	"go/ast"
	"regexp"
	"testing"
)

// Limits fail the test; aims are only counted.
const (
	fileLimit, testFileLimit                  = 300, 1000
	functionAim, functionLimit, testFuncLimit = 45, 60, 200
	parameterLimit                            = 5
	methodLimit                               = 5
)

// longer lists the files that may be longer than others, and why. Code that can be parted is not among them.
var longer = map[string]string{
	"internal/instrument/card.go": "the number and the code of a card, and all by which they could be printed: read side by side",
}

func TestFilesStayReadable(t *testing.T) {
	lines := map[string]int{}
	for _, s := range sources(t) {
		limit := fileLimit
		if s.test {
			limit = testFileLimit
		}
		if lines[s.path] = s.lines; s.lines > limit && longer[s.path] == "" {
			t.Errorf("%s has %d lines, the limit is %d", s.path, s.lines, limit)
		}
	}
	for path := range longer {
		if lines[path] <= fileLimit {
			t.Errorf("%s has %d lines: take it from the list", path, lines[path])
		}
	}
}

func TestFunctionsStayReadable(t *testing.T) {
	over := 0
	for _, s := range sources(t) {
		for _, d := range s.ast.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			lines := s.fset.Position(f.Body.Rbrace).Line - s.fset.Position(f.Body.Lbrace).Line - 1
			limit := functionLimit
			if s.test {
				limit = testFuncLimit
			}
			if lines > limit {
				t.Errorf("%s: %s has %d lines, the limit is %d", s.at(f), f.Name.Name, lines, limit)
			}
			if !s.test && lines > functionAim {
				over++
			}
			if n := f.Type.Params.NumFields(); n > parameterLimit && !s.test {
				t.Errorf("%s: %s takes %d parameters, the limit is %d", s.at(f), f.Name.Name, n, parameterLimit)
			}
		}
	}
	t.Logf("functions over the aim of %d lines: %d", functionAim, over)
}

func TestInterfacesStaySmall(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if i, ok := n.(*ast.InterfaceType); ok && i.Methods.NumFields() > methodLimit {
				t.Errorf("%s: an interface of %d methods, the limit is %d", s.at(i), i.Methods.NumFields(), methodLimit)
			}
			return true
		})
	}
}

var sentenceEnd = regexp.MustCompile(`[.!?:]["')]*(\s|$)`)

func TestPackagesSayWhatTheyOwn(t *testing.T) {
	comment, where := map[string]string{}, map[string]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		where[s.dir] = s.path
		if s.ast.Doc != nil && len(s.ast.Doc.Text()) > len(comment[s.dir]) {
			comment[s.dir] = s.ast.Doc.Text()
		}
	}
	for dir, path := range where {
		if n := len(sentenceEnd.FindAllString(comment[dir], -1)); n < 2 {
			t.Errorf("%s: the package comment has %d sentences; say what the package owns, what not, and where to read on", path, n)
		}
	}
}

// wellKnown methods need no comment: their meaning is that of the standard library's interface.
var wellKnown = map[string]bool{
	"Error": true, "String": true, "GoString": true, "Unwrap": true, "LogValue": true, "Value": true, "Scan": true,
	"MarshalJSON": true, "UnmarshalJSON": true, "MarshalText": true, "UnmarshalText": true, "Read": true, "Write": true,
	"Close": true, "ServeHTTP": true, "Len": true, "Less": true, "Swap": true,
}

func TestExportedNamesAreExplained(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.ast.Name.Name == "main" {
			continue
		}
		for _, d := range s.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc.Text() == "" && exportedReceiver(d) && (d.Recv == nil || !wellKnown[d.Name.Name]) {
					t.Errorf("%s: %s has no comment", s.at(d), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if name := unexplained(d, spec); name != "" {
						t.Errorf("%s: %s has no comment", s.at(spec), name)
					}
				}
			}
		}
	}
}

// unexplained returns the exported name of a declaration that neither it nor its group explains.
func unexplained(d *ast.GenDecl, spec ast.Spec) string {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Name.IsExported() && spec.Doc.Text()+spec.Comment.Text()+d.Doc.Text() == "" {
			return spec.Name.Name
		}
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			if name.IsExported() && spec.Doc.Text()+spec.Comment.Text()+d.Doc.Text() == "" {
				return name.Name
			}
		}
	}
	return ""
}

func exportedReceiver(f *ast.FuncDecl) bool { return f.Recv == nil || ast.IsExported(receiver(f)) }
