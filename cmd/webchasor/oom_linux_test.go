package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// appCgroup enters the control group named by cgroupEnv, then becomes the
// program: workers inherit the group.
const (
	appCgroup = "cgroup"
	cgroupEnv = "TEST_CGROUP"
)

func enterCgroup() error {
	procs := filepath.Join(os.Getenv(cgroupEnv), "cgroup.procs")
	if err := os.WriteFile(procs, []byte(strconv.Itoa(os.Getpid())), 0); err != nil {
		return err
	}
	if err := os.Setenv(testproc.AppEnv, appFastHTTP); err != nil {
		return err
	}
	return syscall.Exec("/proc/self/exe", os.Args, os.Environ())
}

// Memory of the group, and what a worker wants of it. The race detector makes
// everything several times as large.
const (
	cgroupMemory = 512 << 20
	tooMuch      = "700" // MB
)

// ownCgroup is the directory of our own memory control group, where it is
// usually mounted, and the name of the file with its limit.
func ownCgroup(t *testing.T) (dir, limit string) {
	t.Helper()
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Skipf("no control groups here: %v", err)
	}
	for line := range strings.Lines(string(groups)) {
		// hierarchy-ID:controllers:path (cgroups(7))
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 {
			continue
		}
		if part[1] == "memory" { // v1, which has the controller where both are mounted
			return filepath.Join("/sys/fs/cgroup/memory", part[2]), "memory.limit_in_bytes"
		}
		if part[0] == "0" {
			dir, limit = filepath.Join("/sys/fs/cgroup", part[2]), "memory.max"
		}
	}
	return dir, limit
}

// memoryCgroup makes a control group with little memory, v1 or v2, or skips.
func memoryCgroup(t *testing.T) (dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can make a memory control group")
	}
	ours, limit := ownCgroup(t)
	dir, err := os.MkdirTemp(ours, "webchasor-")
	if err != nil {
		t.Skipf("cannot make a memory control group: %v", err)
	}
	t.Cleanup(func() { // after the processes have been reaped
		testproc.Poll(testproc.Patience, testproc.Every, func() bool { return syscall.Rmdir(dir) == nil })
	})
	// A group of v2 has the file only if its parent hands the controller down.
	if err := os.WriteFile(filepath.Join(dir, limit), []byte(strconv.Itoa(cgroupMemory)), 0); err != nil {
		t.Skipf("cannot limit the memory of a control group: %v", err)
	}
	for _, swap := range []string{"memory.memsw.limit_in_bytes", "memory.swap.max"} { // not everywhere
		_ = os.WriteFile(filepath.Join(dir, swap), []byte(strconv.Itoa(cgroupMemory)), 0)
	}
	return dir
}

// TestOutOfMemoryIsProven has the kernel kill a worker in a control group of
// its own: the cause is the counter's word, not a guess.
func TestOutOfMemoryIsProven(t *testing.T) {
	t.Parallel()
	group := memoryCgroup(t)
	socket := t.TempDir() + "/control.sock"
	p := startWith(t, testproc.Options{App: appCgroup, Env: []string{
		"WEB_WORKERS=1", cgroupEnv + "=" + group, "CONTROL_SOCKET=" + socket,
	}})
	addr := p.Up()
	old := p.WaitWorkers(1)
	<-background(addr, "/leak?mb="+tooMuch)
	line := p.WaitLog(0, died(old[0]), "the death")
	if line.Str("cause") != "out-of-memory" {
		t.Errorf("the cause is %q: %s", line.Str("cause"), line.Text)
	}
	record := onlyRecord(t, p)
	for _, want := range []string{"killed by the kernel: out of memory", "0 before, 1 after", group, "/leak", "MAX_MEMORY"} {
		if !contains(t, record, want) {
			t.Errorf("%s does not say %q", record, want)
		}
	}
	p.WaitReplaced(old, 1)
	testproc.Get(t, addr, "/pid")
	p.Stop(0)
}

// TestOutOfMemoryAtBootGivesUp: what does not fit into the memory once does not
// fit the next time either.
func TestOutOfMemoryAtBootGivesUp(t *testing.T) {
	t.Parallel()
	group := memoryCgroup(t)
	p := startWith(t, testproc.Options{App: appCgroup, Env: []string{
		"WEB_WORKERS=1", cgroupEnv + "=" + group, fmt.Sprintf("%s=leak:%s", setupEnv, tooMuch),
	}})
	p.ExpectExit(3)
	p.WaitLog(0, testproc.Both(testproc.Msg("giving up"), testproc.Text("out of memory")), "the reason")
}
