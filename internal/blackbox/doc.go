// Package blackbox is a flight recorder for log lines: a ring in memory that
// a worker shares with the master. What a worker wrote to it can be read after
// any kind of death, SIGKILL included, without a system call having been made
// for it and without a log file having to be searched.
package blackbox
