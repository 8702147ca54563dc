package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"syscall"

	"github.com/webchasor/webchasor/internal/testproc"
)

// common settings leave the address to the service manager.
const common = `server:
  workers: 4
  log_format: json
  max_requests: 0
  watch: false
`

const settings = common + `  bind: [":8000", "unix:` + unixPath + `?mode=0660"]
admin:
  bind: ` + admin + "\n"

func start(s *stage) {
	s.write(configFile, settings)
	s.systemctl("daemon-reload")
	s.systemctl("start", unit)
	s.expectOK()
	if got := s.show("StatusText"); !strings.HasPrefix(got, "4 of 4 workers ready") {
		s.Errorf("status text: %q", got)
	}
	s.saw("%s", s.show("StatusText"))
}

func security(s *stage) {
	out, err := exec.Command("systemd-analyze", "security", "--no-pager", unit).Output()
	if err != nil {
		s.Fatalf("systemd-analyze: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	verdict := lines[len(lines)-1]
	if !strings.Contains(verdict, " OK ") {
		s.Errorf("the rating is not OK:\n%s", out)
	}
	s.saw("%s", strings.TrimSpace(strings.TrimLeft(verdict, "→ ")))
}

func reload(s *stage) {
	before := s.number("MainPID")
	s.underLoad(func() {
		for _, generation := range []string{"generation 2", "generation 3", "generation 4"} {
			s.systemctl("reload", unit)
			s.eventually(generation, func() bool {
				return s.show("ActiveState") == "active" && strings.Contains(s.show("StatusText"), generation)
			})
		}
	})
	if after := s.number("MainPID"); after != before {
		s.Errorf("the master is another one: %d, %d", before, after)
	}
}

func rejectedReload(s *stage) {
	s.write(configFile, "server: [")
	defer s.write(configFile, settings)
	if out, err := exec.Command("systemctl", "reload", unit).CombinedOutput(); err == nil {
		s.Errorf("systemctl reload calls it a success: %s", out)
	}
	s.eventually("active again", func() bool { return s.show("ActiveState") == "active" })
	s.expectOK()
}

func upgrade(s *stage) {
	before := s.number("MainPID")
	s.underLoad(func() {
		s.signal(syscall.SIGUSR2)
		s.eventually("another main process", func() bool {
			pid := s.number("MainPID")
			return pid != before && pid != 0 && s.show("ActiveState") == "active"
		})
	})
	if n := s.number("NRestarts"); n != 0 {
		s.Errorf("systemd restarted it %d times", n)
	}
	s.saw("main process %d, then %d", before, s.number("MainPID"))
	s.eventually("a status of the new master", func() bool { return strings.Contains(s.show("StatusText"), "4 of 4") })
}

// killedMaster: who connects while no master lives waits in a socket that systemd keeps, and
// the next master counts on.
func killedMaster(s *stage) {
	const kept = 4 + 1 + 1 // a socket per slot, the unix socket, the counters
	s.eventually("sockets and counters are stored", func() bool { return s.number("NFileDescriptorStore") == kept })
	restarts, counted := s.number("NRestarts"), s.counted()
	s.signal(syscall.SIGKILL)
	s.expectOK()
	s.expectOKAt("unix", unixPath)
	s.eventually("a restart", func() bool { return s.number("NRestarts") == restarts+1 && s.show("ActiveState") == "active" })
	s.expectOK()
	after := 0.0
	s.eventually("those three are counted too", func() bool { after = s.counted(); return after >= counted+3 })
	if n := s.number("NFileDescriptorStore"); n != kept {
		s.Errorf("%d descriptors are stored, want %d", n, kept)
	}
	s.saw("%d descriptors stored, %.0f requests counted before, %.0f after", kept, counted, after)
}

func watchdog(s *stage) {
	restarts := s.number("NRestarts")
	s.signal(syscall.SIGSTOP)
	s.expectOK() // the workers serve on without it
	s.eventually("a restart by the watchdog", func() bool {
		return s.number("NRestarts") == restarts+1 && s.show("ActiveState") == "active"
	})
	s.expectOK()
}

func stopWithStream(s *stage) {
	client := testproc.Client{Addr: address, Timeout: patience}
	body := `{"model":"echo","stream":true,"messages":[{"role":"user","content":"hello"}]}`
	// 60 tokens of 0.1 s outlast TimeoutStopSec=3 of the drop-in.
	events := client.Stream(s, "POST", "/v1/chat/completions?tokens=60&token_delay=100ms", body)
	if _, err := events.Next(); err != nil {
		s.Fatalf("the stream did not begin: %v", err)
	}
	s.systemctl("stop", unit)
	last := ""
	for {
		data, err := events.Next()
		if err != nil {
			break
		}
		last = data
	}
	if last != "[DONE]" {
		s.Errorf("the stream ended with %q", last)
	}
	if got := s.show("Result"); got != "success" {
		s.Errorf("the stop's result is %s", got)
	}
}

func activation(s *stage) {
	s.write(configFile, common)
	s.systemctl("start", "webchasor.socket")
	if got := s.show("ActiveState"); got != "inactive" {
		s.Errorf("the service is %s before the first connection", got)
	}
	s.expectOK()
	s.eventually("it runs", func() bool { return s.show("ActiveState") == "active" })
	s.systemctl("stop", "webchasor.socket", unit)
}

// journal: every line of the service's own stream is a whole one. What
// ExecReload= prints is another stream, for people; a process that has ended
// before journald looked has no command line to tell it by.
func journal(s *stage) {
	type line struct {
		Message   string `json:"MESSAGE"`
		Transport string `json:"_TRANSPORT"`
		Stream    string `json:"_STREAM_ID"`
	}
	streams := map[string][]string{}
	for entry := range strings.SplitSeq(strings.TrimSpace(s.journal()), "\n") {
		var e line
		if err := json.Unmarshal([]byte(entry), &e); err != nil {
			s.Fatalf("journalctl printed %q: %v", entry, err)
		}
		if e.Transport == "stdout" { // others are systemd's own words
			streams[e.Stream] = append(streams[e.Stream], e.Message)
		}
	}
	lines := 0
	for _, messages := range streams {
		if !strings.Contains(strings.Join(messages, "\n"), `"role":"master"`) {
			continue
		}
		for _, message := range messages {
			lines++
			if !json.Valid([]byte(message)) {
				s.Errorf("not a whole line: %q", message)
			}
		}
	}
	if lines < 50 {
		s.Errorf("only %d lines", lines)
	}
	s.saw("%d lines", lines)
}
