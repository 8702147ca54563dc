package config

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// write makes a file in a fresh directory and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// mustLoad loads in an empty directory on two CPUs unless the input says
// otherwise. It never finds a file of this machine's.
func mustLoad(t *testing.T, in Input) *Resolved {
	t.Helper()
	if in.Dir == "" {
		in.Dir = t.TempDir()
	}
	if in.CPUs == 0 {
		in.CPUs = 2
	}
	if in.File == "" {
		in.File = write(t, "none.yaml", "# nothing\n")
	}
	got, err := Load(in)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return got
}

// guideLines are all variables of the tuning guide, as written there.
var guideLines = map[string]func(Settings) bool{
	"WEB_WORKERS=4":               func(s Settings) bool { return s.Workers == 4 },
	"WEB_WORKERS=8":               func(s Settings) bool { return s.Workers == 8 },
	"WEB_WORKERS=16":              func(s Settings) bool { return s.Workers == 16 },
	"WEB_WORKERS=32":              func(s Settings) bool { return s.Workers == 32 },
	"WORKER_CONNECTIONS=500":      func(s Settings) bool { return s.WorkerConnections == 500 },
	"WORKER_CONNECTIONS=1000":     func(s Settings) bool { return s.WorkerConnections == 1000 },
	"WORKER_CONNECTIONS=2000":     func(s Settings) bool { return s.WorkerConnections == 2000 },
	"WORKER_TIMEOUT=60":           func(s Settings) bool { return s.Timeout == time.Minute },
	"WORKER_TIMEOUT=120":          func(s Settings) bool { return s.Timeout == 2*time.Minute },
	"WORKER_TIMEOUT=180":          func(s Settings) bool { return s.Timeout == 3*time.Minute },
	"WORKER_TIMEOUT=300":          func(s Settings) bool { return s.Timeout == 5*time.Minute },
	"BACKLOG=2048":                func(s Settings) bool { return s.Backlog == 2048 },
	"BACKLOG=4096":                func(s Settings) bool { return s.Backlog == 4096 },
	"BACKLOG=8192":                func(s Settings) bool { return s.Backlog == 8192 },
	"MAX_REQUESTS=500":            func(s Settings) bool { return s.MaxRequests == 500 },
	"MAX_REQUESTS=2000":           func(s Settings) bool { return s.MaxRequests == 2000 },
	"LOG_LEVEL=debug":             func(s Settings) bool { return s.LogLevel == "debug" },
	"LOG_LEVEL=info":              func(s Settings) bool { return s.LogLevel == "info" },
	"LOG_LEVEL=warning":           func(s Settings) bool { return s.LogLevel == "warn" },
	"MAX_CONCURRENT_REQUESTS=50":  func(s Settings) bool { return s.API.MaxConcurrentRequests == 50 },
	"MAX_CONCURRENT_REQUESTS=200": func(s Settings) bool { return s.API.MaxConcurrentRequests == 200 },
	"LLM_CONCURRENT_LIMIT=10":     func(s Settings) bool { return s.API.LLMConcurrentLimit == 10 },
	"LLM_CONCURRENT_LIMIT=50":     func(s Settings) bool { return s.API.LLMConcurrentLimit == 50 },
}

func TestGuideLinesWorkUnchanged(t *testing.T) {
	for line, check := range guideLines {
		if got := mustLoad(t, Input{Environ: []string{line}}); !check(got.Settings) {
			t.Errorf("%s in the environment: %+v", line, got.Settings)
		}
		file := write(t, "prod.env", "export "+line+"\n")
		if got := mustLoad(t, Input{EnvFiles: []string{file}}); !check(got.Settings) {
			t.Errorf("export %s in an env-file: %+v", line, got.Settings)
		}
	}
}

// TestPrecedence gives random settings in random layers; the strongest wins
// and its origin says so.
func TestPrecedence(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	layers := []OriginKind{FromFile, FromEnv, FromEnvFile, FromFlag}
	for range 50 {
		dir := t.TempDir()
		in := Input{Dir: dir, CPUs: 2, Flags: map[string]string{}}
		yaml, env := "server:\n", ""
		want := map[string]string{}
		from := map[string]OriginKind{}
		for _, s := range Table() {
			if s.Kind != KindInt || !strings.HasPrefix(s.YAML, "server.") || strings.Count(s.YAML, ".") > 1 {
				continue
			}
			from[s.Name] = FromDefault
			for i, layer := range layers {
				if random.IntN(2) == 0 {
					continue
				}
				value := fmt.Sprint(100 + i)
				want[s.Name], from[s.Name] = value, layer
				switch layer {
				case FromFile:
					yaml += "  " + s.key() + ": " + value + "\n"
				case FromEnv:
					in.Environ = append(in.Environ, s.Env+"="+value)
				case FromEnvFile:
					env += s.Env + "=" + value + "\n"
				default:
					in.Flags[s.Name] = value
				}
			}
		}
		in.File = write(t, "c.yaml", yaml)
		in.EnvFiles = []string{write(t, "x.env", env+"# end\n")}
		got := mustLoad(t, in)
		for _, row := range got.Rows() {
			if kind, ours := from[row.Name]; ours && (row.Origin.Kind != kind || kind != FromDefault && row.Value != want[row.Name]) {
				t.Errorf("%s = %s from %s, want %s from %s", row.Name, row.Value, row.Origin, want[row.Name], kind)
			}
		}
	}
}

