//go:build !linux

package supervisor

import "syscall"

// maxRSS is the largest resident set; darwin counts bytes.
func maxRSS(ru *syscall.Rusage) int64 { return ru.Maxrss }
