package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
}

// TestPrivilegesAreDropped: the master stays root and holds a low port through
// reload and upgrade; workers are nobody, can gain nothing, and can do nothing to it.
func TestPrivilegesAreDropped(t *testing.T) {
	t.Parallel()
	needRoot(t)
	bind := lowPort(t)
	p := startWith(t, testproc.Options{App: appFastHTTP, Env: []string{"WEB_USER=nobody", "BIND=" + bind, "HOME=/root", raceToStderr}})
	addr := p.Up()
	workers := p.WaitWorkers(2)
	for _, pid := range workers {
		wantNobody(t, pid)
	}
	for _, key := range []string{"HOME", "USER"} {
		if got, _ := testproc.Environ(workers[0], key); key == "HOME" && got == "/root" || key == "USER" && got != "nobody" {
			t.Errorf("%s of a worker is %q", key, got)
		}
	}
	if uid := statusOf(t, p.PID(), "Uid"); uid != "0 0 0 0" {
		t.Errorf("the master runs as %s", uid)
	}
	powerless(t, p.PID(), workers[0])

	p.Signal(syscall.SIGHUP)
	reloaded := p.WaitReplaced(workers, 2)
	wantNobody(t, reloaded[0])

	master := upgrade(t, p, p.PID())
	upgraded := p.WaitReplaced(reloaded, 2)
	wantNobody(t, upgraded[0])
	expectOK(t, testproc.Get(t, addr, "/pid"))
	powerless(t, master, upgraded[0])
	stopOrphan(t, p, master)
}

// TestPrivilegesByCapability: a master that is nobody and may bind low ports may do
// so after an upgrade too, although its workers can gain no rights.
func TestPrivilegesByCapability(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := dirOf(t, nobody)
	first := lowPort(t)
	second := strings.TrimSuffix(first, ":80") + ":81"
	file := filepath.Join(dir, "c.yaml")
	configure := func(bind string) {
		if err := os.WriteFile(file, []byte("server: {bind: \""+bind+"\", user: nobody}\n"), 0o644); err != nil { //nolint:gosec // for nobody to read
			t.Fatal(err)
		}
	}
	configure(first)
	const capNetBindService = 10
	p := startUpgradable(t, testproc.Options{
		Dir: dir, Args: []string{"serve", "-c", file}, Env: []string{"BIND", "HOME=" + dir, raceToStderr},
		Sys: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, AmbientCaps: []uintptr{capNetBindService}},
	})
	expectOK(t, testproc.Get(t, p.Up(), "/pid"))
	configure(first + "," + second)
	master := upgrade(t, p, p.PID())
	for _, addr := range []string{first, second} {
		expectOK(t, testproc.Get(t, addr, "/pid"))
	}
	if got := statusOf(t, p.WaitWorkers(2)[0], "NoNewPrivs"); got != "1" {
		t.Errorf("NoNewPrivs of a worker is %s", got)
	}
	stopOrphan(t, p, master)
}

// lowPort is an address on a port that only root may bind, which nobody else uses:
// every test process has loopback addresses of its own.
func lowPort(t *testing.T) string {
	t.Helper()
	for n := 1; n < 250; n++ {
		addr := fmt.Sprintf("127.%d.%d.%d:80", 1+os.Getpid()%200, os.Getpid()/200%250, n)
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no address with a free port 80")
	return ""
}

// statusOf is a line of /proc/PID/status (proc_pid_status(5)).
func statusOf(t *testing.T, pid any, key string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%v/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	t.Fatalf("no %s in the status of %v", key, pid)
	return ""
}

// wantNobody looks at every thread: credentials belong to threads.
func wantNobody(t *testing.T, pid int) {
	t.Helper()
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if len(tasks) == 0 {
		t.Fatalf("worker %d is gone", pid)
	}
	four := strings.TrimSpace(strings.Repeat(strconv.Itoa(nobody)+" ", 4))
	for _, task := range tasks {
		thread := strings.TrimPrefix(task, "/proc/")
		for key, want := range map[string]string{
			"Uid": four, "Gid": four, "Groups": strconv.Itoa(nobody), "NoNewPrivs": "1",
			"CapEff": "0000000000000000", "CapPrm": "0000000000000000", "CapAmb": "0000000000000000",
		} {
			if got := statusOf(t, thread, key); got != want {
				t.Errorf("%s of thread %s is %q, want %q", key, thread, got, want)
			}
		}
	}
}

// powerless tries as the workers' user what a worker must not be able to do to
// its master, and may do to another worker.
func powerless(t *testing.T, master, worker int) {
	t.Helper()
	asUser(t, nobody, func() {
		for _, sig := range []syscall.Signal{0, syscall.SIGTERM, syscall.SIGKILL} {
			if err := syscall.Kill(master, sig); !errors.Is(err, syscall.EPERM) {
				t.Errorf("signal %d to the master: %v", sig, err)
			}
		}
		if err := syscall.Kill(worker, 0); err != nil {
			t.Errorf("signal 0 to a worker: %v", err)
		}
		for _, name := range []string{"mem", "environ"} {
			fd, err := syscall.Open(fmt.Sprintf("/proc/%d/%s", master, name), syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
			if !errors.Is(err, syscall.EACCES) {
				t.Errorf("/proc/%d/%s: %v", master, name, err)
				_ = syscall.Close(fd)
			}
		}
		// ptrace(2): PTRACE_ATTACH
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, 16, uintptr(master), 0, 0, 0, 0); errno != syscall.EPERM { //nolint:gosec // a pid
			t.Errorf("tracing the master: %v", errno)
		}
	})
}

// asUser runs f on a thread that is another user and its group, and ends with it.
func asUser(t *testing.T, id uintptr, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		for _, call := range []uintptr{syscall.SYS_SETRESGID, syscall.SYS_SETRESUID} {
			if _, _, errno := syscall.RawSyscall(call, id, id, id); errno != 0 {
				t.Errorf("cannot become user %d: %v", id, errno)
				return
			}
		}
		f()
	}()
	<-done
}

