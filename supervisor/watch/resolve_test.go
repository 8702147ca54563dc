package watch

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestResolve(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir()) // macOS: /var is a link
	must(t, err)
	at := func(p string) string { return filepath.Join(root, p) }
	must(t, os.MkdirAll(at("r1/etc"), 0o700))
	put(t, at("r1/etc/c.yaml"), "0")
	for link, target := range map[string]string{
		"current": "r1", "abs": at("r1/etc"), "r1/etc/up": "../../current/etc/c.yaml", "loop": "loop", "a": "b", "b": "a",
		"dangling": "nowhere/c.yaml", "r1/etc/back": "../../abs/..",
	} {
		must(t, os.Symlink(target, at(link)))
	}
	for path, want := range map[string][]string{
		"r1/etc/c.yaml":      {"r1/etc/c.yaml"},
		"current/etc/c.yaml": {"current", "r1/etc/c.yaml"},
		"abs/c.yaml":         {"abs", "r1/etc/c.yaml"},
		"abs/up":             {"abs", "r1/etc/up", "current", "r1/etc/c.yaml"},
		// ".." after a link is where the link leads, not where it is.
		"r1/etc/back/etc/c.yaml": {"r1/etc/back", "abs", "r1/etc/c.yaml"},
		"missing":                {"missing"},
		"missing/c.yaml":         {"missing"},
		"r1/missing/c.yaml":      {"r1/missing"},
		"dangling":               {"dangling", "nowhere"},
		"r1/etc/c.yaml/below":    {"r1/etc/c.yaml/below"},
	} {
		var got []string
		for _, p := range resolve(at(path)) {
			rel, err := filepath.Rel(root, p)
			must(t, err)
			got = append(got, rel)
		}
		if !slices.Equal(got, want) {
			t.Errorf("resolve(%s) = %v, want %v", path, got, want)
		}
	}
	for _, loop := range []string{"loop", "a/c.yaml"} {
		if got := resolve(at(loop)); len(got) > maxLinks+1 {
			t.Errorf("%s: %d places", loop, len(got))
		}
	}
}
