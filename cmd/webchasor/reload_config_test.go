package main

import (
	"os"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestVanishedConfigurationIsRejected: a file that was found by search and is
// gone would silently become the defaults.
func TestVanishedConfigurationIsRejected(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir+"/webchasor.yaml", "server:\n  worker_connections: 100\n")
	p := startWith(t, testproc.Options{App: appFastHTTP, Dir: dir, Env: []string{"WATCH=true", "WEB_WORKERS=1"}})
	p.Up()
	old := p.WaitWorkers(1)
	removeFile(t, p, "webchasor.yaml")
	p.Signal(syscall.SIGHUP)
	line := p.WaitLog(0, testproc.Msg(msgRejected), "the reload is rejected")
	if !testproc.Text("webchasor.yaml is gone", "the defaults")(line) {
		t.Errorf("the reason: %s", line.Text)
	}
	mark := p.Log.Mark()
	p.WriteFile("webchasor.yaml", "server:\n  worker_connections: 101\n")
	p.WaitLog(mark, testproc.Msg(msgReloaded), "the new file is noticed")
	wantLine(t, p, mark, testproc.Text("setting changes", "worker_connections", "101"), "what changed")
	p.WaitReplaced(old, 1)
	p.Stop(0)
}

// TestReloadSaysWhatItCannotDo: what needs an upgrade and what another layer
// overrides is named; a value of an env-file takes effect.
func TestReloadSaysWhatItCannotDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := func(bind, format, keepalive string) {
		put(t, dir+"/webchasor.yaml", "server:\n  bind: \""+bind+"\"\n  log_format: "+format+"\n  keepalive: "+keepalive+"\n")
	}
	config("127.0.0.1:0", "json", "2s")
	put(t, dir+"/env", "WORKER_CONNECTIONS=100\n")
	p := startWith(t, testproc.Options{
		App: appFastHTTP, Dir: dir, Args: []string{"serve", "-c", dir + "/webchasor.yaml", "--env-file", dir + "/env"},
		Env: []string{"BIND", "LOG_FORMAT", "WEB_WORKERS=1", "KEEPALIVE=1"},
	})
	addr := p.Up()
	old := p.WaitWorkers(1)
	config("127.0.0.1:1", "console", "3s")
	put(t, dir+"/env", "WORKER_CONNECTIONS=101\n")
	mark := p.Log.Mark()
	p.Signal(syscall.SIGHUP)
	p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
	for _, setting := range []string{"bind", "log_format"} {
		wantLine(t, p, mark, testproc.Both(testproc.Level("warn"), testproc.Msg("setting needs an upgrade (kill -USR2); the running value stays", "setting", setting)), setting)
	}
	shadowed := testproc.Msg("the edited value has no effect", "setting", "keepalive", "value", "3s")
	wantLine(t, p, mark, func(l testproc.Line) bool { return shadowed(l) && testproc.Text("webchasor.yaml", "KEEPALIVE")(l) }, "the shadowed edit")
	wantLine(t, p, mark, testproc.Msg("setting changes", "setting", "worker_connections", "from", "100", "to", "101"), "the env-file's value")
	p.WaitReplaced(old, 1)
	testproc.Get(t, addr, "/pid")
	p.Stop(0)
}

// TestScenario24BadFilesChangeNothing has a HUP meet every kind of file that
// cannot be used.
func TestScenario24BadFilesChangeNothing(t *testing.T) {
	t.Parallel()
	p, own := startUnprivileged(t, testproc.Options{Args: []string{"serve", "-c", "webchasor.yaml"}, Env: []string{"WEB_WORKERS=1"}}, func(dir string) {
		put(t, dir+"/webchasor.yaml", "server:\n  worker_connections: 100\n")
	})
	addr, path := p.Up(), p.Path("webchasor.yaml")
	old := p.WaitWorkers(1)
	for _, c := range []struct {
		name, says string
		damage     func()
	}{
		{"not UTF-8", "line 2 is not UTF-8", func() { put(t, path, "server:\n  log_level: \xff\n") }},
		{"wrong type", "worker_connections", func() { put(t, path, "server:\n  worker_connections: [1]\n") }},
		{"an access log that cannot be written", "missing/dir", func() { put(t, path, "server:\n  access_log: missing/dir/log\n") }},
		{"missing", "check the path", func() { _ = os.Remove(path) }},
		{"a directory", "it is a directory", func() { _ = os.Mkdir(path, 0o700) }},
		{"unreadable", "let the user who runs the program read it", func() { _ = os.Remove(path); put(t, path, "server: {}\n"); _ = os.Chmod(path, 0) }},
	} {
		c.damage()
		own(path)
		mark := p.Log.Mark()
		p.Signal(syscall.SIGHUP)
		line := p.WaitLog(mark, testproc.Msg(msgRejected), c.name)
		if !testproc.Text(c.says)(line) {
			t.Errorf("%s: the reason lacks %q: %s", c.name, c.says, line.Text)
		}
		if pid := expectOK(t, testproc.Get(t, addr, "/pid")); pid != old[0] {
			t.Errorf("%s: pid %d became %d", c.name, old[0], pid)
		}
	}
	p.Stop(0)
}

// TestUpgradeWithoutItsConfigurationIsRefused: nor does a new master take over
// on the defaults. Once the file is back it does.
func TestUpgradeWithoutItsConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const text = "server:\n  worker_connections: 100\n"
	put(t, dir+"/webchasor.yaml", text)
	p := startUpgradable(t, testproc.Options{Dir: dir, Env: []string{"WEB_WORKERS=1"}})
	addr := p.Up()
	old := p.WaitWorkers(1)
	removeFile(t, p, "webchasor.yaml")
	mark := p.Log.Mark()
	p.Signal(syscall.SIGUSR2)
	p.WaitLog(mark, testproc.Text("upgrade failed; this master serves on"), "the upgrade fails")
	wantLine(t, p, mark, testproc.Text("cannot start", "webchasor.yaml is gone", "the defaults"), "why")
	if pid := expectOK(t, testproc.Get(t, addr, "/pid")); pid != old[0] {
		t.Errorf("pid %d became %d", old[0], pid)
	}
	p.WriteFile("webchasor.yaml", text)
	stopOrphan(t, p, upgrade(t, p, p.PID()))
}
