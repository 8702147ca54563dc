package sys

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

func TestReadable(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	readable := func() (ok bool) {
		t.Helper()
		err := WithFD(r, func(fd int) (err error) {
			ok, err = Readable(fd)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if readable() {
		t.Error("an empty pipe is readable")
	}
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if !readable() {
		t.Error("a pipe with a byte is not readable")
	}
	if _, err := r.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if readable() {
		t.Error("an emptied pipe is readable")
	}
	_ = w.Close()
	if !readable() {
		t.Error("an end of file is not readable")
	}
	if _, err := Readable(1 << 20); !errors.Is(err, syscall.EBADF) {
		t.Errorf("a bad descriptor: %v, want EBADF", err)
	}
}

func TestWithFDOfAClosedFile(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	called := false
	err = WithFD(f, func(int) error { called = true; return nil })
	if err == nil || called {
		t.Errorf("a closed file lends its descriptor (err %v)", err)
	}
}

func TestWithFDReturnsTheInnerError(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := WithFD(f, func(int) error { return os.ErrInvalid }); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestCloseFDTwice(t *testing.T) {
	fd, err := DupCloexec(2)
	if err != nil {
		t.Fatal(err)
	}
	if err := CloseFD(fd); err != nil {
		t.Error(err)
	}
	if err := CloseFD(-1); !errors.Is(err, syscall.EBADF) {
		t.Errorf("closing nothing: %v, want EBADF", err)
	}
}
