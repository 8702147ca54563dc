package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

const unit = "webchasor.service"

// patience bounds every wait; systemd's own times are below it.
const patience = 40 * time.Second

// systemctl runs a command that must succeed.
func (s *stage) systemctl(args ...string) string {
	out, err := exec.Command("systemctl", args...).CombinedOutput()
	if err != nil {
		s.Fatalf("systemctl %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// show is one property of the service.
func (s *stage) show(property string) string {
	return s.systemctl("show", "--value", "-p", property, unit)
}

func (s *stage) number(property string) int {
	n, err := strconv.Atoi(s.show(property))
	if err != nil {
		s.Fatalf("the unit's %s is no number: %v", property, err)
	}
	return n
}

func (s *stage) eventually(what string, cond func() bool) {
	testproc.Eventually(s, patience, 50*time.Millisecond, cond, what)
}

// journal is what the service and systemd said about it, an object a line.
func (s *stage) journal() string {
	out, err := exec.Command("journalctl", "-u", unit, "-o", "json", "--no-pager").Output()
	if err != nil {
		s.Fatalf("journalctl: %v", err)
	}
	return string(out)
}

// signal sends a signal to the main process alone.
func (s *stage) signal(sig syscall.Signal) {
	if err := syscall.Kill(s.number("MainPID"), sig); err != nil {
		s.Fatalf("cannot signal the main process: %v", err)
	}
}

func (s *stage) write(path, text string) {
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.Fatalf("%v", err)
	}
}

func (s *stage) expectOK() { s.expectOKAt("tcp", address) }

func (s *stage) expectOKAt(network, addr string) {
	client := testproc.Client{Network: network, Addr: addr, Fresh: true, Timeout: patience}
	if res := client.Get("/health"); res.Outcome != testproc.OK {
		s.Errorf("GET /health at %s: %v", addr, res)
	}
}

// counted is how many requests the service has answered with 2xx by its own count.
func (s *stage) counted() (total float64) {
	client := testproc.Client{Addr: admin, Fresh: true, Timeout: patience}
	res := client.Get("/metrics")
	if res.Outcome != testproc.OK {
		s.Fatalf("GET /metrics: %v", res)
	}
	for line := range strings.Lines(res.Body) {
		if !strings.HasPrefix(line, "webchasor_requests_total{") || !strings.Contains(line, `class="2xx"`) {
			continue
		}
		_, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			s.Fatalf("cannot read %q: %v", line, err)
		}
		total += n
	}
	return total
}

// underLoad does something while clients watch.
func (s *stage) underLoad(act func()) {
	mix := testproc.StandardMix("tcp", address)
	mix.Path, mix.Pace = "/health", 5*time.Millisecond
	load := testproc.StartMix(s, mix)
	load.WaitRequests(s, 500)
	act()
	load.WaitRequests(s, load.Requests()+500)
	report := load.Stop()
	report.ExpectUnnoticed(s)
	s.saw("%d requests, %d failed, %d reconnects", report.Requests, report.Failed(), report.Reconnects)
}
