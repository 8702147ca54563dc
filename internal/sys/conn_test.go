package sys

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// listenerOf is a Listener on the socket of l, which stays open.
func listenerOf(t *testing.T, l net.Listener) *Listener {
	t.Helper()
	var fd int
	err := WithFD(l.(syscall.Conn), func(own int) (err error) {
		fd, err = DupCloexec(own)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	own, err := NewListener(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = l.Close(), own.Close() })
	return own
}

// eachNetwork runs a test with a client and the Conn that was accepted from it.
func eachNetwork(t *testing.T, f func(t *testing.T, client net.Conn, c *Conn)) {
	t.Helper()
	for network, address := range map[string]string{
		"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0", "unix": filepath.Join(t.TempDir(), "s"),
	} {
		t.Run(network, func(t *testing.T) {
			l, err := net.Listen(network, address)
			if err != nil {
				t.Skipf("no %s here: %v", network, err)
			}
			own := listenerOf(t, l)
			client, err := net.Dial(network, l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			c, err := own.Accept()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _, _ = client.Close(), c.Close() })
			f(t, client, c.(*Conn))
		})
	}
}

func TestConnIsLikeThatOfPackageNet(t *testing.T) {
	t.Parallel()
	eachNetwork(t, func(t *testing.T, client net.Conn, c *Conn) {
		if got, want := c.RemoteAddr(), client.LocalAddr(); got.Network() != want.Network() || got.Network() == "tcp" && got.String() != want.String() {
			t.Errorf("the client is %v, want %v", got, want)
		}
		if got, want := c.LocalAddr(), client.RemoteAddr(); got.Network() != want.Network() || got.String() != want.String() {
			t.Errorf("we are %v, want %v", got, want)
		}
		if n, err := c.Read(nil); n != 0 || err != nil {
			t.Errorf("reading nothing: %d, %v", n, err)
		}
		if n, err := c.Write(nil); n != 0 || err != nil {
			t.Errorf("writing nothing: %d, %v", n, err)
		}
		if _, err := io.WriteString(client, "hello"); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 3)
		if n, err := c.Read(buf); string(buf[:n]) != "hel" || err != nil {
			t.Errorf("%q, %v", buf[:n], err)
		}
		if n, err := c.Read(buf); string(buf[:n]) != "lo" || err != nil {
			t.Errorf("%q, %v", buf[:n], err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Error(err)
		}
		if n, err := client.Read(buf); n != 0 || err != io.EOF {
			t.Errorf("after CloseWrite: %d, %v", n, err)
		}
		_ = client.Close()
		if n, err := c.Read(buf); n != 0 || err != io.EOF {
			t.Errorf("after the client's close: %d, %v", n, err)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("a write after CloseWrite: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := c.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a second close: %v", err)
		}
		if _, err := c.Read(buf); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a read after the close: %v", err)
		}
	})
}

// More than the kernel takes at once is written whole, and read whole.
func TestConnWritesAll(t *testing.T) {
	t.Parallel()
	eachNetwork(t, func(t *testing.T, client net.Conn, c *Conn) {
		const size = 16 << 20
		sent := make([]byte, size)
		for i := range sent {
			sent[i] = byte(i >> 8)
		}
		result := make(chan error, 1)
		go func() {
			n, err := c.Write(sent)
			if n != size && err == nil {
				err = io.ErrShortWrite
			}
			result <- errors.Join(err, c.Close())
		}()
		got, err := io.ReadAll(client)
		if err != nil || string(got) != string(sent) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

func TestConnWaitIsBounded(t *testing.T) {
	t.Parallel()
	eachNetwork(t, func(t *testing.T, _ net.Conn, c *Conn) {
		much := make([]byte, 64<<20) // for a buffer that nobody empties
		late := func(err error) bool {
			var ne net.Error
			return errors.Is(err, os.ErrDeadlineExceeded) && errors.As(err, &ne) && ne.Timeout()
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); !late(err) {
			t.Errorf("read: %v", err)
		}
		_ = c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
		if n, err := c.Write(much); !late(err) || n == len(much) {
			t.Errorf("write: %d, %v", n, err)
		}
		_ = c.SetDeadline(time.Time{})
		ended := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 1))
			ended <- err
		}()
		for !c.in.busy() {
			time.Sleep(time.Millisecond)
		}
		_ = c.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("the close ends it with %v", err)
		}
	})
}

// Who waits with borrowed memory hears of a close by its public name, too.
func TestReadyReaderOfAClosedConn(t *testing.T) {
	t.Parallel()
	_, server := tcpPair(t)
	c, err := TakeConn(dupOf(t, server))
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReadyReader(c, func() []byte { return make([]byte, 1) }, func() {})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the close: %v", err)
	}
}

// busy says whether somebody reads or writes.
func (o *ioOp) busy() bool {
	if o.mu.TryLock() {
		o.mu.Unlock()
		return false
	}
	return true
}

func TestConnTellsOfAReset(t *testing.T) {
	t.Parallel()
	client, server := tcpPair(t)
	fd := dupOf(t, server)
	_ = server.Close()
	c, err := TakeConn(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = client.SetLinger(0)
	_ = client.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read: %v", err)
	}
}

// SetLinger(0) makes a close a reset.
func TestConnLinger(t *testing.T) {
	t.Parallel()
	client, server := tcpPair(t)
	c, err := TakeConn(dupOf(t, server))
	if err != nil {
		t.Fatal(err)
	}
	_ = server.Close()
	if err := errors.Join(c.SetLinger(0), c.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read: %v", err)
	}
}

func dupOf(t *testing.T, s syscall.Conn) (fd int) {
	t.Helper()
	err := WithFD(s, func(own int) (err error) {
		fd, err = DupCloexec(own)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// An exchange allocates nothing.
func TestConnAllocatesNothing(t *testing.T) {
	client, server := tcpPair(t)
	c, err := TakeConn(dupOf(t, server))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	word, buf := []byte("hello"), make([]byte, 16)
	if n := testing.AllocsPerRun(100, func() {
		_, _ = client.Write(word)
		n, err := c.Read(buf)
		if err == nil {
			_, err = c.Write(buf[:n])
		}
		if err != nil {
			t.Error(err)
		}
		_, _ = client.Read(buf)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
