// Package advice turns the live numbers of a service into the advice of the
// tuning guide, in words: what is wrong, by which number, and what to change.
//
// It is pure: [Give] gets a status of the control socket, which says what the machine
// offers. docs/troubleshooting.md says the same for reading by hand.
package advice
