// Package strict reads the bytes of HTTP/1 connections as they come in and says
// where they stop being what RFC 9112 allows, so that a server behind it, and
// whatever forwards to it, cannot disagree about where a request ends.
//
// A [Checker] belongs to one connection. It is fed every byte once, in pieces of
// any size, follows heads and bodies through pipelining, and keeps no copy: what
// it must remember between two pieces are a state, counters and a word of at most
// [maxWord] bytes. It does no I/O, allocates nothing and knows no clock.
//
// The first byte that cannot be part of an acceptable request is the verdict. All
// bytes before it are the beginning of an acceptable one, never the whole:
// handing them to a server is harmless.
//
// It is no parser: servers still parse. It only guarantees what they get.
package strict
