package autopsy

import (
	"fmt"
	"strings"
)

// Remedy is what to do about it, for somebody who was just woken up. "" where
// nothing needs to be done.
func (r Record) Remedy() string {
	if r.squeezed() {
		return r.remedy() + " The CPU quota of the cgroup was used up meanwhile: give it more CPU or run fewer workers."
	}
	return r.remedy()
}

func (r Record) remedy() string {
	switch r.Verdict.Cause {
	case CausePanic:
		return "A panic outside of the handler's own goroutine ends the process. Mend the code named above; a goroutine that a handler starts must recover by itself."
	case CauseFatal:
		return "The program touched memory that is not its own: look at unsafe code, cgo and mappings in the code named above."
	case CauseOOM:
		return "The memory of the cgroup ran out. Run fewer workers (WEB_WORKERS), give it more memory, or set MAX_MEMORY so that a worker is replaced before that."
	case CauseExit:
		return "The application ended its own process (os.Exit, log.Fatal, a library?). Nothing that serves requests should; see its last output below."
	case CauseTimeout:
		if r.silentDeath() {
			return "The whole process stood still. A loop that never yields, a stopped process or a starved CPU does that; see the stack that was running."
		}
		return "The handler does not end after its time-out. Give the call it waits for a deadline and end it with the request's context, or raise WORKER_TIMEOUT."
	case CauseOverdue:
		return "It did not finish its last requests in time. Make the handler end with the request's context, or raise GRACEFUL_TIMEOUT (STREAM_TIMEOUT for streams)."
	case CauseBootTimeout:
		return "The application was not set up in time: see what its setup waits for, or raise BOOT_TIMEOUT."
	case CauseBoot, CauseLoad:
		return "The worker never served. Its own words above say why; new workers will fail in the same way until that is mended."
	case CauseOutside:
		return "Somebody or something killed it. Ask the kernel (dmesg, journalctl -k), the container runtime and whoever has a shell; `auditctl -a always,exit -S kill,tgkill,pidfd_send_signal` names the sender next time."
	default:
		return ""
	}
}

// silentDeath tells a silent process from one with stuck requests.
func (r Record) silentDeath() bool { return strings.Contains(r.Verdict.Sentence, silence) }

// squeezed: a time-out while the CPU quota held the worker back for a good part of its last minute.
func (r Record) squeezed() bool {
	const share = 0.05
	late := r.Verdict.Cause == CauseTimeout || r.Verdict.Cause == CauseOverdue || r.Verdict.Cause == CauseBootTimeout
	return late && r.Uptime > 0 && r.Pressure.ThrottledInLifeFor.Seconds() > share*r.Uptime.Seconds()
}

// Summary is the death in a few lines: what died of what, who is to blame, and what to do.
func (r Record) Summary() []string {
	s := []string{"Worker died: " + r.Verdict.Sentence}
	if q, ok := r.Culprit(); ok {
		s = append(s, "Culprit: "+q.describe())
	} else if n := len(r.InFlight); n > 0 {
		s = append(s, fmt.Sprintf("Culprit: one of %s in flight, see below", plural(n, "request")))
	}
	if p, ok := r.Where(); ok {
		line := "Where: " + p.String()
		if p.Count > 1 {
			line += fmt.Sprintf(" (%d goroutines are there)", p.Count)
		}
		s = append(s, line)
	}
	for _, seen := range r.Seen {
		s = append(s, "Again: "+seen)
	}
	if todo := r.Remedy(); todo != "" {
		s = append(s, "To do: "+todo)
	}
	return s
}
