package autopsy

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/supervisor/fleet"
)

// crashText reads a traceback that Go 1.26 wrote to a crash output.
func crashText(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".crash")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func sent(signals ...string) []Sent {
	var l []Sent
	for _, s := range signals {
		l = append(l, Sent{Signal: s, Why: "test", When: time.Date(2026, 11, 22, 22, 7, 59, 123e6, time.UTC)})
	}
	return l
}

func TestClassify(t *testing.T) {
	risen := OOM{Readable: true, Before: 3, After: 4, Source: "memory.events.local"}
	level := OOM{Readable: true, Before: 3, After: 3, Source: "memory.events.local"}
	tests := []struct {
		name     string
		e        Evidence
		cause    Cause
		normal   bool
		outside  bool
		sentence string // part of it
		noStacks string // part of it; "" means none expected
	}{
		// As planned.
		{"recycle", Evidence{Ready: true, Reason: fleet.ReasonRequests}, CauseRecycle, true, false, "left as asked", "exited by itself"},
		{"memory limit", Evidence{Ready: true, Reason: fleet.ReasonMemory}, CauseMemory, true, false, "", "exited"},
		{"reload", Evidence{Ready: true, Reason: fleet.ReasonReload}, CauseReload, true, false, "", "exited"},
		{"rollback", Evidence{Ready: true, Reason: fleet.ReasonRollback}, CauseRollback, true, false, "", "exited"},
		{"scale", Evidence{Ready: true, Reason: fleet.ReasonScale}, CauseScale, true, false, "", "exited"},
		{"park", Evidence{Ready: true, Reason: fleet.ReasonPark}, CausePark, true, false, "", "exited"},
		{"stop", Evidence{Ready: true, Reason: fleet.ReasonStop}, CauseStop, true, false, "", "exited"},
		{"operator", Evidence{Ready: true, Reason: fleet.ReasonOperator}, CauseOperator, true, false, "", "exited"},
		{"our SIGTERM", Evidence{Ready: true, Ledger: sent("SIGTERM")}, CauseOperator, true, false, "SIGTERM", "exited"},
		{"stop while booting", Evidence{Code: -1, Signal: "SIGKILL", Reason: fleet.ReasonStop, Ledger: sent("SIGKILL")}, CauseStop, true, false, "our SIGKILL", "SIGKILL"},

		// Our emergencies.
		{"silent, aborted", Evidence{Code: 2, Ready: true, Reason: fleet.ReasonSilent, Ledger: sent("SIGABRT"), Crash: crashText(t, "abort")}, CauseTimeout, false, false, "silent (no heartbeat); ended by our SIGABRT", ""},
		{"silent, killed", Evidence{Code: -1, Signal: "SIGKILL", Ready: true, Reason: fleet.ReasonSilent, Ledger: sent("SIGABRT", "SIGKILL")}, CauseTimeout, false, false, "our SIGKILL", "did not answer SIGABRT"},
		{"silent, killed, Go's words", Evidence{Code: -1, Signal: "killed", Ready: true, Reason: fleet.ReasonSilent, Ledger: sent("aborted", "killed")}, CauseTimeout, false, false, "our SIGKILL", "did not answer SIGABRT"},
		{"silent, killed while memory rose", Evidence{Code: -1, Signal: "SIGKILL", Ready: true, Reason: fleet.ReasonSilent, Ledger: sent("SIGKILL"), OOM: risen}, CauseTimeout, false, false, "our SIGKILL", "SIGKILL leaves no time"},
		{"silent, left", Evidence{Ready: true, Reason: fleet.ReasonSilent}, CauseTimeout, false, false, "gracefully", "exited"},
		{"stuck, left", Evidence{Ready: true, Reason: fleet.ReasonTimeout, Stuck: "GET /spin"}, CauseTimeout, false, false, "stuck in GET /spin", "exited"},
		{"stuck, aborted itself", Evidence{Code: 2, Ready: true, Reason: fleet.ReasonTimeout, Crash: crashText(t, "abort")}, CauseTimeout, false, false, "aborted itself", ""},
		{"overdue", Evidence{Code: -1, Signal: "SIGKILL", Ready: true, Reason: fleet.ReasonOverdue, Ledger: sent("SIGABRT", "SIGKILL")}, CauseOverdue, false, false, "drain", "SIGABRT"},
		{"overdue, left late", Evidence{Ready: true, Reason: fleet.ReasonOverdue}, CauseOverdue, false, false, "too late", "exited"},
		{"boot timeout", Evidence{Code: -1, Signal: "SIGKILL", Reason: fleet.ReasonBoot, Ledger: sent("SIGKILL")}, CauseBootTimeout, false, false, "boot_timeout", "SIGKILL"},
		{"quick stop had to kill", Evidence{Code: -1, Signal: "SIGKILL", Ready: true, Reason: fleet.ReasonStop, Ledger: sent("SIGKILL")}, CauseStop, false, false, "our SIGKILL", "SIGKILL"},

		// Boot.
		{"boot failure", Evidence{Code: 3, BootError: "no such listener"}, CauseBoot, false, false, "failed to boot: no such listener", "exited"},
		{"boot failure in last words", Evidence{Code: 3, Stderr: []string{"a", "disk is full"}}, CauseBoot, false, false, "disk is full", "exited"},
		{"load failure", Evidence{Code: 4, BootError: "model missing\nat line 3"}, CauseLoad, false, false, "model missing at line 3", "exited"},
		{"0 instead of ready", Evidence{Code: 0}, CauseBoot, false, false, "instead of getting ready", "exited"},
		{"panic at boot", Evidence{Code: 2, Crash: crashText(t, "panic")}, CausePanic, false, false, "boom 1, before it was ready", ""},
		{"exit 7 at boot", Evidence{Code: 7}, CauseExit, false, false, "exit status 7, before it was ready", "exited"},

		// The program's own fault.
		{"panic", Evidence{Code: 2, Ready: true, Crash: crashText(t, "panic")}, CausePanic, false, false, "panic: boom 1", ""},
		{"panic again", Evidence{Code: 2, Ready: true, Crash: crashText(t, "repanic")}, CausePanic, false, false, "panic: first [recovered]; panic: again first", ""},
		{"panic while draining", Evidence{Code: 2, Ready: true, Reason: fleet.ReasonReload, Crash: crashText(t, "gopanic")}, CausePanic, false, false, "in goroutine (it was leaving: reload)", ""},
		{"panic while stuck", Evidence{Code: 2, Ready: true, Reason: fleet.ReasonTimeout, Crash: crashText(t, "gopanic")}, CausePanic, false, false, "panic: in goroutine", ""},
		{"nil pointer", Evidence{Code: 2, Ready: true, Crash: crashText(t, "nil")}, CausePanic, false, false, "nil pointer dereference", ""},
		{"panic with core dump", Evidence{Code: -1, Signal: "SIGABRT", Ready: true, Crash: crashText(t, "panic")}, CausePanic, false, false, "boom", ""},
		{"fatal error, headline on stderr", Evidence{Code: 2, Ready: true, Crash: crashText(t, "map"), Stderr: []string{"panic: logged and survived", "fatal error: concurrent map writes", ""}}, CausePanic, false, false, "fatal error: concurrent map writes", ""},
		{"fatal error, headline lost", Evidence{Code: 2, Ready: true, Crash: crashText(t, "map"), Stderr: []string{"panic: logged and survived"}}, CausePanic, false, false, "message is lost", ""},
		{"stack overflow", Evidence{Code: 2, Ready: true, Crash: crashText(t, "over"), Stderr: []string{"fatal error: stack overflow"}}, CausePanic, false, false, "stack overflow", ""},
		{"panic, crash text lost", Evidence{Code: 2, Ready: true, Stderr: []string{"panic: boom"}}, CausePanic, false, false, "panic: boom", "only a crash"},
		{"fault", Evidence{Code: 2, Ready: true, Crash: crashText(t, "fault"), Stderr: []string{"fatal error: fault"}}, CauseFatal, false, false, "SIGSEGV", ""},
		{"SIGABRT raised by C code", Evidence{Code: 2, Ready: true, Crash: "SIGABRT: abort\nPC=0x1 m=0 sigcode=18446744073709551610\n\ngoroutine 1 [running]:\n"}, CauseFatal, false, false, "SIGABRT", ""},
		{"exit 1", Evidence{Code: 1, Ready: true}, CauseExit, false, false, "exit status 1", "exited"},
		{"exit 2 without a word", Evidence{Code: 2, Ready: true}, CauseExit, false, false, "exit status 2", "exited"},
		{"exit 3 after ready", Evidence{Code: 3, Ready: true}, CauseExit, false, false, "exit status 3", "exited"},
		{"exit 1 while draining", Evidence{Code: 1, Ready: true, Reason: fleet.ReasonReload}, CauseExit, false, false, "it was leaving: reload", "exited"},
		{"0 unasked", Evidence{Ready: true}, CauseExit, false, false, "we did not ask", "exited"},

		// Others.
		{"out of memory", Evidence{Code: -1, Signal: "SIGKILL", Ready: true, OOM: risen}, CauseOOM, false, false, "out of memory", "out-of-memory killer"},
		{"out of memory at boot", Evidence{Code: -1, Signal: "killed", OOM: risen}, CauseOOM, false, false, "before it was ready", "out-of-memory killer"},
		{"out of memory though we sent SIGTERM", Evidence{Code: -1, Signal: "SIGKILL", Ready: true, OOM: risen, Ledger: sent("SIGTERM")}, CauseOOM, false, false, "out of memory", "out-of-memory killer"},
		{"kill -9, counter level", Evidence{Code: -1, Signal: "SIGKILL", Ready: true, OOM: level}, CauseOutside, false, true, "no out-of-memory kill", "SIGKILL"},
		{"kill -9, counter unreadable", Evidence{Code: -1, Signal: "SIGKILL", Ready: true}, CauseOutside, false, true, "SIGKILL from outside, possibly memory", "SIGKILL"},
		{"kill -9, counter unreadable but filled", Evidence{Code: -1, Signal: "SIGKILL", Ready: true, OOM: OOM{After: 9}}, CauseOutside, false, true, "possibly memory", "SIGKILL"},
		{"kill -9 while draining", Evidence{Code: -1, Signal: "SIGKILL", Ready: true, Reason: fleet.ReasonReload, OOM: level}, CauseOutside, false, true, "it was leaving: reload", "SIGKILL"},
		{"SIGHUP", Evidence{Code: -1, Signal: "SIGHUP", Ready: true, OOM: risen}, CauseOutside, false, true, "SIGHUP from outside, sender unknown", "SIGHUP ends"},
		{"kill -SEGV", Evidence{Code: 2, Ready: true, Crash: crashText(t, "segvuser")}, CauseOutside, false, true, "SIGSEGV from outside", ""},
		{"kill -ABRT", Evidence{Code: 2, Ready: true, Crash: crashText(t, "abort")}, CauseOutside, false, true, "SIGABRT from outside", ""},
		{"kill -9 after our SIGABRT", Evidence{Code: -1, Signal: "SIGKILL", Ready: true, Reason: fleet.ReasonSilent, Ledger: sent("SIGABRT")}, CauseOutside, false, true, "SIGKILL from outside", "did not answer"},

		{"nothing known", Evidence{Code: -1, Ready: true}, CauseUnknown, false, false, "could not be read", "exited"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := Classify(tt.e)
			if v.Cause != tt.cause || v.Abnormal == tt.normal || v.Outside != tt.outside {
				t.Errorf("got cause %s, abnormal %t, outside %t; want %s, %t, %t (%s)", v.Cause, v.Abnormal, v.Outside, tt.cause, !tt.normal, tt.outside, v.Sentence)
			}
			if !strings.Contains(v.Sentence, tt.sentence) {
				t.Errorf("sentence %q lacks %q", v.Sentence, tt.sentence)
			}
			if strings.ContainsAny(v.Sentence, "\n\x1b") || len(v.Evidence) == 0 {
				t.Errorf("sentence %q, evidence %q", v.Sentence, v.Evidence)
			}
			if (tt.noStacks == "") != (v.NoStacks == "") || !strings.Contains(v.NoStacks, tt.noStacks) {
				t.Errorf("no stacks because %q, want %q", v.NoStacks, tt.noStacks)
			}
		})
	}
}

