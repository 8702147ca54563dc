//go:build !linux

package sys

// TooManyInFlight is a condition that only Linux knows.
func TooManyInFlight(error) bool { return false }
