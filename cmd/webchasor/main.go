// Command webchasor serves the WebChasor API: a master that pre-forks workers,
// watches, recycles, reloads and upgrades them.
package main

import (
	"github.com/webchasor/webchasor/app"
	"github.com/webchasor/webchasor/app/api"
)

func main() { app.Main(api.New()) }
