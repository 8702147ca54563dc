// Package control is the contract of the control socket: what the master says
// about itself and its workers, and what may be asked of it, as JSON over HTTP
// on a unix socket. The server (supervisor), the command line and the public
// client (app/control) share these types; docs/control.md describes them.
//
// The paths carry the version. Within a version fields are only added, so a
// reader ignores what it does not know. Durations are seconds, sizes bytes,
// times RFC 3339 with nanoseconds; numbers that are not known are absent.
//
// Values are plain data: whoever is given one owns it.
package control
