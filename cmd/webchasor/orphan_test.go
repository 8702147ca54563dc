package main

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

const (
	msgOrphanGone = "a worker of the previous master is gone"
	msgOrphanDied = "worker of the previous master died"
)

// streaming begins a stream of n events, 100 ms apart, and returns who sends it.
func streaming(t *testing.T, addr string, n int) (events *testproc.Events, worker int) {
	t.Helper()
	client := &testproc.Client{Addr: addr}
	t.Cleanup(client.Close)
	events = client.Stream(t, "GET", "/stream?every=100&n="+strconv.Itoa(n), "")
	if got, _, err := events.Count(1); got != 1 || err != nil {
		t.Fatalf("the stream does not begin: %d events, %v", got, err)
	}
	worker, _ = strconv.Atoi(events.Header.Get(testproc.PIDHeader))
	return events, worker
}

// orphanOf waits for the status to name this orphan.
func orphanOf(t *testing.T, c *control.Client, pid int) (found control.Orphan) {
	t.Helper()
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		s, err := c.Status(t.Context())
		if err != nil {
			return false
		}
		for _, o := range s.Orphans {
			if o.PID == pid {
				found = o
				return true
			}
		}
		return false
	}, "the status names the worker that was left behind")
	return found
}

// orphanDeath waits for the abnormal end of an orphan and holds its line, its record,
// its event and its access line against each other.
func orphanDeath(t *testing.T, p *testproc.Process, c *control.Client, pid int, cause string, says ...string) control.DeathRecord {
	t.Helper()
	line := p.WaitLog(0, testproc.Msg(msgOrphanDied, testproc.KeyPID, pid), "the death of the orphan")
	if line.Str("level") != "error" || line.Str("cause") != cause || line.Int("requests_lost") != 1 {
		t.Errorf("want an error with cause %s and a lost request: %s", cause, line.Text)
	}
	d := theDeath(t, c)
	for _, want := range append(says, "exit status unknown: not our child", "/stream", "worker ready") {
		if !strings.Contains(d.Report, want) {
			t.Errorf("the record does not say %q:\n%s", want, d.Report)
		}
	}
	if d.PID != pid || d.Cause != cause || d.Lost != 1 || d.Uptime <= 0 {
		t.Errorf("in short: %+v", d.Death)
	}
	events, err := c.Events(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, e := range events.Events {
		if e.Kind == "orphan" && e.PID == pid && e.Death == d.ID {
			told++
		}
	}
	if told != 1 {
		t.Errorf("%d events tell the death", told)
	}
	if l := lostLines(t, p, 1)[0]; l.URI != "/stream" || l.PID != pid || l.Lost != cause || l.Death != d.ID {
		t.Errorf("the access log says %+v", l)
	}
	return d
}

func orphanOptions(env ...string) testproc.Options {
	return testproc.Options{Env: append([]string{"CONTROL_SOCKET=control.sock", "ACCESS_LOG=access.log", "ACCESS_LOG_FORMAT=json"}, env...)}
}

// TestOrphanSurvivesThreeUpgrades: the fourth ends a worker of the first master,
// which shows its stacks.
func TestOrphanSurvivesThreeUpgrades(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, orphanOptions("WEB_WORKERS=1"))
	addr := p.Up()
	c := control.New(p.Path("control.sock"))
	_, worker := streaming(t, addr, 3000)
	master := p.PID()
	for survived := range 3 {
		master = upgrade(t, p, master)
		o := orphanOf(t, c, worker)
		if o.Upgrades != survived || o.Deadline.Before(time.Now()) {
			t.Errorf("after upgrade %d: %+v", survived+1, o)
		}
	}
	master = upgrade(t, p, master)
	p.WaitLog(0, testproc.Text("ending a worker of a previous master", "too many upgrades"), "why it has to end")
	orphanDeath(t, p, c, worker, "drain-timeout", "ended by our SIGABRT", "testapp_test.go:")
	stopOrphan(t, p, master)
}

// TestOrphanEndsAtItsDeadline has a stopped process that cannot end by itself,
// and not even write its stacks.
func TestOrphanEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, orphanOptions("WEB_WORKERS=1", "GRACEFUL_TIMEOUT=1", "STREAM_TIMEOUT=4"))
	addr := p.Up()
	c := control.New(p.Path("control.sock"))
	_, worker := streaming(t, addr, 3000)
	p.Signal(syscall.SIGUSR2)
	// Not earlier: a stopped process group whose parent leaves gets SIGCONT (_exit(2)).
	if code := p.WaitExit(testproc.Patience); code != 0 {
		t.Errorf("the first master ended with %d", code)
	}
	p.Freeze(worker)
	o := orphanOf(t, c, worker)
	p.WaitLog(0, testproc.Text("ending a worker of a previous master", "its time to finish is over"), "why it has to end")
	if time.Now().Before(o.Deadline) {
		t.Errorf("it had until %s", o.Deadline)
	}
	orphanDeath(t, p, c, worker, "drain-timeout", "ended by our SIGKILL", "did not answer SIGABRT")
	stopOrphan(t, p, p.MasterPIDs()[0])
}

