// Command gateway measures what the API costs in front of an upstream, and prints
// a markdown block for docs/benchmarks-gateway.md. Run it by scripts/bench-gateway.sh.
//
// It runs the upstream as a process of its own (the same binary with the
// argument "upstream"), the program under test, and the clients in itself. All three share
// the machine, so every figure stands beside the one of a direct call.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
	"github.com/webchasor/webchasor/scripts/measure"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "upstream" {
		os.Exit(runUpstream())
	}
	os.Exit(run())
}

// size is how much is measured.
type size struct {
	rounds, calls  int           // of latency
	streams, every int           // of chunk to wire: so many streams of one chunk each so many ms
	wire           time.Duration // of that
	held           int           // slow streams
	hold           time.Duration // from the last one that began
	load           time.Duration // of throughput
}

func sizes() size {
	if os.Getenv("QUICK") != "" {
		return size{rounds: 2, calls: 200, streams: 10, every: 20, wire: 2 * time.Second, held: 500, hold: 5 * time.Second, load: time.Second}
	}
	return size{rounds: 10, calls: 1000, streams: 50, every: 20, wire: 20 * time.Second, held: 10_000, hold: 60 * time.Second, load: 10 * time.Second}
}

func run() int {
	h := testproc.NewHost("bench-gateway")
	defer h.Close()
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)
	done := make(chan bool, 1)
	go func() { done <- h.Do(func() { benchmarks(h, sizes()) }) }()
	select {
	case whole := <-done:
		if whole {
			return 0
		}
	case <-interrupt:
	}
	return 1
}

func benchmarks(h *testproc.Host, s size) {
	up := startUpstream(h)
	server := testproc.Start(h, testproc.Options{Binary: os.Getenv("WEBCHASOR"), Env: []string{
		"OPENAI_BASE_URL=http://" + up + "/v1", "WEB_WORKERS=4", "MAX_REQUESTS=0", "WORKER_CONNECTIONS=20000",
		"MAX_CONCURRENT_REQUESTS=20000", "LLM_CONCURRENT_LIMIT=20000", "STREAM_TIMEOUT=3600", "WORKER_TIMEOUT=600",
	}})
	via := server.Up()
	fmt.Printf("Machine: %s.\n\nCommand: `scripts/bench-gateway.sh`, 4 workers; upstream and clients on the same machine.\n", measure.Machine())
	for _, pass := range []struct {
		name string
		run  func()
	}{
		{"latency", func() { latency(h, s, up, via) }},
		{"wire", func() { wire(h, s, up, via) }},
		{"throughput", func() { throughput(h, s, up, via) }},
		{"held", func() { held(h, s, via, server) }},
	} {
		if len(os.Args) < 2 || slices.Contains(os.Args, pass.name) {
			pass.run()
		}
	}
	server.Stop(0)
}
