// Package certs reads certificates and keys, says what is wrong with them, and
// makes of them what a TLS server needs.
//
// The master reads the files, because only it may have the right to. A worker
// gets a [Material], which is plain data, and never looks at a file.
package certs