// Every reason of the core must lead to a cause of its own, or a new reason
// would be blamed on an operator.
func TestEveryReasonHasACause(t *testing.T) {
	for _, r := range []fleet.Reason{
		fleet.ReasonSilent, fleet.ReasonBoot, fleet.ReasonOverdue, fleet.ReasonTimeout, fleet.ReasonRequests, fleet.ReasonMemory,
		fleet.ReasonReload, fleet.ReasonRollback, fleet.ReasonScale, fleet.ReasonPark, fleet.ReasonStop,
	} {
		e := Evidence{Code: -1, Signal: "SIGKILL", Ready: true, Reason: r, Ledger: sent("SIGKILL")}
		if v := Classify(e); v.Cause == CauseOperator || v.Outside {
			t.Errorf("killed for %s: %+v", r, v)
		}
		e = Evidence{Ready: true, Reason: r}
		if v := Classify(e); v.Cause == CauseExit {
			t.Errorf("left for %s: %+v", r, v)
		}
	}
}

func TestEvidenceNamesTheProof(t *testing.T) {
	v := Classify(Evidence{
		Code: -1, Signal: "SIGKILL", Ready: true, Reason: fleet.ReasonSilent, Stuck: "GET /spin",
		Ledger: sent("SIGABRT"), OOM: OOM{Readable: true, Before: 1, After: 2, Source: "v1 memory.oom_control"},
	})
	all := strings.Join(v.Evidence, "\n")
	for _, want := range []string{"ended by SIGKILL", "leave: silent", "GET /spin", "we sent SIGABRT at 22:07:59.123 (test)", "1 before, 2 after (v1 memory.oom_control)"} {
		if !strings.Contains(all, want) {
			t.Errorf("evidence lacks %q:\n%s", want, all)
		}
	}
}

