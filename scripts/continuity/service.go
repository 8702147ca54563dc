package main

import (
	"strings"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
	"github.com/webchasor/webchasor/scripts/continuity/holder"
)

// Messages of the program that the scenarios wait for.
const (
	msgReloaded = "reloaded"
	msgUpgraded = "upgraded: the new master serves, this one leaves"
	msgDraining = "draining worker"
)

// patience bounds a single step of a scenario.
const patience = time.Minute

// proof is one scenario over one network, under way.
type proof struct {
	*testproc.Host
	settings
	row
	target string
	// network is the row's too.
	network string
	remotes []*holder.Remote
}

// service is the program under proof.
type service struct {
	*testproc.Process
	p      *proof
	addr   string
	master int
}

// start starts the service and waits until every worker is ready.
func (p *proof) start(env ...string) *service {
	dir := p.TempDir()
	base := []string{
		"WEB_WORKERS=4", "MAX_REQUESTS=0", "MAX_REQUESTS_JITTER=0", "RECYCLE_INTERVAL=0", "KEEPALIVE=60",
		"GRACEFUL_TIMEOUT=30", "BOOT_TIMEOUT=30", "WORKER_CONNECTIONS=1000",
	}
	if p.accept != "" {
		base = append(base, "ACCEPT="+p.accept)
	}
	if p.network == "unix" {
		base = append(base, "BIND=unix:"+dir+"/s")
	}
	s := &service{p: p, Process: testproc.Start(p, testproc.Options{Binary: p.target, Dir: dir, Env: append(base, env...)})}
	s.addr = strings.TrimPrefix(s.Up(), "unix:")
	if p.network == "unix" {
		s.addr = dir + "/s"
	}
	s.master = s.PID()
	return s
}

// mix starts the standard load with two clients that read streams of two seconds.
func (s *service) mix() *testproc.Mixing { return s.mixOf(20) }

// mixOf has streams of so many tenths of a second.
func (s *service) mixOf(events int) *testproc.Mixing {
	mix := testproc.StandardMix(s.p.network, s.addr)
	mix.Streaming, mix.Events, mix.Every = 2, events, 100*time.Millisecond
	return testproc.StartMix(s.p, mix)
}

// reload has one reload happen from beginning to end.
func (s *service) reload() {
	mark := s.Log.Mark()
	s.SignalPID(s.master, syscall.SIGHUP)
	s.WaitLogWithin(patience, mark, testproc.Msg(msgReloaded), "the reload commits")
}

// upgrade has one upgrade happen; the new master is the one to signal then.
func (s *service) upgrade() {
	mark := s.Log.Mark()
	s.SignalPID(s.master, syscall.SIGUSR2)
	s.WaitLogWithin(patience, mark, testproc.Msg(testproc.MsgUp), "the new master is ready")
	s.WaitLogWithin(patience, mark, testproc.Msg(msgUpgraded), "the upgrade succeeds")
	old := s.master
	testproc.Eventually(s.p, patience, 20*time.Millisecond, func() bool {
		masters := s.MasterPIDs()
		if len(masters) != 1 || masters[0] == old {
			return false
		}
		s.master = masters[0]
		return true
	}, "one master is left, and it is new")
}

// grow and shrink add and remove one worker.
func (s *service) grow() {
	mark := s.Log.Mark()
	s.SignalPID(s.master, syscall.SIGTTIN)
	s.WaitLogWithin(patience, mark, testproc.About(testproc.MsgReady), "one worker more")
}

func (s *service) shrink() {
	mark := s.Log.Mark()
	s.SignalPID(s.master, syscall.SIGTTOU)
	s.WaitLogWithin(patience, mark, testproc.Msg(msgDraining), "one worker fewer")
}

// drained counts the workers that were told to leave for a reason.
func (s *service) drained(reason string) int {
	return len(s.Log.Lines(0, testproc.Msg(msgDraining, "reason", reason)))
}

// unharmed notes a broken promise when a worker died abnormally.
func (s *service) unharmed() {
	if died := s.Log.Lines(0, testproc.Msg(testproc.MsgDied)); len(died) > 0 {
		s.p.broken("%d workers died, the first: %s", len(died), died[0].Str("detail"))
	}
}
