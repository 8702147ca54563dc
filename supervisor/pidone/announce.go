package pidone

import (
	"bytes"
	"fmt"
	"strconv"
	"syscall"
)

// announcements is the pipe on which masters name themselves, one pid a line.
// The reading end is non-blocking, so that PID 1 can look between two reaps.
type announcements struct {
	reader int
	writer uintptr
	rest   []byte // an incomplete line
}

func newAnnouncements() (*announcements, error) {
	var p [2]int
	if err := syscall.Pipe(p[:]); err != nil {
		return nil, fmt.Errorf("cannot create announcement pipe: %w", err)
	}
	for _, fd := range p {
		syscall.CloseOnExec(fd)
	}
	if err := syscall.SetNonblock(p[0], true); err != nil {
		return nil, fmt.Errorf("cannot make announcement pipe non-blocking: %w", err)
	}
	return &announcements{reader: p[0], writer: uintptr(p[1])}, nil
}

// latest returns the newest pid announced since the last call, 0 if none.
func (a *announcements) latest() (pid int) {
	buf := make([]byte, 512)
	for {
		n, err := syscall.Read(a.reader, buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return pid
		}
		a.rest = append(a.rest, buf[:n]...)
		for {
			line, after, ok := bytes.Cut(a.rest, []byte("\n"))
			if !ok {
				break
			}
			if v, err := strconv.Atoi(string(line)); err == nil && v > 0 {
				pid = v
			}
			a.rest = append([]byte(nil), after...)
		}
	}
}
