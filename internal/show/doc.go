// Package show writes what the control API answers as text for people: one
// screen, aligned, readable in 80 columns and without colours. It is pure: what
// it is given in, what it writes out.
package show
