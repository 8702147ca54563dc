// Command gateway measures what the API costs in front of an upstream, and prints
// a markdown block for docs/benchmarks-gateway.md. Run it by scripts/bench-gateway.sh.
//
// It runs the upstream as a process of its own (the same binary with the
// argument "upstream"), the program under test, and the clients in itself. All three share
// the machine, so every figure stands beside the one of a direct call.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
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
		held, err := strconv.Atoi(os.Getenv("STREAMS"))
		if err != nil {
			held = 500
		}
		return size{rounds: 2, calls: 200, streams: 10, every: 20, wire: 2 * time.Second, held: held, hold: 5 * time.Second, load: time.Second}
	}
	return size{rounds: 10, calls: 1000, streams: 50, every: 20, wire: 20 * time.Second, held: 10_000, hold: 60 * time.Second, load: 10 * time.Second}
}

func run() int {
	h := testproc.NewHost("bench-gateway")
	defer h.Close()
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan bool, 1)
	go func() { done <- h.Do(func() { benchmarks(ctx, h, sizes()) }) }()
	select {
	case whole := <-done:
		if whole {
			return 0
		}
	case <-interrupt:
		// The end of the program under test would look like its fault: nothing that
		// is measured from now on is printed.
		cancel()
		fmt.Fprintln(os.Stderr, "bench-gateway: interrupted; the pass under way is not reported")
	}
	return 1
}

func benchmarks(ctx context.Context, h *testproc.Host, s size) {
	up := startUpstream(h)
	server := testproc.Start(h, testproc.Options{Binary: os.Getenv("WEBCHASOR"), Env: []string{
		"OPENAI_BASE_URL=http://" + up + "/v1", "WEB_WORKERS=4", "MAX_REQUESTS=0", "WORKER_CONNECTIONS=20000",
		"MAX_CONCURRENT_REQUESTS=20000", "LLM_CONCURRENT_LIMIT=20000", "STREAM_TIMEOUT=3600", "WORKER_TIMEOUT=600",
	}})
	via := server.Up()
	fmt.Printf("Machine: %s.\n\nCommand: `scripts/bench-gateway.sh`, 4 workers; upstream and clients on the same machine.\n", measure.Machine())
	for _, pass := range []struct {
		name string
		run  func(out io.Writer)
	}{
		{"latency", func(out io.Writer) { latency(out, h, s, up, via) }},
		{"wire", func(out io.Writer) { wire(out, h, s, up, via) }},
		{"throughput", func(out io.Writer) { throughput(out, h, s, up, via) }},
		{"held", func(out io.Writer) { held(out, h, s, via, server) }},
	} {
		if len(os.Args) >= 2 && !slices.Contains(os.Args, pass.name) {
			continue
		}
		var out strings.Builder
		pass.run(&out)
		if ctx.Err() != nil {
			return
		}
		fmt.Print(out.String())
	}
	server.Stop(0)
}
