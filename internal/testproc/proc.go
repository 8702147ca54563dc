package testproc

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Proc is one process as /proc shows it (proc_pid_stat(5)).
type Proc struct {
	PID, Parent, Group, Session int
	State                       byte // 'Z' is a zombie, 'T' stopped
	Comm                        string
	Threads                     int
	CPU                         time.Duration // user and system
}

// clockTick is USER_HZ, which Linux fixes at 100 on every architecture Go runs on.
const clockTick = time.Second / 100

// ReadProc reads /proc/pid/stat.
func ReadProc(pid int) (Proc, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Proc{}, err
	}
	return parseStat(string(raw))
}

// parseStat reads the line from behind: the command may hold spaces and ")".
func parseStat(line string) (Proc, error) {
	left, right := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if left < 0 || right < left {
		return Proc{}, fmt.Errorf("cannot parse %q: no command", line)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line[:left]))
	if err != nil {
		return Proc{}, fmt.Errorf("cannot parse %q: %w", line, err)
	}
	rest := strings.Fields(line[right+1:])
	if len(rest) < 18 {
		return Proc{}, fmt.Errorf("cannot parse %q: %d fields after the command", line, len(rest))
	}
	num := func(i int) int { n, _ := strconv.Atoi(rest[i]); return n }
	return Proc{
		PID: pid, Comm: line[left+1 : right], State: rest[0][0],
		Parent: num(1), Group: num(2), Session: num(3),
		CPU:     time.Duration(num(11)+num(12)) * clockTick,
		Threads: num(17),
	}, nil
}

// stands says whether every thread of a process is stopped.
func stands(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		return false
	}
	return !slices.ContainsFunc(threads, func(name string) bool {
		raw, err := os.ReadFile(name)
		if err != nil {
			return true
		}
		thread, err := parseStat(string(raw))
		return err != nil || thread.State != 'T'
	})
}

// session lists the processes of a session, zombies included, by pid.
func session(id int) []Proc {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []Proc
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if p, err := ReadProc(pid); err == nil && p.Session == id {
			found = append(found, p)
		}
	}
	return found
}

// Descriptors maps a process's open descriptors to what they are, e.g. "socket:[123]".
func Descriptors(pid int) (map[int]string, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	fds := make(map[int]string, len(entries))
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if target, err := os.Readlink(dir + "/" + entry.Name()); err == nil {
			fds[fd] = target
		}
	}
	return fds, nil
}

// Environ reads a variable of a process's initial environment.
func Environ(pid int, key string) (string, bool) { return lookup(environOf(pid), key) }

// environOf is the whole initial environment, empty if it cannot be read.
func environOf(pid int) []string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return nil
	}
	return strings.Split(string(raw), "\x00")
}

func lookup(environ []string, key string) (string, bool) {
	for _, pair := range environ {
		if value, ok := strings.CutPrefix(pair, key+"="); ok {
			return value, true
		}
	}
	return "", false
}
