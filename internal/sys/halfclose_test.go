package sys

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
)

func TestCloseReadDecides(t *testing.T) {
	a, b := channelPair(t)
	if err := b.Send([]byte("before")); err != nil {
		t.Fatal(err)
	}
	if err := a.CloseRead(); err != nil {
		t.Fatal(err)
	}
	if err := b.Send([]byte("after")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("after the reader refused: %v, want EPIPE", err)
	}
	buf := make([]byte, 100)
	if got, err := a.Recv(buf); err != nil || string(got) != "before" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := a.Recv(buf); err != io.EOF {
		t.Errorf("%v, want io.EOF", err)
	}
	if err := a.Send([]byte("the other way")); err != nil {
		t.Errorf("the other way: %v", err)
	}
}

func TestOpenFilesCounts(t *testing.T) {
	before, err := OpenFiles()
	if err != nil {
		t.Fatal(err)
	}
	const more = 7
	for range more {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	after, err := OpenFiles()
	if limit, limitErr := FileLimit(); err != nil || limitErr != nil || after != before+more || limit < after {
		t.Errorf("%d, then %d of %d, %v, %v", before, after, limit, err, limitErr)
	}
}
