package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// plain is the answer to everything that is not a stream: 1 KB.
var plain = []byte(`{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"` +
	strings.Repeat("word ", 170) + `"},"finish_reason":"stop"}]}`)

// runUpstream serves until its standard input ends.
func runUpstream() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		l.Close()
	}()
	if err := http.Serve(l, http.HandlerFunc(answer)); err != nil && !strings.Contains(err.Error(), "closed") {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// answer sends chunks that say when they were sent.
func answer(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Stream bool `json:"stream"`
		Chunks int  `json:"x_chunks"`
		Every  int  `json:"x_every"` // ms
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method == http.MethodPost && json.Unmarshal(body, &q) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if !q.Stream {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(plain)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(time.Duration(q.Every) * time.Millisecond)
	defer tick.Stop()
	out := http.NewResponseController(w)
	for n := range q.Chunks {
		text := `data: {"sent":` + strconv.FormatInt(time.Now().UnixNano(), 10) + `,"n":` + strconv.Itoa(n) + "}\n\n"
		if _, err := io.WriteString(w, text); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

// startUpstream returns the address of an upstream in a process of its own.
func startUpstream(h *testproc.Host) string {
	self, err := os.Executable()
	if err != nil {
		h.Fatalf("%v", err)
	}
	cmd := exec.Command(self, "upstream")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		h.Fatalf("%v", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.Fatalf("%v", err)
	}
	if err := cmd.Start(); err != nil {
		h.Fatalf("%v", err)
	}
	h.Cleanup(func() {
		in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		h.Fatalf("the upstream does not start: %v", err)
	}
	return strings.TrimSpace(line)
}
