// Package target is what both sides of the comparison serve.
package target

import (
	"os"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/testproc"
)

// Limits of the comparator, equal to the defaults of the program's settings
// timeout, write_timeout and keepalive, and to fasthttp's own body limit.
const (
	ReadTimeout  = 120 * time.Second
	WriteTimeout = 30 * time.Second
	IdleTimeout  = 5 * time.Second
	MaxBody      = fasthttp.DefaultMaxRequestBodySize
)

var (
	contentType = []byte("application/json")
	body        = []byte(`{"status":"ok","worker":0,"generation":1,"uptime_seconds":12.345}` + "\n")
	process     = strconv.Itoa(os.Getpid())
)

// Handler answers every request with a body as small as /health's; to all but
// / it also names the process, so that a client knows whose connection it has.
func Handler(ctx *fasthttp.RequestCtx) {
	if len(ctx.Path()) > 1 {
		ctx.Response.Header.Set(testproc.PIDHeader, process)
	}
	ctx.Response.Header.SetContentTypeBytes(contentType)
	ctx.Response.SetBodyRaw(body)
}
