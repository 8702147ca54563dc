package house

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
	"testing"
)

const module = "github.com/webchasor/webchasor"

// source is one parsed Go file.
type source struct {
	name    string // slash-separated, relative to the module's root
	text    string
	fileset *token.FileSet
	tree    *ast.File
}

func (s *source) dir() string  { return path.Dir(s.name) }
func (s *source) test() bool   { return strings.HasSuffix(s.name, "_test.go") }
func (s *source) lines() int   { return strings.Count(s.text, "\n") }
func (s *source) main() bool   { return s.tree.Name.Name == "main" }
func (s *source) script() bool { return strings.HasPrefix(s.name, "scripts/") }

// at tells where a node is, for messages.
func (s *source) at(node ast.Node) string {
	return s.name + ":" + strconv.Itoa(s.fileset.Position(node.Pos()).Line)
}

// imports are the paths that the file imports.
func (s *source) imports() []string {
	paths := make([]string, 0, len(s.tree.Imports))
	for _, spec := range s.tree.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

func parse(name, text string) (*source, error) {
	fileset := token.NewFileSet()
	tree, err := parser.ParseFile(fileset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return &source{name: name, text: text, fileset: fileset, tree: tree}, err
}

// tree parses every Go file of the module.
func tree(t *testing.T) []*source {
	t.Helper()
	root := filepath.Join("..", "..")
	var all []*source
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if file != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		parsed, err := parse(filepath.ToSlash(relative), string(text))
		if err != nil {
			return err
		}
		all = append(all, parsed)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d Go files under %s: the rules would pass on nothing", len(all), root)
	}
	return all
}

// example is a made-up file and what a rule has to say about it.
type example struct {
	name, text string
	broken     bool
}

// prove shows that a rule lets good files pass and catches bad ones.
func prove(t *testing.T, rule func(*source) []string, examples []example) {
	t.Helper()
	for _, e := range examples {
		parsed, err := parse(e.name, e.text)
		if err != nil {
			t.Fatal(err)
		}
		if complaints := rule(parsed); len(complaints) > 0 != e.broken {
			t.Errorf("%s %q: complaints %q, want some: %v", e.name, e.text, complaints, e.broken)
		}
	}
}

// enforce applies a rule to every file.
func enforce(t *testing.T, rule func(*source) []string) {
	t.Helper()
	for _, file := range tree(t) {
		for _, complaint := range rule(file) {
			t.Error(complaint)
		}
	}
}
