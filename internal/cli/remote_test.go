package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFlagsMayFollowArguments(t *testing.T) {
	app := (&runner{program: Program{Name: "prog"}}).app()
	for _, c := range []struct{ in, want string }{
		{"prog recycle all --wait", "prog recycle --wait -- all"},
		{"prog scale -1 --wait --socket /x", "prog scale --wait --socket /x -- -1"},
		{"prog scale --socket=/x +1", "prog scale --socket=/x -- +1"},
		{"prog profile 0 cpu --seconds 3 -o file", "prog profile --seconds 3 -o file -- 0 cpu"},
		{"prog deaths show ID --json", "prog deaths show --json -- ID"},
		{"prog deaths --json", "prog deaths --json"},
		{"prog log-level -- debug", "prog log-level -- debug"},
		{"prog status --json", "prog status --json"},
		{"prog serve extra --workers 2", "prog serve extra --workers 2"},
		{"prog nonsense x --y", "prog nonsense x --y"},
		{"prog", "prog"},
	} {
		if got := flagsFirst(app, strings.Fields(c.in)); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s becomes %q, want %q", c.in, got, c.want)
		}
	}
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 1, 31, 15, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		raw   string
		after time.Time
		seq   uint64
		fails bool
	}{
		{raw: ""},
		{raw: "17", seq: 17},
		{raw: "10m", after: now.Add(-10 * time.Minute)},
		{raw: "2026-01-31T15:00:00Z", after: now.Add(-4*time.Minute - 5*time.Second)},
		{raw: "-10m", fails: true},
		{raw: "yesterday", fails: true},
	} {
		after, seq, err := parseSince(c.raw, now)
		if !after.Equal(c.after) || seq != c.seq || (err != nil) != c.fails {
			t.Errorf("%q: %v, %d, %v", c.raw, after, seq, err)
		}
	}
}

func TestNoMasterHasAStatusOfItsOwn(t *testing.T) {
	for args, want := range map[string]int{
		"status":           exitNoMaster,
		"top":              exitNoMaster,
		"reload --dry-run": exitNoMaster,
		"scale 3":          exitNoMaster,
		"health":           exitUsage,
		"scale":            exitUsage,
		"recycle":          exitUsage,
		"profile 1":        exitUsage,
		"events --since x": exitUsage,
		"status extra":     exitUsage,
	} {
		var out, errs bytes.Buffer
		name, rest, _ := strings.Cut(args, " ")
		all := append([]string{"prog", name, "--socket", t.TempDir() + "/none"}, strings.Fields(rest)...)
		status := Run(all, Program{Name: "prog", Stdout: &out, Stderr: &errs})
		if status != want || errs.Len() == 0 {
			t.Errorf("%s ends with %d and %q, want %d", args, status, errs.String(), want)
		}
	}
}

func TestCompletion(t *testing.T) {
	for shell, want := range map[string]string{"bash": "complete -o bashdefault", "zsh": "#compdef prog", "fish": "complete -c prog"} {
		var out, errs bytes.Buffer
		if status := Run([]string{"prog", "completion", shell}, Program{Name: "prog", Stdout: &out, Stderr: &errs}); status != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: status %d, %s%s", shell, status, errs.String(), out.String())
		}
	}
	for asked, want := range map[string]string{
		"":                             "serve check config version",
		"pro":                          "", // not a command: nothing belongs behind it
		"deaths":                       "show",
		"deaths show":                  "last",
		"recycle":                      "all",
		"recycle all":                  "",
		"recycle all --w?":             "--wait",
		"recycle --wait":               "all",
		"recycle --socket":             "", // a file
		"recycle --socket /none":       "all",
		"recycle --socket = /none":     "all",
		"profile 0":                    "cpu heap goroutine trace",
		"profile 0 --seconds 3 cpu -o": "",
		"profile --seconds 3 0":        "cpu heap goroutine trace",
		"profile 0 --se?":              "--seconds",
		"log-level":                    "debug info warn error",
		"scale":                        "+1 -1",
		"stat?":                        "status",
		"profile 0 he?":                "heap",
		"config":                       "print",
		"config print --js?":           "--json",
		"completion":                   "bash zsh fish",
		"status --nothing-like-this?":  "",
		"events --follow":              "",
		"events --timeout 3s --follow": "",
	} {
		var out, errs bytes.Buffer
		args := append([]string{"prog"}, strings.Fields(asked)...)
		if last := args[len(args)-1]; !strings.HasSuffix(asked, "?") {
			args = append(args, "")
		} else {
			args[len(args)-1] = strings.TrimSuffix(last, "?") // begun
		}
		args = append(args, askWord)
		t.Setenv("WEBCHASOR_SOCKET", "/none")
		status := Run(args, Program{Name: "prog", Stdout: &out, Stderr: &errs})
		got := strings.Join(strings.Fields(out.String()), " ")
		if asked == "" {
			got = got[:min(len(got), len(want))]
		}
		if got != want || status != 0 || errs.Len() > 0 {
			t.Errorf("after %q come %q, want %q (%d, %s)", asked, got, want, status, errs.String())
		}
	}
	var out, errs bytes.Buffer
	if status := Run([]string{"prog", "completion", "cmd"}, Program{Name: "prog", Stdout: &out, Stderr: &errs}); status != exitUsage {
		t.Errorf("an unknown shell ends with %d", status)
	}
}
