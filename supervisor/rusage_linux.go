package supervisor

import "syscall"

// maxRSS is the largest resident set in bytes; Linux counts kilobytes.
func maxRSS(ru *syscall.Rusage) int64 { return ru.Maxrss << 10 }
