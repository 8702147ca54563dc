package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/webchasor/webchasor/internal/config"
)

// TestMain takes the settings of whoever runs the tests out of the environment.
func TestMain(m *testing.M) {
	for _, s := range config.Table() {
		if err := os.Unsetenv(s.Env); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// result is what one command line did.
type result struct {
	status         int
	stdout, stderr string
	served         *config.Resolved // nil when Serve did not run
	load           Loader
}

// run executes a command line in an empty directory.
func run(t *testing.T, p Program, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	var r result
	p.Name, p.Version, p.Usage = "prog", "1.2.3", "serves"
	p.Stdout, p.Stderr = &out, &errs
	p.Serve = func(load Loader) int {
		got, err := load()
		if err != nil {
			PrintError(&errs, "prog", err)
			return 1
		}
		r.served, r.load = got, load
		return 42
	}
	t.Chdir(t.TempDir())
	r.status = Run(append([]string{"/bin/prog"}, args...), p)
	r.stdout, r.stderr = out.String(), errs.String()
	return r
}

func TestServeTakesAllSettingsAsFlags(t *testing.T) {
	args := []string{"serve"}
	without := map[string]bool{} // secrets and sections have no flag
	for _, s := range config.Table() {
		if s.Flag == "" {
			without[s.Name] = true
			continue
		}
		args = append(args, "--"+s.Flag, s.Example)
	}
	got := run(t, Program{}, args...)
	if got.status != 42 {
		t.Fatalf("status %d: %s", got.status, got.stderr)
	}
	for name, origin := range got.served.Origins {
		if origin.Kind != config.FromFlag && !without[name] {
			t.Errorf("%s comes from %s", name, origin)
		}
	}
}

func TestFlagForms(t *testing.T) {
	value := func(r result, name string) string {
		if r.served == nil {
			return r.stderr
		}
		for _, row := range r.served.Rows() {
			if row.Name == name {
				return row.Value
			}
		}
		return "?"
	}
	for _, c := range []struct {
		args       string
		name, want string
	}{
		{"-w 3", "workers", "3"},
		{"-w=3", "workers", "3"},
		{"--workers=3", "workers", "3"},
		{"--workers 3 --workers 4", "workers", "4"},
		{"-b :1 -b :2", "bind", ":1,:2"},
		{"-b :0 -b :0", "bind", ":0,:0"},
		{"--bind :1,unix:/a", "bind", ":1,unix:/a"},
		{"-t 3", "timeout", "3s"},
		{"-p /x.pid", "pidfile", "/x.pid"},
		{"--watch=false", "watch", "false"},
		{"--pidfile=", "pidfile", "off"},
		{"", "workers", "7"}, // from the environment: a flag that is not given has no value
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Setenv("WEB_WORKERS", "7")
			got := run(t, Program{}, append([]string{"serve"}, strings.Fields(c.args)...)...)
			if v := value(got, c.name); v != c.want {
				t.Errorf("%s = %s, want %s", c.name, v, c.want)
			}
		})
	}
}

// TestMistakes has one line of output and status 1 for each.
func TestMistakes(t *testing.T) {
	for args, want := range map[string]string{
		"serv":                        `prog: cannot find the command "serv"; did you mean serve?`,
		"frobnicate":                  `prog: cannot find the command "frobnicate"; there are serve, check, config, version`,
		"config prnt":                 `prog: cannot find the command "prnt"; did you mean print?`,
		"serve now":                   `prog: cannot use the argument "now": serve takes only flags; see prog serve --help`,
		"version now":                 `prog: cannot use the argument "now": version takes only flags`,
		"serve --wrokers 3":           `prog: cannot find the flag --wrokers of prog serve; did you mean --workers?`,
		"serve --zzzzzz":              `prog: cannot find the flag --zzzzzz of prog serve; see prog serve --help`,
		"serve -z":                    `prog: cannot find the flag -z of prog serve; see`,
		"--workers 3":                 `prog: cannot find the flag --workers of prog; give it after the command, as in prog serve --workers`,
		"version --workers 3":         `prog: cannot find the flag --workers of prog version; give it after the command`,
		"serve --workers":             `prog: cannot read the command line: flag needs an argument: -workers; see prog serve --help`,
		"serve -w 3 --workers 4":      `prog: cannot read the command line: Cannot use two forms of the same flag`,
		"serve -c /none.yaml":         `prog: cannot use the configuration file /none.yaml: no such file or directory; check the path`,
		"serve --config=":             `it is a directory; name the file in it`,
		"check --env-file /none.env":  `prog: cannot use the env-file /none.env: no such file or directory; check the path`,
		"check --workers abc":         `prog: command line: cannot use --workers = "abc": it is not a whole number; give`,
		"config print --log-level xx": `prog: command line: cannot use --log-level = "xx": it is none of debug`,
	} {
		t.Run(args, func(t *testing.T) {
			got := run(t, Program{}, strings.Fields(args)...)
			if got.status != 1 || !strings.Contains(got.stderr, want) || strings.Count(got.stderr, "\n") != 1 || got.stdout != "" {
				t.Errorf("status %d, stdout %q, stderr\n got %s\nwant %s", got.status, got.stdout, got.stderr, want)
			}
		})
	}
}

func TestEveryMistakeHasItsLine(t *testing.T) {
	got := run(t, Program{}, "check", "--workers", "0", "--backlog", "x")
	if got.status != 1 || strings.Count(got.stderr, "prog: command line: cannot use --") != 2 {
		t.Errorf("status %d: %s", got.status, got.stderr)
	}
	var out strings.Builder
	PrintError(&out, "p", errors.New("two\nlines"))
	if out.String() != "p: two lines\n" {
		t.Errorf("%q", out.String())
	}
}

