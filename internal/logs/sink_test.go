package logs

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func open(t *testing.T, path string, std *os.File) *Sink {
	t.Helper()
	s, err := Open(path, std)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	sealed := filepath.Join(dir, "sealed")
	if err := os.Mkdir(sealed, 0o500); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, path, want string
		skipRoot         bool
	}{
		{"no directory", filepath.Join(dir, "no", "x.log"), "create the directory " + filepath.Join(dir, "no") + " first", false},
		{"a directory", dir, "is a directory (name a file in it)", false},
		{"pipe without reader", pipe, "nobody reads", false},
		{"not allowed", filepath.Join(sealed, "x.log"), "permission denied (user id", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.skipRoot && os.Geteuid() == 0 {
				t.Skip("root may write everywhere")
			}
			_, err := Open(test.path, os.Stderr)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.path) {
				t.Errorf("error %v, want one with %q and the path", err, test.want)
			}
		})
	}
}

func TestNewFileMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	open(t, path, os.Stderr)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode&^0o640 != 0 || mode&0o600 != 0o600 {
		t.Errorf("mode %o, want 640 less the umask", mode)
	}
}

// 8 goroutines write while the file is rotated again and again. After each
// Reopen the file that was rotated away has its final size.
func TestReopenUnderWriters(t *testing.T) {
	const perWriter, rotations = 5_000, 20
	path := filepath.Join(t.TempDir(), "x.log")
	s := open(t, path, os.Stderr)
	var group sync.WaitGroup
	for id := range writers {
		group.Go(func() {
			for n := range perWriter {
				if _, err := fmt.Fprintf(s, "%d %d\n", id, n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	sizes := map[string]int64{path: -1}
	for i := range rotations {
		old := fmt.Sprintf("%s.%d", path, i)
		if err := os.Rename(path, old); err != nil {
			t.Fatal(err)
		}
		if err := s.Reopen(); err != nil {
			t.Fatal(err)
		}
		sizes[old] = size(t, old)
	}
	group.Wait()
	seen := map[string]bool{}
	for name, before := range sizes {
		if now := size(t, name); before >= 0 && now != before {
			t.Errorf("%s grew from %d to %d bytes after Reopen had returned", name, before, now)
		}
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			seen[line] = true
		}
	}
	if len(seen) != writers*perWriter {
		t.Errorf("%d different lines, want %d", len(seen), writers*perWriter)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestReopenFailureKeepsTheOldFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "x.log")
	s := open(t, path, os.Stderr)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := s.Reopen(); err == nil || !strings.Contains(err.Error(), "keep the old log file") {
		t.Errorf("Reopen without a directory: %v", err)
	}
	if _, err := s.Write([]byte("still here\n")); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir+".away", "x.log"))
	if err != nil || string(content) != "still here\n" {
		t.Errorf("old file has %q, %v", content, err)
	}
}

func TestStandardStreamStaysTheCallers(t *testing.T) {
	read, write := pipe(t)
	s := open(t, "-", write)
	if err := s.Reopen(); err != nil {
		t.Errorf("Reopen of a standard stream: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := write.WriteString("mine\n"); err != nil {
		t.Errorf("the sink closed its caller's descriptor: %v", err)
	}
	if line, err := bufio.NewReader(read).ReadString('\n'); line != "mine\n" {
		t.Errorf("read %q, %v", line, err)
	}
}

// A descriptor whose O_NONBLOCK another process may change needs raw pipes:
// os.Pipe's are non-blocking from the start.
func pipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	read, write = os.NewFile(uintptr(fds[0]), "read end"), os.NewFile(uintptr(fds[1]), "write end")
	t.Cleanup(func() {
		read.Close()
		write.Close()
	})
	return read, write
}

// packetPair is a socket pair on which each write(2) is a packet of its own.
func packetPair(t *testing.T) (read, write *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	read, write = os.NewFile(uintptr(fds[0]), "packets"), os.NewFile(uintptr(fds[1]), "socket")
	t.Cleanup(func() {
		read.Close()
		write.Close()
	})
	return read, write
}

func setNonblock(t *testing.T, f *os.File) {
	t.Helper()
	conn, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var setErr error
	if err := conn.Control(func(fd uintptr) { setErr = syscall.SetNonblock(int(fd), true) }); err != nil || setErr != nil {
		t.Fatal(err, setErr)
	}
}

func TestFullPipeTurnedNonBlocking(t *testing.T) {
	for _, when := range []string{"before Open", "after Open"} {
		t.Run(when, func(t *testing.T) {
			read, write := pipe(t)
			if when == "before Open" {
				setNonblock(t, write)
			}
			s := open(t, "-", write)
			setNonblock(t, write)
			first := s.destination().file
			filler := fill(t, write)
			const lines = 2_000
			var group sync.WaitGroup
			for id := range 4 {
				group.Go(func() {
					for n := range lines {
						if _, err := fmt.Fprintf(s, "%d %d %s\n", id, n, strings.Repeat("x", 100)); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			if when == "after Open" {
				eventually(t, "the writers meet the full pipe", func() bool { return s.destination().file != first })
			}
			if _, err := io.CopyN(io.Discard, read, filler); err != nil {
				t.Fatal(err)
			}
			go func() {
				group.Wait()
				s.Close()
				write.Close()
			}()
			seen := map[string]bool{}
			in := bufio.NewScanner(read)
			for in.Scan() {
				if len(strings.Fields(in.Text())) != 3 || !strings.HasSuffix(in.Text(), " "+strings.Repeat("x", 100)) {
					t.Fatalf("torn line %q", in.Text())
				}
				seen[in.Text()] = true
			}
			if len(seen) != 4*lines {
				t.Errorf("%d lines arrived, want %d", len(seen), 4*lines)
			}
		})
	}
}

// fill writes to a non-blocking pipe until it takes no more.
func fill(t *testing.T, write *os.File) (total int64) {
	t.Helper()
	conn, err := write.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	chunk := bytes.Repeat([]byte("f"), 1024)
	if err := conn.Control(func(fd uintptr) {
		for {
			n, err := syscall.Write(int(fd), chunk)
			if err != nil {
				return
			}
			total += int64(n)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return total
}

func TestCloseDoesNotWaitForAStuckWriter(t *testing.T) {
	_, write := pipe(t)
	setNonblock(t, write)
	s := open(t, "-", write)
	fill(t, write)
	failed := make(chan error)
	go func() {
		_, err := s.Write([]byte("nobody reads this\n"))
		failed <- err
	}()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("a write to a full pipe succeeded")
	}
}

// Go ends a process that writes to descriptor 1 or 2 when nobody reads it; the
// duplicate that a sink writes to is another descriptor, so the child lives to
// report its error.
func TestLostReaderIsAnErrorNotTheEnd(t *testing.T) {
	read, write := pipe(t)
	read.Close()
	p := start(t, "raw", "-", 0, 1, write)
	if err := p.cmd.Wait(); err == nil || err.Error() != "exit status 1" {
		t.Errorf("child ended with %v, want exit status 1 from its own error", err)
	}
}
