package sys

import (
	"bytes"
	"io"
	"os"
	"testing"
)

func TestDescriptorsTravelInOneMessage(t *testing.T) {
	a, b, err := ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = CloseFD(b) }()

	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if err := WithFD(w, func(fd int) error { return SendFDs(a, []byte("two"), fd, fd) }); err != nil {
		t.Fatal(err)
	}
	msg, fds, err := RecvFDs(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(msg, []byte("two")) || len(fds) != 2 {
		t.Fatalf("got %q with %d descriptors, want \"two\" with 2", msg, len(fds))
	}
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "received")
		if _, err := f.WriteString(string(rune('a' + i))); err != nil {
			t.Fatalf("descriptor %d does not lead to the pipe: %v", i, err)
		}
		f.Close()
	}
	got := make([]byte, 2)
	if _, err := io.ReadFull(r, got); err != nil || string(got) != "ab" {
		t.Fatalf("read %q, %v; want \"ab\"", got, err)
	}

	_ = CloseFD(a)
	if _, _, err := RecvFDs(b); err != io.EOF {
		t.Fatalf("after the sender closed: %v, want EOF", err)
	}
}

func TestTooManyDescriptorsAreRefused(t *testing.T) {
	if err := SendFDs(-1, nil, make([]int, MaxFDs+1)...); err == nil {
		t.Fatal("a message of 254 descriptors was not refused")
	}
}
