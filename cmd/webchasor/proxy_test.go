package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestBalancedClientsKeepTheirName: a balancer's connection that said once who
// its client is outlives the worker that read it.
func TestBalancedClientsKeepTheirName(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{appFastHTTP, appNetHTTP} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := startWith(t, testproc.Options{App: kind, Env: []string{
				"WEB_WORKERS=2", "PROXY_PROTOCOL=true", "ACCESS_LOG=access.log", "KEEPALIVE=30",
			}})
			addr := p.Up()
			c, err := net.DialTimeout("tcp", addr, testproc.Patience)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(2 * testproc.Patience))
			br := bufio.NewReader(c)
			pids := map[string]bool{}
			ask := func(before string) {
				t.Helper()
				fmt.Fprintf(c, "%sGET /pid HTTP/1.1\r\nHost: x\r\n\r\n", before)
				resp, err := http.ReadResponse(br, nil)
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Fatalf("%v, %v", resp, err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					t.Fatal(err)
				}
				pids[resp.Header.Get(testproc.PIDHeader)] = true
			}
			ask("PROXY TCP4 203.0.113.9 192.0.2.80 1024 443\r\n")
			for range 2 {
				mark := p.Log.Mark()
				p.Signal(syscall.SIGHUP)
				p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload")
				p.WaitWorkers(2) // the last of the old ones may still answer when the new serve
				ask("")
			}
			p.Stop(0)
			text, err := os.ReadFile(p.Path("access.log"))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), "203.0.113.9 "); n != 3 || len(pids) != 3 {
				t.Errorf("%d lines name the client, %d workers answered; want 3 and 3:\n%s", n, len(pids), text)
			}
		})
	}
}
