package autopsy

import (
	"fmt"
	"strings"
)

// maxSentence bounds what a worker may say in one line, in bytes.
const maxSentence = 500

// facts lists the evidence, so that a reader can check the verdict.
func (d ending) facts() []string {
	var f []string
	add := func(format string, args ...any) { f = append(f, oneLine(fmt.Sprintf(format, args...), maxSentence)) }
	if s := canonical(d.Evidence.Signal); d.Stranger {
		add(notOurs)
	} else if s != "" {
		add("ended by %s", s)
	} else {
		add("exit status %d", d.Code)
	}
	if !d.Ready {
		add("it was never ready")
	}
	if d.Reason != "" {
		add("we wanted it to leave: %s", d.Reason)
	}
	if d.Stuck != "" {
		add("stuck request: %s", d.Stuck)
	}
	for _, s := range d.Ledger {
		add("we sent %s at %s (%s)", canonical(s.Signal), s.When.Format("15:04:05.000"), s.Why)
	}
	if len(d.Ledger) == 0 && d.signal != "" {
		add("we sent it no signal")
	}
	if d.signal == "SIGKILL" && !d.Stranger {
		f = append(f, d.OOM.fact())
	}
	if d.crash.headline != "" {
		add("the runtime said: %s", d.crash.headline)
	}
	if d.crash.signal != "" && d.crash.sent && !d.ours {
		add("%s was sent by kill(2), it is no fault of the program", d.crash.signal)
	}
	if d.Code == goExit && !d.crash.seen {
		add("status %d is what Go's runtime exits with on a panic, but there is no crash text", goExit)
	}
	if d.BootError != "" {
		add("it said: %s", d.BootError)
	}
	return f
}

func (o OOM) fact() string {
	if !o.Readable {
		return "the cgroup's counter of out-of-memory kills could not be read"
	}
	return fmt.Sprintf("out-of-memory kills in its cgroup: %d before, %d after (%s)", o.Before, o.After, o.Source)
}

// noStacks says why the process could not write a traceback.
func (d ending) noStacks() string {
	switch {
	case strings.TrimSpace(d.Crash) != "":
		return ""
	case d.signal == "SIGKILL" && d.OOM.rose() && !d.ours:
		return "none: the kernel's out-of-memory killer leaves no time to write them"
	case d.signal == "SIGKILL" && d.sent("SIGABRT"):
		return "none: it did not answer SIGABRT before SIGKILL (stopped, swapped out, or its runtime hangs)"
	case d.signal == "SIGKILL":
		return "none: SIGKILL leaves no time to write them"
	case d.signal != "":
		return "none: " + d.signal + " ends a process without a traceback"
	case d.Stranger:
		return "none: it wrote none, and how it ended is not known"
	default:
		return "none: it exited by itself, and only a crash writes them"
	}
}
