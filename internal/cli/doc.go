// Package cli is the command line of every program built with webchasor:
// serve, check, config print and version.
//
// It derives all flags from [config.Table], never exits the process and never
// keeps state between two calls of [Run].
package cli
