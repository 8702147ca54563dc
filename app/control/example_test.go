package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/webchasor/webchasor/app/control"
)

// A deploy: reload, wait for the end, and say what is wrong if it did not work.
func Example() {
	socket, stop := service() // elsewhere it is the setting control_socket
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	c := control.New(socket)
	result, err := c.Reload(ctx, true)
	var refused *control.Error
	switch {
	case errors.Is(err, control.ErrNoMaster):
		fmt.Println("it does not run")
	case errors.As(err, &refused) && refused.Code == control.CodeRefused:
		fmt.Println("nothing was changed:", refused.Message)
	case err != nil:
		fmt.Println(err)
	case result.Outcome == control.OutcomeDone:
		fmt.Println("generation", result.Generation, "serves")
	}

	status, err := c.Status(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	if status.Health.State == control.HealthOK && status.Phase == control.PhaseServing {
		fmt.Printf("%d of %d workers are ready, P95 is %s\n", status.Ready, status.Wanted, status.Totals.P95.Duration())
	}
	// Output:
	// generation 2 serves
	// 4 of 4 workers are ready, P95 is 120ms
}

// service answers as a master does.
func service() (socket string, stop func()) {
	dir, err := os.MkdirTemp("", "control")
	if err != nil {
		panic(err)
	}
	socket = filepath.Join(dir, "control.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	answer := func(pattern string, v any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(v) })
	}
	answer("POST /v1/reload", control.Result{Order: "reload", Outcome: control.OutcomeDone, Generation: 2})
	answer("GET /v1/status", control.Status{
		Health: control.Health{State: control.HealthOK}, Phase: control.PhaseServing, Wanted: 4, Ready: 4,
		Totals: control.Totals{Traffic: control.Traffic{P95: 0.12}},
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	return socket, func() {
		_ = server.Close()
		_ = os.RemoveAll(dir)
	}
}
