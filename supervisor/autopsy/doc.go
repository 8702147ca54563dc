// Package autopsy answers the question of three in the morning: why did that
// worker die, what was it doing, and who is to blame?
//
// [Classify] turns the facts of a death into a [Verdict]. [Group] folds a Go
// traceback of thousands of goroutines into a handful of distinct stacks. A
// [Record] is both of them with the requests that were in flight, and a
// [Store] keeps the newest records as files. Everything but the Store is pure:
// no clock, no I/O, safe for any goroutine.
package autopsy
