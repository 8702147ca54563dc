package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// shellSetup puts the program into a directory under its name, and the completion script of a
// shell beside it.
func shellSetup(t *testing.T, p *testproc.Process, shell string) (script string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, p.Path("webchasor")); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	p.WriteFile("complete."+shell, inShell(t, p, "sh", "-c", "webchasor completion "+shell)+"\n")
	return p.Path("complete." + shell)
}

// inShell runs a command line of a shell with the program in its path.
func inShell(t *testing.T, p *testproc.Process, shell string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), shell, args...)
	cmd.Dir = p.Dir
	cmd.Env = []string{"PATH=" + p.Dir + ":" + os.Getenv("PATH"), "HOME=" + p.Dir, "STATE_DIRECTORY=" + p.Path("state"), testproc.AppEnv + "=" + appFastHTTP, "GORACE=atexit_sleep_ms=0"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %q: %v: %s", shell, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// A real bash sources the script and asks as a press of Tab does.
func TestCompletionInBash(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("there is no bash here to complete in")
	}
	p := start(t)
	p.Up()
	script := shellSetup(t, p, "bash")
	for line, want := range map[string]string{
		"webchasor sta":                "status stacks",
		"webchasor recycle ":           "all 0 1",
		"webchasor recycle all --w":    "--wait",
		"webchasor stacks ":            "0 1",
		"webchasor profile 1 ":         "cpu heap goroutine trace",
		"webchasor profile 1 g":        "goroutine",
		"webchasor log-level --json d": "debug",
		"webchasor deaths ":            "show",
		"webchasor deaths show ":       "last",
		"webchasor status --socket ":   "",
	} {
		words := strings.Split(line, " ")
		quoted := "'" + strings.Join(words, "' '") + "'"
		ask := fmt.Sprintf(`. %s; COMP_WORDS=(%s); COMP_CWORD=%d; _webchasor_complete; echo "${COMPREPLY[*]}"`, script, quoted, len(words)-1)
		if got := inShell(t, p, "bash", "--norc", "-c", ask); got != want {
			t.Errorf("after %q bash offers %q, want %q", line, got, want)
		}
	}
	wants(t, inShell(t, p, "bash", "--norc", "-c", ". "+script+"; complete -p webchasor"), "_webchasor_complete")
	p.Stop(0)
}

// The other shells at least understand what they are given.
func TestCompletionScriptsAreWellFormed(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.Up()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script := shellSetup(t, p, shell)
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("there is no %s here to read its script", shell)
			continue
		}
		inShell(t, p, shell, "-n", script)
	}
	if _, err := exec.LookPath("fish"); err == nil {
		for line, want := range map[string]string{"webchasor profile 0 h": "heap", "webchasor recycle a": "all"} {
			got := inShell(t, p, "fish", "--no-config", "-c", "source "+p.Path("complete.fish")+"; complete -C '"+line+"'")
			if got != want {
				t.Errorf("after %q fish offers %q, want %q", line, got, want)
			}
		}
	}
	if _, err := exec.LookPath("zsh"); err == nil {
		// As the first Tab does with a script in fpath, where a package puts it.
		if err := os.Symlink("complete.zsh", p.Path("_webchasor")); err != nil {
			t.Fatal(err)
		}
		ask := `compdef() { }; _describe() { print -r -- ${(P)2} }; fpath=(. $fpath); autoload -Uz _webchasor; words=(webchasor profile 0 h); CURRENT=4; _webchasor`
		if got := inShell(t, p, "zsh", "-f", "-c", ask); got != "heap" {
			t.Errorf("zsh offers %q, want heap", got)
		}
	}
	p.Stop(0)
}
