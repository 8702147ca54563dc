// Package machine finds out what the machine, the container and the user's
// limits offer, and says in words where a configuration asks for more.
//
// It reads files below /proc and /sys only and changes nothing. Where a file
// is missing, as on darwin, the fact is unknown (0) and nothing is said about it.
package machine
