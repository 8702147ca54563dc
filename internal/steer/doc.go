// Package steer decides which worker slot a new connection goes to, and says
// it to the kernel as a classic BPF program over the slots' SO_REUSEPORT group.
//
// It is pure: the caller samples the scoreboard when [Pacer] says so, lets
// [Estimator] guess what arrives before the next sample, turns the loads into
// [Weights] and these into a [Program], and attaches that when it differs
// from the last. No socket is opened or closed here.
//
// The program draws a random number per connection, so a weight is a
// probability. What is random evens out only as fast as samples correct it;
// the figures are in the simulation tests.
package steer