// TestKilledOrphanIsTold: an end that nobody of us wanted has a record too.
func TestKilledOrphanIsTold(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, orphanOptions("WEB_WORKERS=1"))
	addr := p.Up()
	c := control.New(p.Path("control.sock"))
	_, worker := streaming(t, addr, 3000)
	master := upgrade(t, p, p.PID())
	orphanOf(t, c, worker)
	p.SignalPID(worker, syscall.SIGKILL)
	orphanDeath(t, p, c, worker, "unknown", "ended in the middle of its drain")
	stopOrphan(t, p, master)
}

// TestStopWaitsForOrphans: a graceful stop lets the workers of the previous
// master finish, because whoever runs us may end them with us.
func TestStopWaitsForOrphans(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, orphanOptions("WEB_WORKERS=1"))
	addr := p.Up()
	const n = 40
	events, worker := streaming(t, addr, n)
	master := upgrade(t, p, p.PID())
	p.SignalPID(master, syscall.SIGTERM)
	p.WaitLog(0, testproc.Text("waiting for workers of a previous master"), "the stop waits")
	if !testproc.Refuses("tcp", addr) {
		t.Error("the port still answers")
	}
	if got, last, err := events.Count(-1); got != n || last != "[DONE]" || err != nil {
		t.Errorf("%d of %d events, then %q and %v", got, n, last, err)
	}
	if code := p.OrphanExit(master, testproc.Patience); code != 0 {
		t.Errorf("the master ended with %d", code)
	}
	p.ExpectEmpty()
	gone := p.WaitLog(0, testproc.Msg(msgOrphanGone, testproc.KeyPID, worker), "the orphan's end")
	if gone.Str("level") != "info" || gone.Str("cause") != "upgrade" {
		t.Errorf("an end in order is no trouble: %s", gone.Text)
	}
	wantNoLine(t, p, 0, testproc.Msg(msgOrphanDied), "the orphan left in order")
}

// TestQuickStopEndsOrphans: a second TERM does not wait for anybody.
func TestQuickStopEndsOrphans(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, orphanOptions("WEB_WORKERS=1"))
	addr := p.Up()
	_, worker := streaming(t, addr, 3000)
	master := upgrade(t, p, p.PID())
	p.SignalPID(master, syscall.SIGTERM)
	p.WaitLog(0, testproc.Text("waiting for workers of a previous master"), "the stop waits")
	begin := time.Now()
	p.SignalPID(master, syscall.SIGTERM)
	if code := p.OrphanExit(master, testproc.Patience); code != 0 {
		t.Errorf("the master ended with %d", code)
	}
	within(t, begin, 6*time.Second, "the second TERM")
	p.ExpectEmpty()
	if l := lostLines(t, p, 1)[0]; l.PID != worker || l.Lost != "stop" {
		t.Errorf("the access log says %+v", l)
	}
}

// TestRespawnedDuringAnUpgrade: a worker that was started while the new master
// booted is watched by it, and finishes its stream.
func TestRespawnedDuringAnUpgrade(t *testing.T) {
	t.Parallel()
	p := startUpgradable(t, orphanOptions(setupEnv+"=hold-if-slot:1"))
	addr := p.Up()
	c := control.New(p.Path("control.sock"))
	victim := 0
	for _, w := range p.Ready(0) {
		if w.Slot == 0 {
			victim = w.PID
		}
	}
	writeFile(t, p, "hold") // keeps the new master's second worker
	p.Signal(syscall.SIGUSR2)
	p.WaitLog(0, testproc.Msg("upgrading"), "the upgrade begins")
	mark := p.Log.Mark()
	p.SignalPID(victim, syscall.SIGKILL)
	ours := func(l testproc.Line) bool {
		return testproc.About(testproc.MsgReady, testproc.KeySlot, 0)(l) && l.Int("pid") == p.PID()
	}
	respawned := p.WaitLog(mark, ours, "the old master replaces it").Int(testproc.KeyPID)
	const n = 30
	var events *testproc.Events
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		var worker int
		if events, worker = streaming(t, addr, n); worker != respawned {
			events.Close()
		}
		return worker == respawned
	}, "a stream from the replacement")
	removeFile(t, p, "hold")
	p.WaitLog(0, testproc.Msg(msgUpgraded), "the upgrade succeeds")
	orphanOf(t, c, respawned)
	if got, last, err := events.Count(-1); got != n || last != "[DONE]" || err != nil {
		t.Errorf("%d of %d events, then %q and %v", got, n, last, err)
	}
	p.WaitLog(0, testproc.Msg(msgOrphanGone, testproc.KeyPID, respawned), "the new master sees its end")
	wantNoLine(t, p, 0, testproc.Msg(msgOrphanDied), "who died under its own master is told once")
	stopOrphan(t, p, p.MasterPIDs()[0])
}
