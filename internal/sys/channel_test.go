package sys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func init() {
	// Says hello, answers one message, then reads until its lifeline ends.
	roles["echo"] = func() error {
		c, err := NewChannel(3)
		if err != nil {
			return err
		}
		buf := make([]byte, MaxPacket)
		msg, err := c.Recv(buf)
		if err != nil {
			return err
		}
		if err := c.Send(append([]byte("echo "), msg...)); err != nil {
			return err
		}
		if _, err := c.Recv(buf); !errors.Is(err, io.EOF) {
			return fmt.Errorf("the lifeline ended with %w", err)
		}
		fmt.Println("orphan")
		return nil
	}
}

func channelPair(t *testing.T) (a, b *Channel) {
	t.Helper()
	x, y, err := ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	a, err = NewChannel(x)
	if err != nil {
		t.Fatal(err)
	}
	b, err = NewChannel(y)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	for _, c := range []*Channel{a, b} {
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
	}
	return a, b
}

func TestChannelKeepsMessagesApart(t *testing.T) {
	a, b := channelPair(t)
	big := bytes.Repeat([]byte("0123456789abcdef"), MaxPacket/16)
	want := [][]byte{[]byte("boot"), []byte("x"), []byte(strings.Repeat("y", 5000))}
	for _, msg := range want {
		if err := a.Send(msg); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, MaxPacket)
	for _, msg := range want {
		got, err := b.Recv(buf)
		if err != nil || !bytes.Equal(got, msg) {
			t.Fatalf("got %d bytes, %v; want %d", len(got), err, len(msg))
		}
	}
	if err := a.Send(big); err != nil {
		t.Fatalf("the largest message: %v", err)
	}
	if got, err := b.Recv(buf); err != nil || !bytes.Equal(got, big) {
		t.Fatalf("the largest message: got %d bytes, %v", len(got), err)
	}
}

func TestChannelRefusesWhatItCannotCarry(t *testing.T) {
	a, b := channelPair(t)
	for _, n := range []int{0, MaxPacket + 1} {
		if err := a.Send(make([]byte, n)); err == nil {
			t.Errorf("a message of %d bytes was sent", n)
		}
	}
	if err := a.Send(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Recv(make([]byte, 99)); err == nil {
		t.Errorf("a cut message of %d bytes was taken for a whole one", len(got))
	}
}

func TestChannelEndsAfterWhatWasQueued(t *testing.T) {
	a, b := channelPair(t)
	if err := a.Send([]byte("last words")); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	buf := make([]byte, 100)
	if got, err := b.Recv(buf); err != nil || string(got) != "last words" {
		t.Fatalf("got %q, %v", got, err)
	}
	for range 2 {
		if _, err := b.Recv(buf); err != io.EOF {
			t.Fatalf("got %v, want io.EOF", err)
		}
	}
	if err := b.Send([]byte("anybody?")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("sending to nobody: %v, want EPIPE", err)
	}
}

func TestChannelPeerLeavesWithoutReading(t *testing.T) {
	a, b := channelPair(t)
	if err := b.Send([]byte("unread")); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	if _, err := b.Recv(make([]byte, 100)); err != io.EOF {
		t.Errorf("got %v, want io.EOF", err)
	}
}

// What it said before is not lost for that.
func TestChannelLastWordsOfAPeerThatDoesNotRead(t *testing.T) {
	a, b := channelPair(t)
	if err := errors.Join(a.Send([]byte("unread")), b.Send([]byte("last")), b.Close()); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, MaxPacket)
	if msg, err := a.Recv(buf); string(msg) != "last" {
		t.Errorf("got %q, %v, want the last words", msg, err)
	}
	if _, err := a.Recv(buf); !errors.Is(err, io.EOF) {
		t.Errorf("then %v, want the end", err)
	}
}

func TestChannelTrySendNeverWaits(t *testing.T) {
	a, b := channelPair(t)
	msg := make([]byte, 60<<10)
	sent := 0
	var err error
	for ; sent < 10_000 && err == nil; sent++ {
		err = a.TrySend(msg)
	}
	if !errors.Is(err, ErrChannelFull) {
		t.Fatalf("after %d messages: %v, want ErrChannelFull", sent, err)
	}
	// A Send that waits goes through once the peer reads.
	done := make(chan error, 1)
	go func() { done <- a.Send(msg) }()
	buf := make([]byte, MaxPacket)
	for range sent {
		if _, err := b.Recv(buf); err != nil {
			t.Fatal(err)
		}
	}
	if err := within(t, "end of Send", done); err != nil {
		t.Fatal(err)
	}
}

func TestChannelCloseWakesRecv(t *testing.T) {
	a, _ := channelPair(t)
	done := make(chan error, 1)
	go func() {
		_, err := a.Recv(make([]byte, 100))
		done <- err
	}()
	_ = a.Close()
	if err := within(t, "end of Recv", done); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v, want os.ErrClosed", err)
	}
}

func TestChannelIsALifeline(t *testing.T) {
	x, y, err := ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewChannel(x)
	if err != nil {
		t.Fatal(err)
	}
	// Queued before the worker exists.
	if err := a.Send([]byte("boot")); err != nil {
		t.Fatal(err)
	}
	c := startChild(t, "echo", y)
	if err := CloseFD(y); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Recv(make([]byte, 100)); err != nil || string(got) != "echo boot" {
		t.Fatalf("got %q, %v", got, err)
	}
	_ = a.Close()
	if got := c.line(t); got != "orphan" {
		t.Errorf("the child says %q", got)
	}
}

func TestChannelEndsWithAKilledPeer(t *testing.T) {
	x, y, err := ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewChannel(x)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	c := startChild(t, "echo", y)
	_ = CloseFD(y)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Recv(make([]byte, 100)); err != io.EOF {
		t.Errorf("got %v, want io.EOF", err)
	}
}