func TestOriginsNameThePlace(t *testing.T) {
	file := write(t, "c.yaml", "server:\n  backlog: 4096\n")
	env := write(t, "p.env", "# first\nMAX_REQUESTS=5\n")
	got := mustLoad(t, Input{
		File: file, EnvFiles: []string{env}, Environ: []string{"WORKER_TIMEOUT=60", "KEEPALIVE="},
		Flags: map[string]string{"log_level": "debug"}, CPUs: 1.5,
	})
	for name, want := range map[string]string{
		"backlog":      "file " + file + ":2",
		"max_requests": "env-file " + env + ":2",
		"timeout":      "environment WORKER_TIMEOUT",
		"log_level":    "flag --log-level",
		"workers":      "default (1.5 CPU x 2 + 1)",
		"keepalive":    "default", // an empty variable is not set
	} {
		if text := got.Origins[name].String(); text != want {
			t.Errorf("origin of %s: %q, want %q", name, text, want)
		}
	}
}

// TestAllMistakesAtOnce has one in every layer.
func TestAllMistakesAtOnce(t *testing.T) {
	file := write(t, "c.yaml", "server:\n  workers: 0\n")
	env := write(t, "p.env", "BACKLOG=x\nnonsense\n")
	_, err := Load(Input{
		File: file, EnvFiles: []string{env, "/none.env"}, Environ: []string{"WEB_WORKERS=abc"},
		Flags: map[string]string{"timeout": "-1", "nothing": "1"},
	})
	want := []string{
		env + ":2: cannot read this line: it has no =; write KEY=VALUE",
		"cannot use the env-file /none.env: no such file or directory",
		`cannot use the flag for "nothing": there is no such setting`,
		file + `:2: cannot use server.workers = "0"`,
		`environment: cannot use WEB_WORKERS = "abc": it is not a whole number; give a whole number from 1 to 1024, for example 8`,
		env + `:1: cannot use BACKLOG = "x"`,
		`command line: cannot use --timeout = "-1": it is negative`,
	}
	got := Errors(err)
	if len(got) != len(want) {
		t.Fatalf("%d mistakes, want %d:\n%v", len(got), len(want), err)
	}
	for i := range got {
		if !strings.HasPrefix(got[i].Error(), want[i]) {
			t.Errorf("mistake %d:\n got %v\nwant %s", i, got[i], want[i])
		}
	}
}

func TestSearch(t *testing.T) {
	dir := t.TempDir()
	found := func(dir string) string {
		t.Helper()
		got, err := Load(Input{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return got.File
	}
	if file := found(dir); file != "" {
		t.Skip("this machine has " + file)
	}
	put := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("server:\n  workers: 4\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	second := put("webchasor.yaml")
	if file := found(dir); file != second {
		t.Errorf("found %q, want %q", file, second)
	}
	first := put("config/config.yaml")
	if file := found(dir); file != first {
		t.Errorf("found %q, want %q", file, first)
	}
	// A file where the directory was expected is not a configuration.
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "config"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if file := found(other); file != "" {
		t.Errorf("found %q", file)
	}
	// A found file that is broken is an error like a named one.
	if err := os.WriteFile(first, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Input{Dir: dir}); err == nil || !strings.Contains(err.Error(), first+": it is empty") {
		t.Errorf("empty file: %v", err)
	}
}

func TestGroups(t *testing.T) {
	server := []Group{GroupServer}
	got := mustLoad(t, Input{Groups: server, Environ: []string{"QUEUE_SIZE=nonsense"}})
	if _, ok := got.Origins["queue_size"]; ok || len(got.Rows()) != len(TableOf(server)) {
		t.Errorf("a library program has the API's settings: %v", got.Rows())
	}
	file := write(t, "c.yaml", "performance:\n  concurrency:\n    queue_size: 1\n")
	if _, err := Load(Input{Groups: server, File: file}); err == nil || !strings.Contains(err.Error(), "cannot use performance: there is no such key") {
		t.Errorf("performance in a library program: %v", err)
	}
}

func TestStateDir(t *testing.T) {
	for _, c := range []struct {
		environ map[string]string
		uid     int
		want    string
	}{
		{map[string]string{"XDG_STATE_HOME": "/xdg", "HOME": "/home/u"}, 1000, "/xdg/webchasor"},
		{map[string]string{"XDG_STATE_HOME": "xdg", "HOME": "/home/u"}, 1000, "/home/u/.local/state/webchasor"},
		{map[string]string{"HOME": "/root"}, 0, "/var/lib/webchasor"},
		{map[string]string{"XDG_STATE_HOME": "/xdg"}, 0, "/xdg/webchasor"},
		{nil, 1000, "/var/lib/webchasor"},
	} {
		if got := defaultStateDir(c.environ, c.uid); got != c.want {
			t.Errorf("%v, uid %d: %s, want %s", c.environ, c.uid, got, c.want)
		}
	}
	got := mustLoad(t, Input{Environ: []string{"STATE_DIRECTORY=/var/lib/unit", "XDG_STATE_HOME=/xdg"}})
	if got.Settings.StateDir != "/var/lib/unit" {
		t.Errorf("STATE_DIRECTORY: %s", got.Settings.StateDir)
	}
}

func TestDefaultsEqualAnEmptyLoad(t *testing.T) {
	got := mustLoad(t, Input{CPUs: 3})
	want := Defaults(3)
	want.StateDir = got.Settings.StateDir
	if !reflect.DeepEqual(got.Settings, want) {
		t.Errorf("got %+v\nwant %+v", got.Settings, want)
	}
	if mustLoad(t, Input{CPUs: -1}).Settings.Workers < 3 {
		t.Error("the machine's CPUs were not asked")
	}
}
