// Package house holds the rules of this source tree that a compiler does not
// check, as tests: who may import whom, where the program may end, what every
// package says about itself. It reads the source only, so it is quick, needs
// nothing but Go, and covers the files of all platforms at once.
package house
