package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/app/control"
)

// The mode of the file keeps strangers out, and where somebody has opened it
// up the credentials of the connection do.
func TestControlSocketRefusesOtherUsers(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	p := start(t)
	p.Up()
	for dir := p.Path("state"); dir != "/" && dir != os.TempDir(); dir = dir[:max(lastSlash(dir), 1)] {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(socketOf(p), 0o666); err != nil {
		t.Fatal(err)
	}
	res, body := getAs(t, 65534, socketOf(p), "/v1/status")
	var e control.Error
	if err := json.Unmarshal(body, &e); res != http.StatusForbidden || err != nil || e.Code != "denied" {
		t.Errorf("a stranger gets %d %s", res, body)
	}
	if res, body := getAs(t, 0, socketOf(p), "/v1/status"); res != http.StatusOK {
		t.Errorf("root gets %d %s", res, body)
	}
	p.Stop(0)
}

func lastSlash(path string) int {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return i
		}
	}
	return 0
}

// getAs makes a request as another user. Credentials belong to threads, so one
// thread changes, and ends with its goroutine.
func getAs(t *testing.T, uid int, socket, path string) (status int, body []byte) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); errno != 0 {
			t.Errorf("cannot become user %d: %v", uid, errno)
			return
		}
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Error(err)
			return
		}
		conn := os.NewFile(uintptr(fd), strconv.Itoa(uid))
		defer conn.Close()
		if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: socket}); err != nil {
			t.Errorf("cannot connect as user %d: %v", uid, err)
			return
		}
		if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
			t.Error(err)
			return
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		status = res.StatusCode
		if body, err = io.ReadAll(res.Body); err != nil {
			t.Error(err)
		}
	}()
	<-done
	return status, body
}
