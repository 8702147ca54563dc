package autopsy

import (
	"fmt"
	"strings"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// ending is the evidence, read once.
type ending struct {
	Evidence
	crash  crash
	signal string // the signal behind the end, also when the runtime turned it into exit status 2
	ours   bool   // that signal is in the ledger
}

// Classify says what a death was. It is pure and never fails: what cannot be
// known is named as such.
func Classify(e Evidence) Verdict {
	d := ending{Evidence: e, signal: canonical(e.Signal), crash: readCrash(e.Crash, e.Stderr)}
	if d.Code == goExit && d.signal == "" && !d.crash.panicked() {
		if c := d.crash; c.sent || c.signal == "SIGABRT" || c.signal == "SIGQUIT" {
			d.signal = c.signal
		}
	}
	if n := len(e.Ledger); d.Stranger && !d.Left && !d.crash.panicked() && n > 0 {
		d.signal = canonical(e.Ledger[n-1].Signal) // what else
	}
	d.ours = d.signal != "" && d.sent(d.signal)
	v := d.verdict()
	if e.Stranger && v.Abnormal {
		v.Sentence += "; " + notOurs
	}
	if !e.Ready && v.Abnormal && v.Cause != CauseBoot && v.Cause != CauseLoad && v.Cause != CauseBootTimeout {
		v.Sentence += ", before it was ready"
	}
	v.Sentence = oneLine(v.Sentence, 2*maxSentence)
	v.Evidence = d.facts()
	v.NoStacks = d.noStacks()
	return v
}

func (d ending) verdict() Verdict {
	switch {
	case d.ours:
		return d.byUs()
	case d.selfAborted():
		return Verdict{Cause: CauseTimeout, Abnormal: true, Sentence: d.timeoutSentence() + "; it aborted itself to keep its stacks"}
	case d.crash.seen && (d.Code == goExit || d.signal == "SIGABRT" && d.crash.panicked()):
		return d.crashed()
	case d.Stranger:
		return d.strange()
	case d.signal != "":
		return d.fromOutside(d.signal)
	case d.Code < 0:
		return Verdict{Cause: CauseUnknown, Abnormal: true, Sentence: "how it ended could not be read"}
	case d.Code == handoff.ExitOK:
		return d.left()
	default:
		return d.exited()
	}
}

// sent tells whether we sent this signal.
func (d ending) sent(signal string) bool {
	for _, s := range d.Ledger {
		if canonical(s.Signal) == signal {
			return true
		}
	}
	return false
}

// selfAborted: a worker that was asked to leave because requests are stuck in
// it raises SIGABRT on itself at the end of its drain.
func (d ending) selfAborted() bool {
	return d.signal == "SIGABRT" && !d.crash.panicked() && (d.Reason == fleet.ReasonTimeout || d.Reason == fleet.ReasonOverdue)
}

// byUs: our own signal ended it, so our own reason is the cause.
func (d ending) byUs() Verdict {
	by := "; ended by our " + d.signal
	switch d.Reason {
	case fleet.ReasonSilent, fleet.ReasonTimeout:
		return Verdict{Cause: CauseTimeout, Abnormal: true, Sentence: d.timeoutSentence() + by}
	case fleet.ReasonOverdue:
		return Verdict{Cause: CauseOverdue, Abnormal: true, Sentence: "did not finish its drain in time" + by}
	case fleet.ReasonBoot:
		return Verdict{Cause: CauseBootTimeout, Abnormal: true, Sentence: "was not ready within boot_timeout" + by}
	}
	cause, ok := plans[d.Reason]
	if !ok {
		cause = CauseOperator
	}
	// Nothing is lost with a worker that never served.
	return Verdict{Cause: cause, Abnormal: d.Ready, Sentence: "leaving (" + string(cause) + ")" + by}
}

// silence is how a verdict says that the whole process stood still.
const silence = "the process was silent (no heartbeat)"

// timeoutSentence says which of the two timeouts it was.
func (d ending) timeoutSentence() string {
	switch {
	case d.Reason == fleet.ReasonSilent:
		return "worker timeout: " + silence
	case d.Stuck != "":
		return "worker timeout: stuck in " + d.Stuck
	default:
		return "worker timeout: requests were stuck in it"
	}
}

// plans maps our reasons to leave to causes.
var plans = map[fleet.Reason]Cause{
	fleet.ReasonRequests: CauseRecycle,
	fleet.ReasonMemory:   CauseMemory,
	fleet.ReasonReload:   CauseReload,
	fleet.ReasonRollback: CauseRollback,
	fleet.ReasonScale:    CauseScale,
	fleet.ReasonPark:     CausePark,
	fleet.ReasonStop:     CauseStop,
	fleet.ReasonOperator: CauseOperator,
	fleet.ReasonTerm:     CauseTerm,
}

// crashed: the Go runtime gave up.
func (d ending) crashed() Verdict {
	c := d.crash
	switch {
	case c.panicked():
		return Verdict{Cause: CausePanic, Abnormal: true, Sentence: c.headline + d.while()}
	case c.sent && c.signal != "":
		return d.fromOutside(c.signal)
	case c.signal != "":
		return Verdict{Cause: CauseFatal, Abnormal: true, Sentence: "fatal signal " + c.signal + d.while()}
	case c.headline != "":
		return Verdict{Cause: CausePanic, Abnormal: true, Sentence: c.headline + d.while()}
	default:
		return Verdict{Cause: CausePanic, Abnormal: true, Sentence: "fatal error of the Go runtime, its message is lost" + d.while()}
	}
}

// fromOutside: a signal that is not in our ledger.
func (d ending) fromOutside(signal string) Verdict {
	v := Verdict{Cause: CauseOutside, Abnormal: true, Outside: true}
	switch {
	case signal != "SIGKILL":
		v.Sentence = signal + " from outside, sender unknown"
	case d.OOM.rose():
		v.Cause, v.Outside = CauseOOM, false
		v.Sentence = "killed by the kernel: out of memory"
	case d.OOM.Readable:
		v.Sentence = "SIGKILL from outside, sender unknown; the cgroup counted no out-of-memory kill (one of the whole machine is still possible)"
	default:
		v.Sentence = "SIGKILL from outside, possibly memory"
	}
	v.Sentence += d.while()
	return v
}

// notOurs is why an exit status is missing.
const notOurs = "exit status unknown: not our child"

// strange: nobody told us how it ended, so its own traces have to.
func (d ending) strange() Verdict {
	switch {
	case d.Left:
		return Verdict{Cause: CauseUpgrade, Sentence: "left after an upgrade of its master"}
	case d.crash.seen:
		return d.crashed()
	default:
		return Verdict{Cause: CauseUnknown, Abnormal: true, Sentence: "ended in the middle of its drain"}
	}
}

// left: exit status 0.
func (d ending) left() Verdict {
	switch d.Reason {
	case fleet.ReasonSilent, fleet.ReasonTimeout:
		return Verdict{Cause: CauseTimeout, Abnormal: true, Sentence: d.timeoutSentence() + "; it left gracefully"}
	case fleet.ReasonOverdue:
		return Verdict{Cause: CauseOverdue, Abnormal: true, Sentence: "finished its drain, but too late"}
	case fleet.ReasonBoot:
		return Verdict{Cause: CauseBootTimeout, Abnormal: true, Sentence: "was not ready within boot_timeout; it left by itself"}
	}
	if cause, ok := plans[d.Reason]; ok {
		return Verdict{Cause: cause, Sentence: "left as asked (" + string(cause) + ")"}
	}
	switch {
	case d.sent("SIGTERM"):
		return Verdict{Cause: CauseOperator, Sentence: "left as asked by our SIGTERM"}
	case !d.Ready:
		return Verdict{Cause: CauseBoot, Abnormal: true, Sentence: "exited with status 0 instead of getting ready" + d.words()}
	default:
		return Verdict{
			Cause: CauseExit, Abnormal: true,
			Sentence: "left with exit status 0 although we did not ask (did somebody send it SIGTERM, or does the application call os.Exit?)",
		}
	}
}

// exited: any other exit status.
func (d ending) exited() Verdict {
	switch {
	case !d.Ready && d.Code == handoff.ExitBoot:
		return Verdict{Cause: CauseBoot, Abnormal: true, Sentence: "failed to boot" + d.words()}
	case !d.Ready && d.Code == handoff.ExitLoad:
		return Verdict{Cause: CauseLoad, Abnormal: true, Sentence: "the application failed to load" + d.words()}
	default:
		return Verdict{Cause: CauseExit, Abnormal: true, Sentence: fmt.Sprintf("exit status %d", d.Code) + d.while()}
	}
}

// words are the worker's own about its boot, else its last line of output.
func (d ending) words() string {
	said := strings.TrimSpace(d.BootError)
	if said == "" && len(d.Stderr) > 0 {
		said = strings.TrimSpace(d.Stderr[len(d.Stderr)-1])
	}
	if said == "" {
		return ""
	}
	return ": " + oneLine(said, maxSentence)
}

// while says what the worker was doing for us when something else ended it.
func (d ending) while() string {
	if d.Reason == "" {
		return ""
	}
	return fmt.Sprintf(" (it was leaving: %s)", d.Reason)
}
