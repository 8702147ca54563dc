// Package logs writes what the program has to say: structured log lines by zap
// and access log lines, each to a [Sink] that several processes may share.
//
// The promise is whole lines. Master and workers append to the same file or
// pipe without a lock between them, so every line has to reach the kernel in
// one write(2), and on a pipe no line may be longer than the kernel moves
// atomically. Entries that are longer are cut and say so.
//
// Access log lines are many and small, so [Access] gathers them for up to
// [FlushInterval] when they come fast; at low rates each is written at once.
// Program log lines are never held back: the last one before a crash is the
// one that matters.
package logs