// Two workers killed at once are two kills; a kill -9 an hour later is none.
func TestClaimsExplainsEachKillOnce(t *testing.T) {
	var c Claims
	die := func(atSpawn, atDeath uint64) Cause {
		e := Evidence{Code: -1, Signal: "SIGKILL", Ready: true, OOM: OOM{Readable: true, Before: c.Before(atSpawn), After: atDeath}}
		v := Classify(e)
		c.Settle(e, v)
		return v.Cause
	}
	for i, tt := range []struct {
		atSpawn, atDeath uint64
		want             Cause
	}{
		{5, 7, CauseOOM},
		{5, 7, CauseOOM},
		{5, 7, CauseOutside},
		{7, 7, CauseOutside},
		{7, 8, CauseOOM},
		{5, 8, CauseOutside},
		{20, 21, CauseOOM},
	} {
		if got := die(tt.atSpawn, tt.atDeath); got != tt.want {
			t.Errorf("death %d: %s, want %s", i, got, tt.want)
		}
	}
}

func TestIsHeadline(t *testing.T) {
	for line, want := range map[string]bool{
		"panic: boom": true, "fatal error: fault": true, "SIGSEGV: segmentation violation": true,
		"SIGnal: no": false, "a panic: boom": false, "SIG": false, "": false,
	} {
		if got := IsHeadline(line); got != want {
			t.Errorf("IsHeadline(%q) = %t", line, got)
		}
	}
}

