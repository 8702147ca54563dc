package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// BenchmarkScrape is /metrics end to end: 64 workers that hold 3200 requests, an open
// dashboard, and somebody who looks at status ten times a second.
//
//	go test ./cmd/webchasor -run '^$' -bench Scrape -benchtime 100x
func BenchmarkScrape(b *testing.B) {
	const workers, held = 64, 3200
	p := testproc.Start(b, testproc.Options{App: appFastHTTP, Env: []string{
		fmt.Sprintf("WEB_WORKERS=%d", workers), "ADMIN_BIND=0", "WORKER_TIMEOUT=0", "GRACEFUL_TIMEOUT=5", "BOOT_TIMEOUT=60",
	}})
	addr, c := p.Up(), control.New(socketOf(p))
	admin := "http://" + p.WaitLog(0, testproc.Msg("admin address"), "the admin address").Str("address")
	var conns []net.Conn
	for range held {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		conns = append(conns, conn)
		if _, err := io.WriteString(conn, "GET /wait?ms=600000 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			b.Fatal(err)
		}
	}
	testproc.Eventually(b, testproc.Patience, 10*testproc.Every, func() bool {
		s, err := c.Status(b.Context())
		return err == nil && s.Totals.InFlight == held
	}, "all requests are under way")

	ctx, leave := context.WithCancel(b.Context())
	get := func(path string) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+path, nil)
		if err != nil {
			b.Error(err)
			return
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		if err != nil && ctx.Err() == nil {
			b.Error(err)
		}
	}
	go get("/api/stream")
	go func() {
		for again := time.NewTicker(100 * time.Millisecond); ctx.Err() == nil; <-again.C {
			_, _ = c.Status(ctx)
		}
	}()
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		get("/metrics")
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100])/1e6, "p95-ms")
	b.ReportMetric(float64(took[len(took)-1])/1e6, "max-ms")
	leave()
	for _, conn := range conns {
		_ = conn.Close()
	}
	p.Stop(0)
}
