package sys

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func wantCloexec(t *testing.T, fd int) {
	t.Helper()
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor %d is not close-on-exec (%v)", fd, err)
	}
}

func wantNonblock(t *testing.T, fd int) {
	t.Helper()
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("descriptor %d is blocking (%v)", fd, err)
	}
}

func TestMemfdCannotChangeItsLength(t *testing.T) {
	fd, err := Memfd("test", 8192)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, fd)
	wantCloexec(t, fd)
	for _, size := range []int64{0, 4096, 16384} {
		if err := unix.Ftruncate(fd, size); !errors.Is(err, unix.EPERM) {
			t.Errorf("ftruncate to %d: %v, want EPERM", size, err)
		}
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); !errors.Is(err, unix.EPERM) {
		t.Errorf("adding a seal: %v, want EPERM", err)
	}
	if size, err := Size(fd); size != 8192 || err != nil {
		t.Errorf("size is %d, %v", size, err)
	}
}

func TestMemfdLogGrows(t *testing.T) {
	fd, err := MemfdLog("test")
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, fd)
	wantCloexec(t, fd)
	if _, err := unix.Write(fd, make([]byte, 5000)); err != nil {
		t.Fatal(err)
	}
	if size, err := Size(fd); size != 5000 || err != nil {
		t.Errorf("size is %d, %v", size, err)
	}
}

func TestMapIsShared(t *testing.T) {
	fd, err := Memfd("test", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Map(fd, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Map(fd, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Allocated(fd); n != 0 || err != nil {
		t.Errorf("an untouched file occupies %d bytes, %v", n, err)
	}
	if err := CloseFD(fd); err != nil {
		t.Fatal(err)
	}
	copy(a[5000:], "hello")
	if !bytes.Equal(b[5000:5005], []byte("hello")) {
		t.Errorf("the other mapping reads %q", b[5000:5005])
	}
	if err := errors.Join(Unmap(a), Unmap(b)); err != nil {
		t.Error(err)
	}
}

func TestMapErrorsNameTheObject(t *testing.T) {
	if _, err := Map(-1, 4096); !errors.Is(err, unix.EBADF) {
		t.Errorf("mapping a bad descriptor: %v", err)
	}
	if _, err := Size(-1); !errors.Is(err, unix.EBADF) {
		t.Errorf("size of a bad descriptor: %v", err)
	}
}
