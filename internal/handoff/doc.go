// Package handoff is the contract between the master and one worker process:
// which descriptors the worker inherits, the packet that tells it what it is,
// and the messages both sides exchange afterwards.
//
// The control channel is a SOCK_SEQPACKET pair, so one packet is one message
// and the death of either side is an end of file for the other. That end of
// file is the worker's lifeline: it replaces PR_SET_PDEATHSIG, which follows
// the forking thread instead of the process (go.dev/issue/27505).
package handoff
