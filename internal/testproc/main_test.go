package testproc

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/handoff"
)

func TestMain(m *testing.M) {
	if app, set := os.LookupEnv(AppEnv); set {
		os.Exit(program(app))
	}
	os.Exit(run(m))
}

// run keeps the evidence of failures that are made on purpose out of the place
// for real ones.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "testproc-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Setenv(EvidenceEnv, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// program is a stand-in for the program under test: a master that serves by
// itself and has workers that only wait.
func program(app string) int {
	if os.Getenv(handoff.RoleEnv) == handoff.RoleWorker {
		select {}
	}
	kind, arg, _ := strings.Cut(app, ":")
	switch kind {
	case "exit":
		code, _ := strconv.Atoi(arg)
		fmt.Fprintln(os.Stderr, "giving up")
		return code
	case "verbose": // at its end the pipe is nearly full
		fmt.Fprint(os.Stderr, strings.Repeat("x\n", 30_000)+"giving up\n")
		return 0
	case "server", "careless", "daemon":
	default:
		return 99
	}
	if kind == "daemon" { // its child outlives it and loses its parent
		return spawn("server")
	}
	listener, err := net.Listen("tcp", os.Getenv("BIND"))
	if err != nil {
		return 1
	}
	fmt.Fprintf(os.Stderr, `{"level":"info","msg":"listening","address":%q}`+"\n", listener.Addr().String())
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	workers, err := startWorkers(2)
	if err != nil {
		return 1
	}
	fmt.Fprintln(os.Stderr, `{"level":"info","msg":"ready","workers":2}`)
	go func() { _ = http.Serve(listener, routes()) }()
	<-term
	if kind == "careless" {
		return 0
	}
	for _, worker := range workers {
		_ = worker.Process.Kill()
		_ = worker.Wait()
	}
	return 0
}

func spawn(app string) int {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), AppEnv+"="+app)
	child.Stderr = os.Stderr
	if child.Start() != nil {
		return 1
	}
	return 0
}

func startWorkers(n int) ([]*exec.Cmd, error) {
	var workers []*exec.Cmd
	for slot := range n {
		worker := exec.Command(os.Args[0])
		worker.Env = append(os.Environ(), handoff.RoleEnv+"="+handoff.RoleWorker)
		worker.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := worker.Start(); err != nil {
			return nil, err
		}
		workers = append(workers, worker)
		fmt.Fprintf(os.Stderr, `{"level":"info","msg":"worker ready","worker_pid":%d,"worker_slot":%d,"worker_generation":1}`+"\n", worker.Process.Pid, slot)
	}
	return workers, nil
}

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/pid", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(PIDHeader, strconv.Itoa(os.Getpid()))
		fmt.Fprint(w, os.Getpid())
	})
	return mux
}
