// Command bare serves the benchmark's handler by fasthttp alone: WEB_WORKERS
// processes with a SO_REUSEPORT socket each and nobody who looks after them.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/reuseport"

	"github.com/webchasor/webchasor/scripts/bench/target"
)

const childEnv = "BARE_ADDRESS"

func main() {
	run := parent
	if os.Getenv(childEnv) != "" {
		run = child
	}
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "bare: %v\n", err)
		os.Exit(1)
	}
}

// parent reserves a port, starts the processes and waits for SIGTERM.
func parent() error {
	workers, err := strconv.Atoi(os.Getenv("WEB_WORKERS"))
	if err != nil {
		return fmt.Errorf("cannot read WEB_WORKERS: %w", err)
	}
	reserved, err := reuseport.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	addr := reserved.Addr().String()
	var children []*exec.Cmd
	for range workers {
		ready, tell, err := os.Pipe()
		if err != nil {
			return err
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+addr)
		cmd.Stderr, cmd.ExtraFiles = os.Stderr, []*os.File{tell}
		if err := cmd.Start(); err != nil {
			return err
		}
		_ = tell.Close()
		if _, err := ready.Read(make([]byte, 1)); err != nil {
			return fmt.Errorf("a process did not start: %w", err)
		}
		_ = ready.Close()
		children = append(children, cmd)
	}
	// Connections in the reserving socket's queue would wait for ever.
	if err := reserved.Close(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "{\"msg\":\"listening\",\"address\":%q}\n{\"msg\":\"ready\",\"workers\":%d}\n", addr, workers)

	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	<-term
	for _, cmd := range children {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	return nil
}

func child() error {
	listener, err := reuseport.Listen("tcp4", os.Getenv(childEnv))
	if err != nil {
		return err
	}
	if err := tellParent(); err != nil {
		return err
	}
	return serve(listener)
}

func tellParent() error {
	pipe := os.NewFile(3, "ready")
	defer func() { _ = pipe.Close() }()
	_, err := pipe.Write([]byte{1})
	return err
}

func serve(listener net.Listener) error {
	server := fasthttp.Server{
		Handler: target.Handler, NoDefaultServerHeader: true,
		ReadTimeout: target.ReadTimeout, WriteTimeout: target.WriteTimeout, IdleTimeout: target.IdleTimeout,
		MaxRequestBodySize: target.MaxBody,
	}
	return server.Serve(listener)
}
