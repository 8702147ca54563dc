//go:build !linux

package sys

import "os"

// SetComm does nothing: the name cannot be changed here.
func SetComm(string) error { return nil }

// OpenSelfExe returns no descriptor, -1: executing by descriptor is not possible here.
func OpenSelfExe() (fd int, err error) { return -1, nil }

// ExecPath is the path of the program's file, whatever lies there now.
func ExecPath(int) (string, error) { return os.Executable() }
