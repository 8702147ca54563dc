// Package identity finds out as whom a worker is to run.
//
// It asks os/user, which in a static binary reads /etc/passwd and /etc/group
// and knows no directory service: there a number and a group serve.
package identity
