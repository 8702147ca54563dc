// Command peers runs this program beside its peers: throughput, what a reload,
// a killed and a stopped worker cost their clients, boot time and memory. It
// prints markdown. Run it by scripts/bench-peers.sh; docs/peers.md says how it measures.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/webchasor/webchasor/internal/testproc"
)

func main() {
	os.Exit(run())
}

// run measures in a goroutine of its own, so that SIGTERM and Ctrl-C leave no server behind.
func run() int {
	o, err := optionsFrom(os.Getenv)
	if err != nil {
		fmt.Fprintf(os.Stderr, "peers: %v\n", err)
		return 1
	}
	peers, err := choose(catalog(o.workers), o.peers)
	if err != nil {
		fmt.Fprintf(os.Stderr, "peers: cannot use PEERS: %v\n", err)
		return 1
	}
	h := testproc.NewHost("peers")
	defer h.Close()
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)
	whole := make(chan bool, 1)
	go func() { whole <- h.Do(func() { comparison(h, o, peers) }) }()
	select {
	case ok := <-whole:
		if ok {
			return 0
		}
	case <-interrupt:
	}
	return 1
}

func comparison(h *testproc.Host, o options, peers []peer) {
	b := &bench{Host: h, options: o, built: build(h)}
	b.peers, b.missing = present(peers)
	b.results = map[string]*result{}
	for _, p := range b.peers {
		b.results[p.name] = &result{}
	}
	for _, m := range []struct {
		name   string
		rounds int
		do     func(peer)
	}{
		{"throughput", o.rounds, b.throughput}, {"reload", 1, b.reloads}, {"kill", 1, b.kills}, {"stop", 1, b.stops}, {"boot", o.rounds, b.boot},
	} {
		if o.measuring(m.name) {
			b.interleave(m.name, m.rounds, m.do)
		}
	}
	b.report(os.Stdout)
}

// present divides the peers by whether their programs are installed.
func present(peers []peer) (here []peer, missing []string) {
	for _, p := range peers {
		found := true
		for _, program := range p.needs {
			if _, err := exec.LookPath(program); err != nil {
				missing, found = append(missing, fmt.Sprintf("%s (%s is not installed)", p.name, program)), false
			}
		}
		if found {
			here = append(here, p)
		}
	}
	return here, missing
}

func build(h *testproc.Host) programs {
	dir := h.TempDir()
	built := programs{ours: filepath.Join(dir, "ours"), bare: filepath.Join(dir, "bare"), prefork: filepath.Join(dir, "prefork")}
	for path, source := range map[string]string{
		built.ours: "./scripts/bench/ours", built.bare: "./scripts/bench/bare", built.prefork: "./scripts/peers/prefork",
	} {
		if out, err := exec.Command("go", "build", "-trimpath", "-o", path, source).CombinedOutput(); err != nil {
			h.Fatalf("go build %s: %v\n%s", source, err, out)
		}
	}
	return built
}
