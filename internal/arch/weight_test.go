package arch

import (
	"go/ast"
	"go/token"
	"path"
	"strings"
	"testing"
)

// A package or a type that has grown beyond these is several things under one name.
const (
	packageLimit   = 5000 // lines without tests
	typeMethodMost = 40   // exported methods, those of what is embedded included
)

// overweight are the types that had more when the limit was set. Their numbers only go down.
var overweight = map[typeName]int{}

func TestPackagesStayReadable(t *testing.T) {
	lines := map[string]int{}
	for _, s := range sources(t) {
		if !s.test {
			lines[s.dir] += s.lines
		}
	}
	for dir, n := range lines {
		if n > packageLimit {
			t.Errorf("%s has %d lines without its tests, the limit is %d: it is more than one package", dir, n, packageLimit)
		}
	}
}

func TestTypesStaySmall(t *testing.T) {
	types := declaredTypes(sources(t))
	most, of := 0, ""
	for name, d := range types {
		if !ast.IsExported(name.name) || name.dir == "" {
			continue
		}
		n := len(types.methods(name, map[typeName]bool{}))
		if limit := max(typeMethodMost, overweight[name]); n > limit {
			t.Errorf("%s.%s has %d exported methods, the limit is %d: see %s", path.Base(name.dir), name.name, n, limit, d.at)
		}
		if overweight[name] > 0 && n <= typeMethodMost {
			t.Errorf("%s.%s has %d exported methods: take it from the list of those that have too many", path.Base(name.dir), name.name, n)
		}
		if n > most {
			most, of = n, path.Base(name.dir)+"."+name.name
		}
	}
	if most < 10 {
		t.Errorf("no type has more than %d methods: the search is broken", most)
	}
	t.Logf("most methods: %d, of %s", most, of)
}

// TestTheCountOfMethodsFollowsWhatIsEmbedded holds it against what is known: the store's DB has the methods of its kernel's.
func TestTheCountOfMethodsFollowsWhatIsEmbedded(t *testing.T) {
	types := declaredTypes(sources(t))
	found := types.methods(typeName{"internal/store", "DB"}, map[typeName]bool{})
	for _, name := range []string{"ReadFeed", "Update", "Close", "Failure"} { // two of its own, two of the kernel's
		if !found[name] {
			t.Errorf("store.DB has no method %s", name)
		}
	}
	if found := types.methods(typeName{"internal/store", "Tx"}, map[typeName]bool{}); found["Write"] || !found["Payments"] {
		t.Errorf("store.Tx gives its callers more or less than accessors: %v", found)
	}
}

// typeName is a type by its package's folder.
type typeName struct{ dir, name string }

// declaration is what a type has: methods of its own, and types whose methods are its own too.
type declaration struct {
	at      string
	own     []string
	borrows []typeName
}

type declarations map[typeName]*declaration

// declaredTypes finds the types of the repository that are not those of tests.
func declaredTypes(all []*source) declarations {
	found := declarations{}
	of := func(name typeName) *declaration {
		if found[name] == nil {
			found[name] = &declaration{}
		}
		return found[name]
	}
	for _, s := range all {
		if s.test {
			continue
		}
		for _, d := range s.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil && d.Name.IsExported() {
					receiver := of(s.typeOf(d.Recv.List[0].Type))
					receiver.own = append(receiver.own, d.Name.Name)
				}
			case *ast.GenDecl:
				if d.Tok != token.TYPE {
					continue
				}
				for _, spec := range d.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok {
						declared := of(typeName{s.dir, spec.Name.Name})
						declared.at = s.at(spec)
						s.take(spec, declared)
					}
				}
			}
		}
	}
	return found
}

// take notes the methods that a type has of its declaration: those of an interface, of what is embedded, or of what an alias
// stands for.
func (s *source) take(spec *ast.TypeSpec, into *declaration) {
	if spec.Assign.IsValid() {
		into.borrows = append(into.borrows, s.typeOf(spec.Type))
		return
	}
	var fields *ast.FieldList
	switch t := spec.Type.(type) {
	case *ast.StructType:
		fields = t.Fields
	case *ast.InterfaceType:
		fields = t.Methods
	default:
		return
	}
	for _, f := range fields.List {
		if len(f.Names) == 0 {
			into.borrows = append(into.borrows, s.typeOf(f.Type))
		}
		for _, name := range f.Names {
			if _, method := f.Type.(*ast.FuncType); method && name.IsExported() && isInterface(spec) {
				into.own = append(into.own, name.Name)
			}
		}
	}
}

func isInterface(spec *ast.TypeSpec) bool {
	_, ok := spec.Type.(*ast.InterfaceType)
	return ok
}

// typeOf names the type of an expression; one of another module has no folder.
func (s *source) typeOf(e ast.Expr) typeName {
	switch e := e.(type) {
	case *ast.StarExpr:
		return s.typeOf(e.X)
	case *ast.IndexExpr:
		return s.typeOf(e.X)
	case *ast.IndexListExpr:
		return s.typeOf(e.X)
	case *ast.Ident:
		return typeName{s.dir, e.Name}
	case *ast.SelectorExpr:
		for _, imp := range s.imports() {
			dir, ours := strings.CutPrefix(imp, module+"/")
			if ours && isIdent(e.X, s.localName(imp)) {
				return typeName{dir, e.Sel.Name}
			}
		}
	}
	return typeName{}
}

// methods are the exported methods of a type.
func (d declarations) methods(name typeName, seen map[typeName]bool) map[string]bool {
	all := map[string]bool{}
	this := d[name]
	if this == nil || name.dir == "" || seen[name] {
		return all
	}
	seen[name] = true
	for _, m := range this.own {
		all[m] = true
	}
	for _, other := range this.borrows {
		for m := range d.methods(other, seen) {
			all[m] = true
		}
	}
	return all
}
