package house

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// layers says which packages of the module the files of a folder may import;
// "x/..." is x and all below. The first row whose folder holds the file decides.
// Imports point one way: cmd, app, supervisor and worker, internal.
var layers = []struct {
	folder string
	may    []string
}{
	{"cmd/...", []string{"app/...", "internal/testproc", "internal/redis/redistest"}},
	{"app/api/upstream/...", []string{"app/api/upstream/..."}},
	{"app/api/limit", []string{"internal/permits", "internal/redis"}},
	{"app/api/cache", []string{"internal/redis/..."}},
	{"app/api/...", []string{"app", "app/api/...", "worker", "internal/build", "internal/config", "internal/permits"}},
	{"app/control", []string{"internal/control/..."}},
	{"app", []string{"supervisor", "supervisor/pidone", "worker", "internal/..."}},
	{"supervisor/fleet", []string{"supervisor/fleet"}},
	{"supervisor/...", []string{"supervisor/...", "internal/..."}},
	{"worker/...", []string{"worker/...", "internal/..."}},
	{"internal/handoff", []string{"internal/config"}},
	{"internal/config", []string{"internal/machine"}},
	{"internal/machine", nil},
	{"internal/sys", nil},
	{"internal/...", []string{"internal/..."}},
	{"scripts/...", []string{"..."}},
}

// pure is all that the decision core may use: nothing that reads a clock, draws
// randomness, or touches the world (package time is watched by TestFleetIsPure).
var pure = []string{"cmp", "errors", "fmt", "iter", "maps", "math", "math/bits", "slices", "sort", "strconv", "strings", "time"}

// owners are the only folders that may import a package.
var owners = map[string]string{
	"golang.org/x/sys/unix":                                   "internal/sys",
	"golang.org/x/net/bpf":                                    "internal/steer",
	"github.com/pires/go-proxyproto":                          "internal/proxyheader",
	"github.com/cloudflare/tableflip":                         "supervisor",
	"github.com/fsnotify/fsnotify":                            "supervisor/watch",
	"charm.land/bubbletea/v2":                                 "internal/tui",
	"github.com/urfave/cli/v2":                                "internal/cli",
	"github.com/maypok86/otter/v2":                            "app/api/cache",
	"github.com/redis/go-redis/v9":                            "internal/redis",
	"github.com/redis/go-redis/v9/maintnotifications":         "internal/redis",
	"github.com/creack/pty":                                   "tests",
	"github.com/agnivade/levenshtein":                         "internal/...",
	"github.com/prometheus/client_golang/prometheus":          "supervisor/metrics",
	"github.com/prometheus/client_golang/prometheus/promhttp": "supervisor/metrics",
	"github.com/prometheus/client_model/go":                   "supervisor/metrics",
	"github.com/prometheus/common/expfmt":                     "tests",
	"github.com/webchasor/webchasor/internal/testproc":        "tests",

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest": "tests",
	"github.com/webchasor/webchasor/internal/redis/redistest":      "tests",
	"github.com/openai/openai-go/v3":                               "app/api/clients",

	"testing": "tests",
}

func within(dir, pattern string) bool {
	if root, ok := strings.CutSuffix(pattern, "..."); ok {
		return strings.HasPrefix(dir+"/", root)
	}
	return dir == pattern
}

func checkImports(s *source) (complaints []string) {
	for _, path := range s.imports() {
		if why := forbidden(s, path); why != "" {
			complaints = append(complaints, fmt.Sprintf("%s imports %s: %s", s.name, path, why))
		}
	}
	return complaints
}

// forbidden is the reason why the file may not import path, "" when it may.
func forbidden(s *source, path string) string {
	if owner, owned := owners[path]; owned && !s.script() {
		switch {
		case owner == "tests" && !s.test() && s.dir() != "internal/testproc":
			return "only tests may"
		case owner != "tests" && !within(s.dir(), owner):
			return "only " + owner + " may"
		}
	}
	local, ours := strings.CutPrefix(path, module+"/")
	if s.dir() == "supervisor/fleet" && !s.test() && !ours && !slices.Contains(pure, path) {
		return "the decision core is pure"
	}
	if !ours || local == s.dir() || s.test() && local == "internal/testproc" {
		return ""
	}
	for _, layer := range layers {
		if within(s.dir(), layer.folder) {
			if slices.ContainsFunc(layer.may, func(pattern string) bool { return within(local, pattern) }) {
				return ""
			}
			return fmt.Sprintf("%s may import of this module only %v", layer.folder, layer.may)
		}
	}
	return "the folder has no row in layers"
}

func TestImports(t *testing.T) {
	file := func(path string) string { return "package x\nimport _ \"" + path + "\"" }
	prove(t, checkImports, []example{
		{"worker/a.go", file(module + "/internal/sys"), false},
		{"worker/a.go", file(module + "/supervisor"), true},
		{"worker/a_test.go", file(module + "/supervisor"), true},
		{"supervisor/a.go", file(module + "/worker"), true},
		{"supervisor/watch/a.go", file(module + "/app"), true},
		{"supervisor/a.go", file("golang.org/x/sys/unix"), true},
		{"internal/sys/a.go", file("golang.org/x/sys/unix"), false},
		{"internal/sys/a.go", file("golang.org/x/net/bpf"), true},
		{"supervisor/fleet/a.go", file("os"), true},
		{"supervisor/fleet/a.go", file("math/rand"), true},
		{"supervisor/fleet/a.go", file(module + "/internal/config"), true},
		{"supervisor/fleet/a.go", file("time"), false},
		{"supervisor/fleet/a_test.go", file("os"), false},
		{"worker/a.go", file("testing"), true},
		{"worker/a.go", file("github.com/cloudflare/tableflip"), true},
		{"app/api/a.go", file(module + "/supervisor"), true},
		{"newcomer/a.go", file(module + "/internal/sys"), true},
		{"worker/a.go", file("net/http"), false},
	})
	enforce(t, checkImports)
}
