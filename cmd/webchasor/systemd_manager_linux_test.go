package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// serviceManager stands where systemd does: it reads the messages, knows who sent them,
// and keeps what it is given.
type serviceManager struct {
	t    *testing.T
	conn *net.UnixConn

	mu       sync.Mutex
	messages []managerMessage
	kept     map[string]*os.File
}

type managerMessage struct {
	pid  int
	text string
}

func startServiceManager(t *testing.T) (*serviceManager, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	m := &serviceManager{t: t, conn: conn, kept: map[string]*os.File{}}
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1)
	}); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m.receive() {
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
		for _, f := range m.kept {
			f.Close()
		}
	})
	return m, "NOTIFY_SOCKET=" + path
}

func (m *serviceManager) receive() bool {
	text, rights := make([]byte, 4096), make([]byte, 4096)
	n, on, _, _, err := m.conn.ReadMsgUnix(text, rights)
	if err != nil {
		return false
	}
	controls, _ := syscall.ParseSocketControlMessage(rights[:on])
	message := managerMessage{text: string(text[:n])}
	var fds []int
	for _, c := range controls {
		if who, err := syscall.ParseUnixCredentials(&c); err == nil {
			message.pid = int(who.Pid)
		}
		if got, err := syscall.ParseUnixRights(&c); err == nil {
			fds = append(fds, got...)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages = append(m.messages, message)
	for _, fd := range fds {
		f := os.NewFile(uintptr(fd), message.text)
		name, stored := strings.CutPrefix(message.text, "FDSTORE=1\nFDNAME=")
		if !stored {
			f.Close()
			continue
		}
		if m.kept[name] != nil { // systemd would keep both and pass both
			m.t.Errorf("%s is stored twice", name)
			m.kept[name].Close()
		}
		m.kept[name] = f
	}
	if name, ok := strings.CutPrefix(message.text, "FDSTOREREMOVE=1\nFDNAME="); ok {
		m.kept[name].Close() // a nil File says so and does nothing
		delete(m.kept, name)
	}
	return true
}

// restart starts the program with all that is kept. The manager goes on keeping it, as systemd does.
func (m *serviceManager) restart(env ...string) *testproc.Process {
	m.t.Helper()
	var names []string
	var files []*os.File
	m.each(func(name string, fd uintptr) {
		syscall.ForkLock.RLock()
		twin, err := syscall.Dup(int(fd))
		syscall.CloseOnExec(twin)
		syscall.ForkLock.RUnlock()
		if err != nil {
			m.t.Error(err)
			return
		}
		names, files = append(names, name), append(files, os.NewFile(uintptr(twin), name))
	})
	p := activated(m.t, strings.Join(names, ":"), files, env...)
	for _, f := range files {
		f.Close()
	}
	return p
}

// each looks at what is kept. Fd would make a socket a blocking one, for its workers too.
func (m *serviceManager) each(look func(name string, fd uintptr)) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, f := range m.kept {
		raw, err := f.SyscallConn()
		if err == nil {
			err = raw.Control(func(fd uintptr) { look(name, fd) })
		}
		if err != nil {
			m.t.Error(err)
		}
	}
}

// wait waits for a message from pid with the line, and returns the mark behind it.
func (m *serviceManager) wait(from, pid int, line string) (next int) {
	m.t.Helper()
	testproc.Eventually(m.t, testproc.Patience, testproc.Every, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		for i := from; i < len(m.messages); i++ {
			if m.messages[i].pid == pid && hasLine(m.messages[i].text, line) {
				next = i + 1
				return true
			}
		}
		return false
	}, fmt.Sprintf("the service manager hears %s from %d", line, pid))
	return next
}

// heard: pid has said a line.
func (m *serviceManager) heard(pid int, line string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, message := range m.messages {
		if message.pid == pid && hasLine(message.text, line) {
			return true
		}
	}
	return false
}

// text is one message.
func (m *serviceManager) text(at int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.messages[at].text
}

// hasLine: some line of text begins with line.
func hasLine(text, line string) bool {
	for l := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(l, line) {
			return true
		}
	}
	return false
}

func (m *serviceManager) stored() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.kept)
}
