package worker

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
)

// clientsEnv makes this test binary the clients of another process: "address n".
const clientsEnv = "WORKER_TEST_CLIENTS"

// A drain of very many idle connections: all arrive at the other worker, and all are answered there.
func TestTenThousandIdle(t *testing.T) {
	limit, err := sys.FileLimit()
	if err != nil {
		t.Fatal(err)
	}
	n := min(10_000, limit-1000) // a connection has two descriptors here only while it moves
	if testing.Short() || raceDetector {
		n = 1000
	}
	wide := func(s *config.Settings) {
		s.WorkerConnections, s.GracefulTimeout, s.StreamTimeout = n+10, time.Minute, time.Minute
	}
	a, b := serveApp(t, newProbe().fast(), wide), serveApp(t, newProbe().fast(), wide)
	clients := exec.Command(os.Args[0], "-test.run=^TestClientsOfAnotherProcess$")
	clients.Env = append(os.Environ(), clientsEnv+"="+a.addr+" "+strconv.Itoa(n))
	clients.Stderr = os.Stderr
	in, err := clients.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := clients.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := clients.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = clients.Wait() }()
	defer func() { _ = clients.Process.Kill() }()
	says := bufio.NewReader(out)
	if line, err := says.ReadString('\n'); line != "connected\n" {
		t.Fatal(line, err)
	}
	eventually(t, "all accepted", func() bool { return a.t.conns.count() == n })
	began := time.Now()
	a.drainTo(handoff.DrainReload, b)
	select {
	case code := <-a.exit:
		a.exit <- code
	case <-time.After(6 * patience):
		t.Fatalf("%d connections are left after %v", a.t.conns.count(), time.Since(began))
	}
	t.Logf("%d connections moved in %v", n, time.Since(began))
	eventually(t, "all arrived", func() bool { return b.t.conns.count() == n })
	if _, err := io.WriteString(in, "go\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := says.ReadString('\n'); line != "answered\n" {
		t.Fatal(line, err)
	}
}

// The clients' process.
func TestClientsOfAnotherProcess(t *testing.T) {
	addr, count, ok := strings.Cut(os.Getenv(clientsEnv), " ")
	if !ok {
		t.Skip("only for TestTenThousandIdle")
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		t.Fatal(err)
	}
	clients := make([]*client, n)
	for i := range clients {
		c, err := net.DialTimeout("tcp", addr, patience)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		clients[i] = &client{Conn: c, tb: t, r: bufio.NewReaderSize(c, 512)}
	}
	fmt.Println("connected")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		c.get("/ok")
	}
	for _, c := range clients {
		if err := c.echoed("ok /ok"); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("answered")
}
