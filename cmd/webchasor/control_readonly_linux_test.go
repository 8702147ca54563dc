package main

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// A container with a read-only root: every place for the socket is on such a file
// system, made by a bind mount that only the service sees.
func TestControlSocketOnAReadOnlyFileSystem(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "unshare", "--mount", "true").CombinedOutput(); err != nil {
		t.Skipf("no mount namespace may be made here: %v: %s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, program := t.TempDir(), t.TempDir()+"/readonly.sh"
	script := fmt.Sprintf("#!/bin/sh\nexec unshare --mount sh -ec 'mount --bind %[1]s %[1]s; mount -o remount,bind,ro %[1]s; exec %[2]s \"$@\"' sh \"$@\"\n", dir, self)
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"auto", dir + "/sub.sock"} {
		oneQuietLine(t, startWith(t, testproc.Options{
			App: appFastHTTP, Binary: program,
			Env: []string{"STATE_DIRECTORY=" + dir, "CONTROL_SOCKET=" + setting},
		}))
	}
}
