// Package transfer moves open connections from one worker to another over a
// private pair of packet sockets, without losing one.
//
// # Protocol
//
// Each message is one packet; all numbers are big endian. The first byte is the
// [Version], the second says which message it is:
//
//	receiver -> sender  'g'  grant: 4 bytes, how many connections more may be sent
//	sender -> receiver  'b'  batch: 2 bytes n, then n records; n descriptors beside it
//	receiver -> sender  't'  taken: 2 bytes, how many of the batch arrived; 4 bytes, how many more may be sent
//
// A record is 8 bytes, since when the connection is idle (CLOCK_MONOTONIC in
// nanoseconds, the same for all processes), a byte of flags, and 16 bytes of address
// and 2 of port that a balancer has named.
//
// # Ownership
//
// SCM_RIGHTS copies: after a batch was sent, both workers could serve its
// connections. The receiver says taken before it serves the first; the sender
// closes its copies only then. At most one batch is under way on a pair, so taken needs
// no number. Every way to fail leaves exactly one owner:
//
//   - The receiver has no descriptors left and the kernel cuts the batch: taken
//     counts the first ones, which came; the rest stay with the sender. So does
//     what a receiver declines that has given credits for more than it has room for.
//   - The receiver dies or hangs before taken: the sender shuts its reading side
//     down, reads what is queued, and the connections are its own unless taken
//     is there. The kernel makes that one decision, see [sys.Channel.CloseRead]:
//     a receiver whose taken is late gets EPIPE and closes its copies.
//   - The sender dies before taken: the same EPIPE; they die with it like all the others it had.
//   - The unprivileged user has too many descriptors under way (ETOOMANYREFS), or the
//     queue is full: the sender waits a little and tries again. In the end it
//     is told [ErrCrowded] of the first, and calls the receiver of the second gone.
package transfer
