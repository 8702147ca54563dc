// Package permits counts who holds what of a limit, in memory that all workers
// of a service share, so that a limit can hold for the whole host.
//
// The master makes the [Board] and gives each worker process a row. A worker
// takes and returns permits through its [Place] with a few atomic operations:
// no lock that a killed or stopped process could keep, no message to anybody.
//
// # Exact through any death
//
// A semaphore's count and the holdings of the rows are different words, and a
// process may be killed between the writing of two. So the count's word also
// says which row the latest change was for, and whoever comes next writes it
// into that row first, if that has not been done ([semaphore]). At every instant count
// and holdings agree, but for that one change everybody can see. When a
// process is dead, [Board.Free] returns what its row holds.
//
// # Who is next
//
// Each process queues its own waiting requests and tells in its row the ticket
// of the oldest. Whoever returns permits rings for the row with the oldest one;
// that process serves its queue and passes on what is left. A request takes
// nothing past an older one that waits for the same, unless the
// process of that one has not answered its bell for [answerWithin]: a stopped
// process must not hold up the others. A lost ring, as of a process killed between
// two instructions, costs [Look] at the most: those who wait look for themselves.
package permits
