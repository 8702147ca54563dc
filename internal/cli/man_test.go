package cli

import (
	"strings"
	"testing"
)

func TestManualPage(t *testing.T) {
	first := run(t, Program{}, "man")
	if first.status != 0 {
		t.Fatalf("status %d: %s", first.status, first.stderr)
	}
	for _, want := range []string{".TH prog 1", ".SH serve", "serves", "--bind, -b", "USR2", ".SH deaths"} {
		if !strings.Contains(first.stdout, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if n := strings.Count(first.stdout, "--backlog"); n != 1 {
		t.Errorf("the page explains --backlog %d times", n)
	}
	if run(t, Program{}, "man").stdout != first.stdout {
		t.Error("the page differs from run to run; a package would too")
	}
	if bare := run(t, Program{DefaultServe: true}, "man").stdout; strings.Count(bare, "--backlog") != 1 {
		t.Error("the page of a program that serves without a command is another one")
	}
	if help := run(t, Program{}, "--help").stdout; strings.Contains(help, "manual page") {
		t.Errorf("the help offers what only packages need: %s", help)
	}
}
