package testproc

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// Client is a strict HTTP/1.1 client with one connection. Unlike net/http's it
// never retries, so what a server does to a connection is seen. It is not safe
// for concurrent use.
type Client struct {
	// Network and Addr say where to connect; Network "" is tcp.
	Network, Addr string
	// TLS makes it speak TLS; nil does not.
	TLS *tls.Config
	// Timeout bounds one request; 0 is [Patience].
	Timeout time.Duration
	// Fresh makes every request use a connection of its own.
	Fresh bool

	// Connects counts connections made, Announced those the server closed after
	// saying so, IdleClosed those it closed between two requests, which a
	// client sees before it sends and survives.
	Connects, Announced, IdleClosed int

	conn net.Conn // the raw one is in wire
	wire net.Conn
	br   *bufio.Reader
	used int // requests on conn
}

// Result is what came back.
type Result struct {
	Outcome Outcome
	Status  int
	Header  http.Header
	Body    string
	Reused  bool // not the connection's first request
	Closing bool // the answer said Connection: close
	Err     error
	Elapsed time.Duration
}

// String is for failure messages.
func (r Result) String() string {
	if r.Err != nil {
		return fmt.Sprintf("%s after %v: %v", r.Outcome, r.Elapsed.Round(time.Millisecond), r.Err)
	}
	return fmt.Sprintf("%s %d after %v: %.200q", r.Outcome, r.Status, r.Elapsed.Round(time.Millisecond), r.Body)
}

// Get requests a path.
func (c *Client) Get(path string) Result { return c.Do(http.MethodGet, path, "") }

// Post sends a body.
func (c *Client) Post(path, body string) Result { return c.Do(http.MethodPost, path, body) }

// Do sends one request and reads the whole answer.
func (c *Client) Do(method, path, body string) Result {
	start := time.Now()
	res := c.roundTrip(method, path, body)
	res.Elapsed = time.Since(start)
	if res.Err != nil || res.Closing || c.Fresh {
		if res.Err == nil && res.Closing {
			c.Announced++
		}
		c.Close()
	}
	return res
}

func (c *Client) roundTrip(method, path, body string) Result {
	res, resp := c.send(method, path, body)
	if resp == nil {
		return res
	}
	data, err := io.ReadAll(resp.Body)
	res.Body = string(data)
	if err != nil {
		return c.failed(res, err, true)
	}
	res.Outcome = OK
	if resp.StatusCode/100 != 2 {
		res.Outcome = Status
	}
	return res
}

// send writes a request and reads the answer's header; the response is nil
// when that failed, and then the result says how.
func (c *Client) send(method, path, body string) (Result, *http.Response) {
	c.dropIfClosed()
	res := Result{Reused: c.used > 0}
	if err := c.connect(); err != nil {
		return c.failed(res, err, false), nil
	}
	patience := c.Timeout
	if patience == 0 {
		patience = Patience
	}
	_ = c.conn.SetDeadline(time.Now().Add(patience))
	c.used++

	// One write: a server that closes in the middle of ours would otherwise
	// look different from run to run. A failed write is not the end: the
	// answer may be there already.
	_, writeErr := io.WriteString(c.conn, requestText(method, path, body))
	if err := answerBegan(c.br); err != nil {
		if writeErr != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			err = writeErr
		}
		return c.failed(res, err, false), nil
	}
	resp, err := http.ReadResponse(c.br, &http.Request{Method: method})
	if err != nil {
		return c.failed(res, err, true), nil
	}
	res.Status, res.Header, res.Closing = resp.StatusCode, resp.Header, resp.Close
	return res, resp
}

func requestText(method, path, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: test\r\n", method, path)
	if body != "" || method == http.MethodPost {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.WriteString(body)
	return b.String()
}

func (c *Client) failed(res Result, err error, answered bool) Result {
	res.Err = err
	res.Outcome = classify(err, res.Reused, answered)
	return res
}

func (c *Client) connect() error {
	if c.conn != nil {
		return nil
	}
	network := c.Network
	if network == "" {
		network = "tcp"
	}
	conn, err := net.DialTimeout(network, c.Addr, Patience)
	if err != nil {
		return err
	}
	c.Connects++
	c.wire = conn
	if c.TLS != nil {
		secure := tls.Client(conn, c.TLS)
		_ = conn.SetDeadline(time.Now().Add(Patience))
		if err := secure.Handshake(); err != nil {
			_ = conn.Close()
			return err
		}
		conn = secure
	}
	c.conn, c.br, c.used = conn, bufio.NewReader(conn), 0
	return nil
}

// dropIfClosed looks, without waiting, whether the server has closed the idle
// connection. Every careful client does this before it sends.
func (c *Client) dropIfClosed() {
	if c.conn == nil || c.br.Buffered() > 0 {
		return
	}
	_ = c.conn.SetDeadline(time.Time{})
	raw, err := c.wire.(syscall.Conn).SyscallConn()
	if err != nil {
		return
	}
	// A read deadline in the past would not even try; a peek does.
	closed, some := false, false
	_ = raw.Read(func(fd uintptr) bool {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		closed, some = (err == nil && n == 0) || errors.Is(err, syscall.ECONNRESET), n > 0
		return true
	})
	if some && c.TLS != nil { // a goodbye, or a session ticket
		_ = c.conn.SetReadDeadline(time.Now().Add(Every))
		_, err := c.br.Peek(1)
		closed = err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
	}
	if closed {
		c.IdleClosed++
		c.Close()
	}
}

// Close closes the connection; the next request makes a new one.
func (c *Client) Close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn, c.wire, c.br, c.used = nil, nil, nil, 0
	}
}

// Session says what the connection's handshake agreed on; nil without TLS or connection.
func (c *Client) Session() *tls.ConnectionState {
	if secure, ok := c.conn.(*tls.Conn); ok {
		state := secure.ConnectionState()
		return &state
	}
	return nil
}

// Get makes one request on a connection of its own and fails the test unless
// the answer is whole and 2xx.
func Get(t T, addr, path string) Result {
	t.Helper()
	client := Client{Addr: addr, Fresh: true}
	res := client.Get(path)
	if res.Outcome != OK {
		t.Fatalf("GET %s from %s: %v", path, addr, res)
	}
	return res
}
