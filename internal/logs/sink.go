package logs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// Sink is where lines go: a file that can be reopened, or one of the standard
// streams. All methods may be called at the same time; several processes may
// have a Sink on the same file or pipe.
type Sink struct {
	path string // "-" is the standard stream

	mu   sync.RWMutex // held for reading by writers, for writing by Reopen
	swap sync.Mutex   // held by whoever replaces dst; behind mu
	dst  atomic.Pointer[destination]
	last *os.File // the standard stream of a file sink, for the sink's own errors; nil for "-"
}

// Open returns the sink for path, appending to the file and creating it with
// mode 0640 when it does not exist; "-" is stdFD. The sink works on a
// duplicate, so stdFD stays the caller's and may be closed at once. The
// duplicate matters for another reason: Go ends a process whose descriptor 1
// or 2 is a pipe without a reader at its first write (os/signal, SIGPIPE), and
// a service should outlive whoever reads its log.
func Open(path string, stdFD *os.File) (*Sink, error) {
	std, err := duplicate(stdFD)
	if err != nil {
		return nil, fmt.Errorf("cannot use standard stream %s for logging: %w", stdFD.Name(), err)
	}
	if path == "-" {
		return newSink(path, examine(std), nil), nil
	}
	f, err := openFile(path)
	if err != nil {
		return nil, errors.Join(err, std.Close())
	}
	return newSink(path, examine(f), std), nil
}

func newSink(path string, dst destination, last *os.File) *Sink {
	s := &Sink{path: path, last: last}
	s.dst.Store(&dst)
	return s
}

// Given is [Open] for a file that somebody else has opened by [OpenFile], because
// this process may not. It takes the file, also when it fails. Such a sink is
// moved to another file by [Sink.Replace].
func Given(path string, file, stdFD *os.File) (*Sink, error) {
	std, err := duplicate(stdFD)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot use standard stream %s for logging: %w", stdFD.Name(), err), file.Close())
	}
	return newSink(path, examine(file), std), nil
}

// OpenFile opens a log file for [Given] and [Sink.Replace], as [Open] would. The caller owns it.
func OpenFile(path string) (*os.File, error) { return openFile(path) }

// Write writes p, which should be one line or several whole ones, in a single
// write(2). It blocks while a pipe or terminal is full and returns an error
// only when the kernel refuses the bytes.
func (s *Sink) Write(p []byte) (int, error) {
	file, written, err := s.attempt(p)
	for try := 0; s.again(file, err) && try < maxRewraps; try++ {
		var n int
		file, n, err = s.attempt(p[written:])
		written += n
	}
	if err != nil {
		return written, fmt.Errorf("cannot write to log %s: %w", file.Name(), err)
	}
	return written, nil
}

func (s *Sink) attempt(p []byte) (*os.File, int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	file := s.destination().file
	n, err := file.Write(p)
	return file, n, err
}

// again says whether a failed write to file is worth another attempt, and makes
// it so.
func (s *Sink) again(file *os.File, err error) bool {
	switch {
	case errors.Is(err, syscall.EAGAIN):
		s.rewrap(file)
		return true
	case errors.Is(err, os.ErrClosed):
		return s.destination().file != file // another writer's rewrap was faster
	}
	return false
}

// maxRewraps bounds how often one Write follows changes of O_NONBLOCK.
const maxRewraps = 16

// rewrap replaces file by a duplicate that Go's poller knows. O_NONBLOCK
// belongs to the open file description (open(2)), so whoever shares our
// standard streams may set it long after we looked; a write to a full pipe then
// says EAGAIN, and only a descriptor in the poller can wait for room.
// os.NewFile looks at the flag again and registers the duplicate. When that
// fails the caller's next attempt reports why. It does not wait for other writers:
// one of them may be blocked until somebody reads the log.
func (s *Sink) rewrap(file *os.File) {
	s.swap.Lock()
	defer s.swap.Unlock()
	dst := *s.destination()
	if dst.file != file {
		return // another writer did it, or a Reopen
	}
	dup, err := duplicate(file)
	if err != nil {
		return
	}
	dst.file = dup
	s.dst.Store(&dst)
	// Closing only drops our second reference to the same description.
	_ = file.Close()
}

// Sync does nothing: what write(2) took survives this process, and fsync per
// line is not what a log is for. It makes Sink a zapcore.WriteSyncer.
func (s *Sink) Sync() error { return nil }

// Name is the path, or the name of the standard stream.
func (s *Sink) Name() string { return s.destination().file.Name() }

// Terminal reports whether a person is likely to read the sink as it is written.
func (s *Sink) Terminal() bool { return s.destination().terminal }

// ErrorOutput is where a logger reports that the sink itself failed: the
// standard stream beside a file, nothing beside a standard stream.
func (s *Sink) ErrorOutput() io.Writer {
	if s.last == nil {
		return io.Discard
	}
	return s.last
}

// Reopen opens the path anew, so that lines go to a new file after the old one
// was renamed away. Writers that are under way finish in the old file; once
// Reopen has returned nothing is written to it any more. On failure the old
// file stays in use. It does nothing for a standard stream.
func (s *Sink) Reopen() error {
	if s.path == "-" {
		return nil
	}
	f, err := openFile(s.path)
	if err != nil {
		return fmt.Errorf("keep the old log file: %w", err)
	}
	return s.Replace(f)
}

// Replace is [Sink.Reopen] with a file that somebody else has opened. It takes the file.
func (s *Sink) Replace(f *os.File) error {
	fresh := examine(f)
	s.mu.Lock()
	s.swap.Lock()
	old := s.dst.Swap(&fresh)
	s.swap.Unlock()
	s.mu.Unlock()
	if err := old.file.Close(); err != nil {
		return fmt.Errorf("cannot close the old log file %s: %w", s.path, err)
	}
	return nil
}

// Close closes the sink's descriptors; later writes fail. It does not wait for
// writers that are blocked on a full pipe, so that a stuck log reader cannot
// keep the program from ending.
func (s *Sink) Close() error {
	err := s.destination().file.Close()
	if s.last != nil {
		err = errors.Join(err, s.last.Close())
	}
	return err
}

func (s *Sink) destination() *destination { return s.dst.Load() }
