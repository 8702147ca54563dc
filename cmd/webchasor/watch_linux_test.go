package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// appExhausted takes all inotify away from itself, then becomes the program. It
// has to be in a user namespace of its own: each has limits for its users, which
// its root may lower (namespaces(7), /proc/sys/user; tried on Linux 6.18: with
// max_inotify_instances at 0 inotify_init1 fails with EMFILE, with
// max_inotify_watches at 0 inotify_add_watch with ENOSPC).
const (
	appExhausted = "inotify"
	exhaustedEnv = "TEST_EXHAUSTED" // the name of the limit
)

func exhaust() error {
	if err := os.WriteFile(filepath.Join("/proc/sys/user", os.Getenv(exhaustedEnv)), []byte("0"), 0); err != nil {
		return err
	}
	if err := os.Setenv(testproc.AppEnv, appFastHTTP); err != nil {
		return err
	}
	return syscall.Exec("/proc/self/exe", os.Args, os.Environ())
}

// TestInotifyExhausted: a machine whose inotify is used up says so once, with the
// remedy, and an edit is still a reload.
func TestInotifyExhausted(t *testing.T) {
	for _, limit := range []string{"max_inotify_instances", "max_inotify_watches"} {
		t.Run(limit, func(t *testing.T) {
			t.Parallel()
			namespace := &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER,
				UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
				GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
			}
			probe := exec.Command("/proc/self/exe", "version")
			probe.Env = append(os.Environ(), testproc.AppEnv+"="+appExhausted, exhaustedEnv+"="+limit)
			probe.SysProcAttr = namespace
			if out, err := probe.CombinedOutput(); err != nil {
				t.Skipf("no user namespace with limits of its own here: %v %s", err, out)
			}

			config := "server:\n  worker_connections: %d\n"
			p := startWith(t, testproc.Options{
				App: appExhausted, Config: fmt.Sprintf(config, 100), Sys: namespace,
				Env: []string{"WATCH=true", "WEB_WORKERS=1", exhaustedEnv + "=" + limit},
			})
			p.Up()
			mark := p.Log.Mark()
			testproc.Pause(time.Second, nil) // a file is looked at after the start too; this edit comes later
			p.WriteFile("webchasor.yaml", fmt.Sprintf(config, 101))
			p.WaitLog(mark, testproc.Msg(msgReloaded), "the edit is a reload")
			wantLine(t, p, mark, testproc.Text("setting changes", "worker_connections", "101"), "what changed")
			told := p.Log.Lines(0, testproc.Text("cannot be told about configuration changes"))
			if len(told) != 1 {
				t.Fatalf("told %d times: %v", len(told), told)
			}
			if line := told[0]; line.Str("level") != "warn" || !strings.Contains(line.Text, "fs.inotify.max_user_instances") {
				t.Errorf("want a warning that names the remedy: %s", line.Text)
			}
			p.Stop(0)
		})
	}
}