func TestSignalNames(t *testing.T) {
	for s, name := range signals {
		if SignalName(s) != name || canonical(s.String()) != name || canonical(name) != name {
			t.Errorf("%d: %s, %s", s, SignalName(s), canonical(s.String()))
		}
	}
	if got := SignalName(syscall.Signal(40)); got != "signal 40" {
		t.Errorf("unknown signal: %s", got)
	}
}

func TestOneLine(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"plain", "plain"},
		{"a\nb\tc\r", "a b c"},
		{"\x1b[31mred\x00", `\u001b[31mred\u0000`},
		{"\xff\xfe", `\xff\xfe`},
		{"héé", "héé"},
		{"1234567890123", "1234567890..."},
		{"123456789é", "123456789..."},
		{"\uFFFD", "\uFFFD"},
	} {
		if got := oneLine(tt.in, 10); got != tt.want {
			t.Errorf("oneLine(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzClassify(f *testing.F) {
	for _, name := range []string{"panic", "nil", "map", "abort", "segvuser", "over", "fault", "repanic"} {
		f.Add(2, "", true, "", crashText(f, name), "fatal error: x")
	}
	f.Add(-1, "SIGKILL", true, "silent", "", "")
	f.Fuzz(func(t *testing.T, code int, signal string, ready bool, reason, crash, stderr string) {
		e := Evidence{Code: code, Signal: signal, Ready: ready, Reason: fleet.Reason(reason), Crash: crash, Stderr: strings.Split(stderr, "\n")}
		v := Classify(e)
		if v.Cause == "" || v.Sentence == "" || strings.ContainsAny(v.Sentence, "\n\x1b\x00") {
			t.Errorf("%+v", v)
		}
		if v.Cause == CauseOOM {
			t.Error("out of memory without a counter that rose")
		}
		e.Ledger = sent("SIGKILL", "SIGABRT")
		if v := Classify(e); v.Outside && canonical(signal) == "SIGKILL" && code != goExit {
			t.Errorf("our own SIGKILL blamed on others: %+v", v)
		}
	})
}
