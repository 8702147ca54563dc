package house

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// banned are functions of the standard library that code other than tests may
// not use, why, and the files that may after all.
var banned = map[string]struct {
	why    string
	except []string
}{
	"os.Exit":     {"a program ends in one place, with one table of exit codes", []string{"app/main.go"}},
	"log.Fatal":   {"it ends the program and is no structured log line", nil},
	"log.Fatalf":  {"it ends the program and is no structured log line", nil},
	"log.Fatalln": {"it ends the program and is no structured log line", nil},
	"time.Sleep":  {"wait for the state itself: a channel, a deadline, a timer in a select", nil},
	"time.Tick":   {"its ticker cannot be stopped", nil},
}

// clocks are what makes package time impure, for the decision core.
var clocks = map[string]bool{
	"time.Now": true, "time.Since": true, "time.Until": true, "time.After": true, "time.AfterFunc": true,
	"time.NewTimer": true, "time.NewTicker": true, "time.Tick": true, "time.Sleep": true, "time.Local": true,
}

// uses calls f for each package.Name that the file mentions. It goes by the
// name that an import has in the file, so a renamed one is seen too.
func uses(s *source, f func(node ast.Node, name string)) {
	imported := map[string]string{}
	for i, spec := range s.tree.Imports {
		full := s.imports()[i]
		local := path.Base(full)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		imported[local] = full
	}
	ast.Inspect(s.tree, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok && imported[x.Name] != "" {
				f(node, imported[x.Name]+"."+selector.Sel.Name)
			}
		}
		return true
	})
}

func checkCalls(s *source) (complaints []string) {
	if s.test() || s.main() && path.Base(s.name) == "main.go" {
		return nil
	}
	uses(s, func(node ast.Node, name string) {
		if rule, ok := banned[name]; ok && !slices.Contains(rule.except, s.name) {
			complaints = append(complaints, fmt.Sprintf("%s uses %s: %s", s.at(node), name, rule.why))
		}
	})
	return complaints
}

func TestCalls(t *testing.T) {
	const exit = "package x\nimport \"os\"\nfunc f() { os.Exit(1) }"
	prove(t, checkCalls, []example{
		{"worker/a.go", exit, true},
		{"worker/a_test.go", exit, false},
		{"app/main.go", exit, false},
		{"app/app.go", exit, true},
		{"cmd/webchasor/main.go", strings.Replace(exit, "package x", "package main", 1), false},
		{"worker/a.go", "package x\nimport tm \"time\"\nfunc f() { tm.Sleep(1) }", true},
		{"worker/a.go", "package x\ntype t struct{ Exit func() }\nfunc f(os t) { os.Exit() }", false},
	})
	enforce(t, checkCalls)
}

// checkFleet keeps the decision core free of clocks and goroutines.
func checkFleet(s *source) (complaints []string) {
	if s.dir() != "supervisor/fleet" || s.test() {
		return nil
	}
	uses(s, func(node ast.Node, name string) {
		if clocks[name] {
			complaints = append(complaints, fmt.Sprintf("%s uses %s: the decision core gets the time as an argument", s.at(node), name))
		}
	})
	ast.Inspect(s.tree, func(node ast.Node) bool {
		switch node.(type) {
		case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt:
			complaints = append(complaints, s.at(node)+": the decision core has no goroutines and no channels")
		}
		return true
	})
	return complaints
}

func TestFleetIsPure(t *testing.T) {
	prove(t, checkFleet, []example{
		{"supervisor/fleet/a.go", "package fleet\nimport \"time\"\nvar x = time.Now()", true},
		{"supervisor/fleet/a.go", "package fleet\nimport \"time\"\nvar x = time.Second", false},
		{"supervisor/fleet/a.go", "package fleet\nfunc f() { go f() }", true},
		{"supervisor/loop.go", "package supervisor\nfunc f() { go f() }", false},
	})
	enforce(t, checkFleet)
}

// checkInit keeps work out of package initialisation: an import must not act.
func checkInit(s *source) (complaints []string) {
	if s.test() {
		return nil
	}
	for _, declaration := range s.tree.Decls {
		if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			complaints = append(complaints, s.at(f)+": no init functions, an import must not act")
		}
	}
	return complaints
}

func TestNoInit(t *testing.T) {
	prove(t, checkInit, []example{
		{"a.go", "package x\nfunc init() {}", true},
		{"a_test.go", "package x\nfunc init() {}", false},
		{"a.go", "package x\ntype t int\nfunc (t) init() {}", false},
	})
	enforce(t, checkInit)
}
