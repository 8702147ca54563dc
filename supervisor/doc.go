// Package supervisor is the master process: it owns the listening sockets, the
// scoreboards and the worker processes, and carries out what the pure core in
// supervisor/fleet decides.
//
// One goroutine, the loop in loop.go, owns every field of the master; nothing
// here is guarded by a mutex. Everything that blocks (waiting for a child,
// reading its pipes, loading a configuration, a binary upgrade, writing the log) runs in its own
// goroutine and reports back with a [happening], which the loop applies. Facts go into
// fleet.Step as events; the actions that come back are performed in order.
package supervisor