func TestBareProgram(t *testing.T) {
	if got := run(t, Program{}); got.status != 0 || got.served != nil || !strings.Contains(got.stdout, "COMMANDS") {
		t.Errorf("webchasor's bare command: %+v", got)
	}
	library := Program{DefaultServe: true, Groups: []config.Group{config.GroupServer}}
	if got := run(t, library); got.status != 42 || len(got.served.Origins) != len(config.TableOf(library.Groups)) {
		t.Errorf("a library program does not serve: %+v", got)
	}
	if got := run(t, library, "-w", "3"); got.served == nil || got.served.Settings.Workers != 3 {
		t.Errorf("flags of the bare program: %+v", got)
	}
	// Flags on both sides of the command count, the later ones more.
	got := run(t, library, "-w", "3", "--backlog", "5", "serve", "--workers", "4")
	if got.served == nil || got.served.Settings.Workers != 4 || got.served.Settings.Backlog != 5 {
		t.Errorf("flags before the command: %+v", got)
	}
	if got := run(t, library, "sevre"); got.status != 1 || got.served != nil {
		t.Errorf("an argument makes it serve: %+v", got)
	}
	if got := run(t, library, "serve", "--queue-size", "1"); got.status != 1 {
		t.Errorf("a library program has the API's flags: %+v", got)
	}
}

func TestHelpAndVersion(t *testing.T) {
	for args, want := range map[string]string{
		"--help": "COMMANDS", "help": "COMMANDS", "serve --help": "[$WEB_WORKERS] (default: CPU x 2 + 1)",
		"config": "print", "config --help": "print", "version": "prog 1.2.3 (go", "--version": "prog version 1.2.3",
	} {
		t.Run(args, func(t *testing.T) {
			got := run(t, Program{}, strings.Fields(args)...)
			if got.status != 0 || !strings.Contains(got.stdout, want) || got.stderr != "" || got.served != nil {
				t.Errorf("%+v, want %q", got, want)
			}
		})
	}
	help := run(t, Program{}, "serve", "--help").stdout
	for _, s := range config.Table() {
		if s.Flag == "" {
			continue
		}
		if !strings.Contains(help, "--"+s.Flag+" value") || !strings.Contains(help, "[$"+s.Env+"]") {
			t.Errorf("serve --help does not name --%s and %s", s.Flag, s.Env)
		}
	}
}

// TestLoaderReadsAgain: files are read anew, flags and directory stay.
func TestLoaderReadsAgain(t *testing.T) {
	dir := t.TempDir()
	file, env := filepath.Join(dir, "c.yaml"), filepath.Join(dir, "p.env")
	put := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(file, "server:\n  workers: 3\n")
	put(env, "BACKLOG=10\n")
	got := run(t, Program{}, "serve", "-c", file, "--env-file", env, "--timeout", "7", "--pidfile", "x.pid")
	if got.served == nil {
		t.Fatal(got.stderr)
	}
	put(file, "server:\n  workers: 4\n  timeout: 9\n")
	put(env, "BACKLOG=20\n")
	t.Chdir(t.TempDir())
	again, err := got.load()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range config.Diff(got.served, again) {
		names = append(names, c.Name+"="+c.New)
	}
	if want := []string{"workers=4", "backlog=20"}; !slices.Equal(names, want) {
		t.Errorf("changes %v, want %v", names, want)
	}
}

func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("server:\n  workers: 1024\n  backlog: 1000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := run(t, Program{}, "check", "-c", file, "--backlog", "999999", "--access-log-format", "json")
	for _, want := range []string{
		"ok: configuration file " + file + "\n",
		"ok: 3 of ",
		"warning: " + file + ":3: backlog = 1000000 has no effect, flag --backlog wins\n",
		"warning: access_log_format has no effect while access_log is off\n",
		"warning: workers 1024 is more than 4 per CPU",
	} {
		if got.status != 0 || !strings.Contains(got.stdout, want) {
			t.Errorf("status %d, no %q in\n%s%s", got.status, want, got.stdout, got.stderr)
		}
	}
	if got := run(t, Program{}, "check"); got.status != 0 || !strings.HasPrefix(got.stdout, "ok: no configuration file (") {
		t.Errorf("without a file: %+v", got)
	}
}

func TestConfigPrint(t *testing.T) {
	t.Setenv("WEB_WORKERS", "4")
	got := run(t, Program{}, "config", "print", "-b", ":1")
	var lines [][]string
	for line := range strings.Lines(got.stdout) {
		lines = append(lines, strings.Fields(line))
	}
	if len(lines) != len(config.Table())+1 ||
		!slices.Equal(lines[1], []string{"bind", ":1", "flag", "--bind"}) ||
		!slices.Equal(lines[2], []string{"workers", "4", "environment", "WEB_WORKERS"}) {
		t.Errorf("table\n%s%s", got.stdout, got.stderr)
	}
	got = run(t, Program{}, "config", "print", "--json")
	var doc struct {
		Settings []struct{ Name, Value, Origin, Where string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil || len(doc.Settings) != len(config.Table()) {
		t.Fatalf("%v in %s", err, got.stdout)
	}
	if w := doc.Settings[1]; w.Name != "workers" || w.Value != "4" || w.Origin != "environment" || w.Where != "WEB_WORKERS" {
		t.Errorf("workers: %+v", w)
	}
}
