// Package fleet decides everything a pre-fork master decides, and does nothing.
//
// A [Fleet] takes one [Event] at a time and returns the [Action] list the
// caller has to carry out, in order. It reads no clock, draws no randomness,
// starts no goroutine and does no I/O: the same events at the same times give
// the same actions, so a whole outage can be replayed from its event log.
//
// The caller (one event loop, see package supervisor) has these duties:
//
//  1. Call [Fleet.Step] from one goroutine only. Send [Start] first.
//  2. After every Step, ask [Fleet.Wake] and send [Tick] when that moment has come.
//  3. While workers live, send [Sampled] at least every 250 ms, and every Step
//     with a monotonic now. A Step more than a second late is taken as "the
//     master itself was suspended", and nobody is killed for the lost time.
//  4. Every [Spawn] is answered by exactly one [SpawnFailed] or, in the end,
//     exactly one [Exited], which is sent only when the process is reaped.
//  5. Give SpawnFailed and Exited a fresh random Roll; it is the only chance in here.
//  6. After [Exit] there is nothing left to decide: leave with its code.
//
// # Words
//
// A slot is a place for one serving worker. Its current worker serves; its
// successor boots. A successor that gets ready becomes the current one and the
// old one drains outside the slot until it is gone. So every planned
// replacement is replacement-first, and the ready ones never get fewer for a plan.
//
// A generation is one configuration. Workers are judged by the limits of the
// generation that they were started with, because those are the ones they know.
package fleet
