package house

import (
	"fmt"
	"strings"
	"testing"
)

// maxLines is where a file has become several ideas. Most have about 100.
const maxLines = 500

func checkLength(s *source) []string {
	if s.lines() > maxLines {
		return []string{fmt.Sprintf("%s has %d lines, more than %d: it is several ideas", s.name, s.lines(), maxLines)}
	}
	return nil
}

func TestFileLength(t *testing.T) {
	prove(t, checkLength, []example{
		{"a.go", "package x\n" + strings.Repeat("\n", maxLines-1), false},
		{"a.go", "package x\n" + strings.Repeat("\n", maxLines), true},
	})
	enforce(t, checkLength)
}

// checkLeftovers finds notes to oneself. (The words are put together here so
// that this file passes.)
func checkLeftovers(s *source) (complaints []string) {
	for _, group := range s.tree.Comments {
		for _, word := range []string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"} {
			if strings.Contains(group.Text(), word) {
				complaints = append(complaints, fmt.Sprintf("%s: a comment says %s; finish it or open an issue", s.at(group), word))
			}
		}
	}
	return complaints
}

func TestNoLeftovers(t *testing.T) {
	prove(t, checkLeftovers, []example{
		{"a.go", "// Package x.\npackage x\n// TO" + "DO: all of it", true},
		{"a.go", "package x\nvar s = \"TO" + "DO\"", false},
	})
	enforce(t, checkLeftovers)
}

// Every package says what it is, once, in words that go doc shows.
func TestPackageComments(t *testing.T) {
	said := map[string][]string{}
	for _, s := range tree(t) {
		if s.test() {
			continue
		}
		said[s.dir()] = append(said[s.dir()], "")
		if s.tree.Doc == nil {
			continue
		}
		text := s.tree.Doc.Text()
		said[s.dir()] = append(said[s.dir()], s.name)
		if want := "Package " + s.tree.Name.Name + " "; !s.main() && !strings.HasPrefix(text, want) {
			t.Errorf("%s: the package comment does not start with %q", s.name, want)
		}
		if len(strings.Fields(text)) < 6 {
			t.Errorf("%s: the package comment %q says nothing", s.name, text)
		}
	}
	for dir, files := range said {
		comments := 0
		for _, file := range files {
			if file != "" {
				comments++
			}
		}
		if comments != 1 {
			t.Errorf("%s has %d package comments, want 1", dir, comments)
		}
	}
}

// A file for Linux has a twin for the laptops, or the package does not build there.
func TestLinuxFilesHaveTwins(t *testing.T) {
	names := map[string]bool{}
	for _, s := range tree(t) {
		names[s.name] = true
	}
	for name := range names {
		root, ok := strings.CutSuffix(name, "_linux.go")
		if ok && !names[root+"_other.go"] {
			t.Errorf("%s has no %s_other.go", name, root)
		}
	}
}
