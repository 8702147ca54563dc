// Command ours serves the benchmark's handler by this module.
package main

import (
	"github.com/webchasor/webchasor/app"
	"github.com/webchasor/webchasor/scripts/bench/target"
)

func main() { app.Main(app.FastHTTP(target.Handler)) }
