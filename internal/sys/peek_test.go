package sys

import (
	"errors"
	"io"
	"os"
	"runtime"
	"testing"
	"time"
)

func TestPeekWaitsForEnough(t *testing.T) {
	there, here := tcpPair(t)
	lengths := make(chan int, 16)
	go func() {
		for _, piece := range []string{"a", "bc", "d"} {
			_, _ = there.Write([]byte(piece))
			for range lengths { // until it has been looked at
				break
			}
		}
	}()
	p := make([]byte, 8)
	seen := 0
	n, err := Peek(here, p, func(b []byte) bool {
		if len(b) > seen {
			seen = len(b)
			lengths <- seen
		}
		return len(b) >= 4
	})
	if err != nil || string(p[:n]) != "abcd" {
		t.Fatalf("%q, %v", p[:n], err)
	}
	all := make([]byte, 4)
	if _, err := io.ReadFull(here, all); err != nil || string(all) != "abcd" {
		t.Errorf("then read %q, %v", all, err)
	}
}

func TestPeekGivesUp(t *testing.T) {
	never := func([]byte) bool { return false }
	p := make([]byte, 4)
	t.Run("deadline", func(t *testing.T) {
		there, here := tcpPair(t)
		_, _ = there.Write([]byte("ab"))
		_ = here.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := Peek(here, p, never); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v", err)
		}
		_ = here.SetReadDeadline(time.Time{})
		if n, err := here.Read(p); n != 2 || err != nil {
			t.Errorf("then read %d, %v", n, err)
		}
	})
	t.Run("full", func(t *testing.T) {
		there, here := tcpPair(t)
		_, _ = there.Write([]byte("abcde"))
		if _, err := Peek(here, p, never); !errors.Is(err, io.ErrShortBuffer) {
			t.Errorf("%v", err)
		}
	})
	t.Run("end", func(t *testing.T) {
		there, here := tcpPair(t)
		_ = there.CloseWrite()
		if _, err := Peek(here, p, never); !errors.Is(err, io.EOF) {
			t.Errorf("%v", err)
		}
	})
	t.Run("end behind bytes", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("only Linux tells")
		}
		there, here := tcpPair(t)
		_, _ = there.Write([]byte("ab"))
		_ = there.CloseWrite()
		if _, err := Peek(here, p, never); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v", err)
		}
	})
}
