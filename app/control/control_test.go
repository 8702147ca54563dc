package control_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// What internal/control has of the contract can be named from outside.
func TestEverythingIsExported(t *testing.T) {
	have := declared(t, ".")
	for name := range declared(t, "../../internal/control") {
		switch {
		case strings.HasPrefix(name, "Path"), name == "CodeNoMaster", name == "CodeTimeout", name == "Sec":
		case !have[name]:
			t.Errorf("app/control lacks %s", name)
		}
	}
}

// declared are the exported types, constants and functions of a package.
func declared(t *testing.T, dir string) map[string]bool {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), dir+"/"+e.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() {
					all[d.Name.Name] = true
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						if s.Name.IsExported() {
							all[s.Name.Name] = true
						}
					case *ast.ValueSpec:
						for _, n := range s.Names {
							if n.IsExported() {
								all[n.Name] = true
							}
						}
					}
				}
			}
		}
	}
	return all
}