// TestPrivilegesAndFiles: log files stay root's, in a directory that no worker may
// enter; workers write to them all the same, also when they are opened anew. A unix
// socket belongs to the workers' user, and the umask holds for all.
func TestPrivilegesAndFiles(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	socket, access := filepath.Join(dir, "s"), filepath.Join(dir, "access.log")
	p := start(t, "WEB_USER=nobody", "WEB_GROUP=daemon", "WEB_UMASK=0027", "BIND=unix:"+socket, "ACCESS_LOG="+access, "WEB_WORKERS=1", raceToStderr)
	p.Up()
	worker := p.WaitWorkers(1)
	if got := statusOf(t, worker[0], "Gid"); got != "1 1 1 1" {
		t.Errorf("group of the worker: %s", got)
	}
	if got := statusOf(t, worker[0], "Umask"); got != "0027" {
		t.Errorf("umask of the worker: %s", got)
	}
	wantFile(t, socket, nobody, 1, 0o750|os.ModeSocket)
	wantFile(t, access, 0, 0, 0o640)
	client := testproc.Client{Network: "unix", Addr: socket, Fresh: true}
	ask := func(path string) {
		t.Helper()
		expectOK(t, client.Get(path))
		logged := func() bool { return exists(access) && contains(t, access, path) }
		testproc.Eventually(t, testproc.Patience, testproc.Every, logged, path+" is in the access log")
	}
	ask("/pid?first")

	if err := os.Rename(access, access+".1"); err != nil {
		t.Fatal(err)
	}
	p.Signal(syscall.SIGUSR1)
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return exists(access) }, "a new access log")
	// The order and the request race, so the lines before it may be in the old file.
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		expectOK(t, client.Get("/pid?second"))
		return contains(t, access, "/pid?second")
	}, "the worker writes to the new access log")
	wantFile(t, access, 0, 0, 0o640)

	if err := syscall.Kill(worker[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.WaitReplaced(worker, 1)
	ask("/pid?third")
	p.Stop(0)
}

func wantFile(t *testing.T, path string, uid, gid uint32, mode os.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if owner.Uid != uid || owner.Gid != gid || info.Mode() != mode {
		t.Errorf("%s belongs to %d:%d with mode %v, want %d:%d and %v", path, owner.Uid, owner.Gid, info.Mode(), uid, gid, mode)
	}
}

// TestPrivilegesKept: no_new_privs is a choice, and a user that is not there is a
// failed start, not workers that run as root.
func TestPrivilegesKept(t *testing.T) {
	t.Parallel()
	p := start(t, "NO_NEW_PRIVS=false", "WEB_WORKERS=1")
	p.Up()
	before := statusOf(t, "self", "NoNewPrivs")
	if got := statusOf(t, p.WaitWorkers(1)[0], "NoNewPrivs"); got != before {
		t.Errorf("NoNewPrivs of a worker is %s, of whoever started the master %s", got, before)
	}
	p.Stop(0)

	for args, want := range map[string]string{"": "workers would run as root: set user", "--user=nobody": ""} {
		words := []string{"check"}
		if args != "" {
			words = append(words, args)
		}
		c := startWith(t, testproc.Options{App: appFastHTTP, Args: words})
		if code := c.WaitExit(testproc.Patience); code != 0 {
			t.Errorf("check %s: exit %d", args, code)
		}
		if text := c.Out.String(); os.Getuid() == 0 && strings.Contains(text, "would run as root") != (want != "") {
			t.Errorf("check %s says %q", args, text)
		}
	}

	q := start(t, "WEB_USER=no-such-user")
	if code := q.WaitExit(testproc.Patience); code != 1 {
		t.Errorf("exit %d", code)
	}
	if text := q.Log.String(); !strings.Contains(text, "cannot run workers as user no-such-user: there is no such user; name a user") {
		t.Errorf("it says %q", text)
	}
}
