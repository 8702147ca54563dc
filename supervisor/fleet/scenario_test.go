package fleet

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "record the scenarios anew")

// TestScenarios replays testdata/*.txt. Lines that begin with "> " are input;
// the indented lines below each are the recorded actions. Record them anew with
//
//	go test ./supervisor/fleet -run TestScenarios -rewrite
//
// and read the difference. The commands are in the run method below.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 17 {
		t.Fatalf("%d scenarios found (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := newScenario(t).replay(string(want))
			if got == string(want) {
				return
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s differs; got:\n%s", file, got)
		})
	}
}

type scenario struct {
	*rig
	policy Policy
	auto   bool
	out    strings.Builder
}

func newScenario(t *testing.T) *scenario {
	s := &scenario{rig: newRig(t), policy: testPolicy(3)}
	s.react = s.answer
	return s
}

// answer is a well-behaved process, after the command "auto".
func (s *scenario) answer(a Action) {
	fmt.Fprintf(&s.out, "  %8.3f %s\n", s.now.Sub(epoch).Seconds(), say(a))
	if !s.auto {
		return
	}
	switch a := a.(type) {
	case Spawn:
		s.later(30*time.Millisecond, Ready{ID: a.ID})
	case Drain:
		s.later(20*time.Millisecond, Exited{ID: a.ID})
	case Kill:
		s.later(time.Millisecond, Exited{ID: a.ID, Code: -1})
	}
}

func (s *scenario) replay(script string) string {
	s.t.Helper()
	for line := range strings.SplitSeq(strings.TrimRight(script, "\n"), "\n") {
		if strings.HasPrefix(line, "  ") {
			continue // recorded output
		}
		s.out.WriteString(line + "\n")
		if input, ok := strings.CutPrefix(line, "> "); ok {
			if err := s.run(strings.Fields(input)); err != nil {
				s.t.Fatalf("%q: %v", line, err)
			}
		}
	}
	return s.out.String()
}

// run is one command. "wait" lets the rig be the shell; "sleep" suspends the
// master; "auto" makes processes boot in 30 ms and drain in 20 ms during waits.
func (s *scenario) run(words []string) error {
	s.t.Helper()
	cmd, args := words[0], words[1:]
	switch cmd {
	case "policy":
		return s.set(args)
	case "start":
		s.send(Start{Generation: 1, Policy: s.policy})
	case "reload":
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		s.send(Reload{Generation: Generation(n), Policy: s.policy})
	case "scale":
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		s.send(Scale{Delta: n})
	case "park":
		s.send(Park{})
	case "stop":
		s.send(Stop{Quick: len(args) > 0})
	case "hold":
		s.send(Hold{On: true})
	case "release":
		s.send(Hold{})
	case "auto":
		s.auto = true
	case "manual":
		s.auto = false
	case "wait", "sleep":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return err
		}
		if cmd == "sleep" {
			s.now = s.now.Add(d)
		} else {
			s.wait(d)
		}
	case "view":
		s.view()
	case "spawnfail", "exit", "killed", "stuck", "stopped", "oom":
		return s.one(cmd, args)
	default:
		return s.each(cmd, args)
	}
	return nil
}

// one is a command about one worker, with words that follow it.
func (s *scenario) one(cmd string, args []string) error {
	id, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	rest := args[1:]
	switch cmd {
	case "exit": // exit ID CODE words
		code, err := strconv.Atoi(rest[0])
		if err != nil {
			return err
		}
		s.send(Exited{ID: ID(id), Code: code, Detail: strings.Join(rest[1:], " "), Roll: 0.5})
	case "killed": // by our signal
		s.send(Exited{ID: ID(id), Code: -1, Detail: "SIGKILL", Roll: 0.5})
	case "stopped": // by a signal from outside
		s.send(Exited{ID: ID(id), Code: -1, Outside: true, Detail: "SIGKILL from outside", Roll: 0.5})
	case "oom": // by the kernel, proven: the worker's own doing
		s.send(Exited{ID: ID(id), Code: -1, Detail: "killed by the kernel: out of memory", Roll: 0.5})
	case "spawnfail":
		s.send(SpawnFailed{ID: ID(id), Err: strings.Join(rest, " "), Roll: 0.5})
	case "stuck":
		s.send(Stuck{ID: ID(id), Detail: strings.Join(rest, " ")})
	}
	return nil
}

// each is a command about several workers.
func (s *scenario) each(cmd string, args []string) error {
	for _, arg := range args {
		n, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		id := ID(n)
		p := s.procs[id]
		if p == nil {
			return fmt.Errorf("no process %d", id)
		}
		switch cmd {
		case "ready":
			s.send(Ready{ID: id})
		case "recycle":
			s.send(RecycleDue{ID: id, Reason: ReasonRequests})
		case "operator":
			s.send(RecycleDue{ID: id, Reason: ReasonOperator})
		case "silent":
			p.silent = s.now
		case "beats":
			p.silent = time.Time{}
		case "stream":
			p.streams = 1
		case "nostream":
			p.streams = 0
		case "heavy":
			p.memory = 2000
		default:
			return fmt.Errorf("unknown command %q", cmd)
		}
	}
	return nil
}

func (s *scenario) set(args []string) error {
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		d, derr := time.ParseDuration(value)
		n, nerr := strconv.Atoi(value)
		switch key {
		case "workers":
			s.policy.Workers = n
		case "memory":
			s.policy.MaxMemory = int64(n)
		case "boot":
			s.policy.BootTimeout, nerr = d, derr
		case "timeout":
			s.policy.Timeout, nerr = d, derr
		case "interval":
			s.policy.RecycleInterval, nerr = d, derr
		default:
			return fmt.Errorf("unknown key %q", key)
		}
		if nerr != nil {
			return nerr
		}
	}
	return nil
}

func (s *scenario) view() {
	v := s.f.View()
	fmt.Fprintf(&s.out, "  %s gen=%d ready=%d/%d\n", v.Phase, v.Generation, v.Ready, len(v.Slots))
	for _, sl := range v.Slots {
		fmt.Fprintf(&s.out, "  slot %d gen=%d:%s%s", sl.Index, sl.Generation, viewed(" current", sl.Current), viewed(" successor", sl.Successor))
		if sl.Failures > 0 {
			fmt.Fprintf(&s.out, " failures=%d", sl.Failures)
		}
		s.out.WriteString("\n")
	}
	for _, w := range v.Leaving {
		fmt.Fprintf(&s.out, "  leaving:%s %s\n", viewed("", &w), w.Reason)
	}
	for _, p := range v.Replacing {
		fmt.Fprintf(&s.out, "  replacing %d %s active=%t\n", p.ID, p.Reason, p.Active)
	}
}

func viewed(role string, w *WorkerView) string {
	if w == nil {
		return ""
	}
	return fmt.Sprintf("%s %d %s %s gen=%d", role, w.ID, w.State, w.Liveness, w.Generation)
}
