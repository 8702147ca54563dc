// Command prefork serves the benchmark's handler by fasthttp's own prefork:
// as many children as GOMAXPROCS says, on one inherited listener, its default.
package main

import (
	"fmt"
	"os"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/prefork"

	"github.com/webchasor/webchasor/scripts/bench/target"
)

// manyDeaths keeps the master alive: its default gives up after GOMAXPROCS/2
// dead children in its whole life.
const manyDeaths = 1_000_000

func main() {
	server := &fasthttp.Server{
		Handler: target.Handler, NoDefaultServerHeader: true,
		ReadTimeout: target.ReadTimeout, WriteTimeout: target.WriteTimeout, IdleTimeout: target.IdleTimeout,
		MaxRequestBodySize: target.MaxBody,
	}
	p := prefork.New(server)
	p.RecoverThreshold = manyDeaths
	if err := p.ListenAndServe("127.0.0.1:" + os.Getenv("PEER_PORT")); err != nil {
		fmt.Fprintf(os.Stderr, "prefork: %v\n", err)
		os.Exit(1)
	}
}
