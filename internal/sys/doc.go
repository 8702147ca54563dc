// Package sys is the only place that talks to the kernel directly: it alone
// imports golang.org/x/sys/unix.
//
// Descriptors are plain ints wherever the master has to hold them without
// handing them to Go's poller. Every descriptor made here is close-on-exec;
// the caller owns it and ends it with [CloseFD] unless said otherwise.
//
// Linux is the product. Elsewhere the package offers the portable half and
// answers [errors.ErrUnsupported] for the rest, so that a laptop still runs
// the plain shared listener.
package sys
