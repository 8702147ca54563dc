package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	token   = "the-token-of-the-test"
	workers = 3
)

// service is the program under test: its gateway answers by itself, slowly.
type service struct {
	command *exec.Cmd
	address string // of the service
	admin   string
	dir     string
	calls   sync.WaitGroup // requests under way
	stop    context.CancelFunc
}

func start(ctx context.Context, program string) (*service, error) {
	dir, err := os.MkdirTemp("", "webchasor-dashboard-")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	s := &service{dir: dir, stop: stop}
	s.command = exec.CommandContext(ctx, program, "serve")
	s.command.Cancel = func() error { return s.command.Process.Signal(syscall.SIGTERM) }
	s.command.WaitDelay = 20 * time.Second
	s.command.Dir = dir
	s.command.Env = append(os.Environ(), "BIND=127.0.0.1:0", "ADMIN_BIND=127.0.0.1:0", "ADMIN_TOKEN="+token, "WEB_WORKERS="+fmt.Sprint(workers),
		"MAX_REQUESTS=0", "LOG_FORMAT=json", "STATE_DIRECTORY="+dir+"/state",
		"ECHO_ENABLED=true", "ECHO_TOKENS=60", "ECHO_TOKEN_DELAY=50ms")
	log, err := s.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", program, err)
	}
	addresses := make(chan [2]string, 1)
	go read(log, addresses)
	select {
	case a, ok := <-addresses:
		if !ok {
			return nil, errors.Join(fmt.Errorf("%s ended before it was ready", program), s.close())
		}
		s.address, s.admin = "http://"+a[0], "http://"+a[1]
		return s, nil
	case <-time.After(30 * time.Second):
		return nil, errors.Join(fmt.Errorf("%s was not ready in 30 s", program), s.close())
	}
}

// read takes the addresses from the log, and the rest too, or the program would block on it.
func read(log io.Reader, addresses chan<- [2]string) {
	defer close(addresses)
	var a [2]string
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct{ Msg, Address, Role string }
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue
		}
		switch line.Msg {
		case "listening":
			a[0] = line.Address
		case "admin address":
			a[1] = line.Address
		case "ready":
			select {
			case addresses <- a:
			default:
			}
		}
	}
}

// load keeps streams under way and quick requests coming until the service is closed.
func (s *service) load(ctx context.Context, streams int) {
	for range streams {
		s.calls.Go(func() {
			for ctx.Err() == nil {
				s.ask(ctx, http.MethodPost, "/v1/chat/completions", `{"model":"echo","stream":true,"messages":[{"role":"user","content":"a long story"}]}`)
			}
		})
	}
	s.calls.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			s.ask(ctx, http.MethodGet, "/health", "")
			<-tick.C
		}
	})
}

func (s *service) ask(ctx context.Context, method, path, body string) {
	request, err := http.NewRequestWithContext(ctx, method, s.address+path, strings.NewReader(body))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return // of a worker that was killed: the scenes do that
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
}

type status struct {
	Generation int `json:"generation"`
	Wanted     int `json:"workers_wanted"`
	Workers    []struct {
		Slot, Pid int
		State     string
	} `json:"workers"`
}

func (s *service) status() (status, error) {
	var out status
	answer, err := http.Get(s.admin + "/api/v1/status")
	if err != nil {
		return out, err
	}
	defer answer.Body.Close()
	return out, json.NewDecoder(answer.Body).Decode(&out)
}

// pid is of the worker that serves a slot.
func (s *service) pid(slot int) (int, error) {
	now, err := s.status()
	if err != nil {
		return 0, err
	}
	for _, w := range now.Workers {
		if w.Slot == slot && w.State == "ready" {
			return w.Pid, nil
		}
	}
	return 0, fmt.Errorf("slot %d has no ready worker", slot)
}

// close stops the service and deletes what it wrote.
func (s *service) close() error {
	s.stop()
	_ = s.command.Wait() // it may exit as it likes; what it did is checked already
	return os.RemoveAll(s.dir)
}
