package testproc

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// serve runs a hand-made server: each connection gets its turn of behave.
func serve(t *testing.T, behave func(n int, conn *net.TCPConn, br *bufio.Reader)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				behave(n, conn.(*net.TCPConn), bufio.NewReader(conn))
			}()
		}
	}()
	return listener.Addr().String()
}

func readRequest(br *bufio.Reader) bool {
	req, err := http.ReadRequest(br)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, req.Body)
	return true
}

func TestOutcomes(t *testing.T) {
	const whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	answer := func(text string) func(int, *net.TCPConn, *bufio.Reader) {
		return func(_ int, conn *net.TCPConn, br *bufio.Reader) {
			if readRequest(br) {
				_, _ = io.WriteString(conn, text)
			}
		}
	}
	cases := map[string]struct {
		behave   func(int, *net.TCPConn, *bufio.Reader)
		requests int
		want     Outcome
	}{
		"ok":        {answer(whole), 1, OK},
		"status":    {answer("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), 1, Status},
		"truncated": {answer(whole[:len(whole)-1]), 1, Truncated},
		"header":    {answer("HTTP/1.1 200 OK\r\nServer: x\r\n"), 1, Truncated},
		"chunked":   {answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"), 1, Truncated},
		"malformed": {answer("220 smtp.example\r\n"), 1, Malformed},
		"fresh":     {answer(""), 1, ResetFresh},
		"reset": {func(_ int, conn *net.TCPConn, br *bufio.Reader) {
			readRequest(br)
			_ = conn.SetLinger(0)
		}, 1, ResetFresh},
		"reused": {func(_ int, conn *net.TCPConn, br *bufio.Reader) {
			answer(whole)(0, conn, br)
			readRequest(br)
		}, 2, ResetReused},
		"silent": {func(_ int, _ *net.TCPConn, br *bufio.Reader) {
			_, _ = br.WriteTo(io.Discard)
		}, 1, Timeout},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client := Client{Addr: serve(t, c.behave), Timeout: Patience}
			if c.want == Timeout {
				client.Timeout = 50 * time.Millisecond
			}
			defer client.Close()
			var res Result
			for range c.requests {
				res = client.Post("/", "hello")
			}
			if res.Outcome != c.want {
				t.Errorf("got %v, want %s", res, c.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	client := Client{Addr: addr}
	if res := client.Get("/"); res.Outcome != Refused {
		t.Errorf("got %v", res)
	}
}

func TestClosesAreToldApart(t *testing.T) {
	closed := make(chan struct{})
	addr := serve(t, func(n int, conn *net.TCPConn, br *bufio.Reader) {
		readRequest(br)
		switch n {
		case 0: // announced
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		case 1: // closed while idle, without a word
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			_ = conn.Close()
			close(closed)
		default:
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	client := Client{Addr: addr}
	defer client.Close()
	for i := range 3 {
		if i == 2 {
			<-closed
			Eventually(t, Patience, Every, func() bool { client.dropIfClosed(); return client.conn == nil }, "the client sees the close")
		}
		if res := client.Get("/"); res.Outcome != OK {
			t.Fatalf("request %d: %v", i, res)
		}
	}
	if client.Connects != 3 || client.Announced != 1 || client.IdleClosed != 1 {
		t.Errorf("%d connects, %d announced, %d closed while idle", client.Connects, client.Announced, client.IdleClosed)
	}
}

func TestLoadCounts(t *testing.T) {
	addr := serve(t, func(_ int, conn *net.TCPConn, br *bufio.Reader) {
		for readRequest(br) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+PIDHeader+": 7\r\nContent-Length: 0\r\n\r\n")
		}
	})
	report := StartLoad(t, Load{Addr: addr, Busy: 2, Thinking: 1, Connecting: 2, Think: time.Millisecond, Requests: 10}).Wait()
	report.ExpectClean(t)
	if report.Requests != 50 || report.PIDs["7"] != 50 || report.Connects != 2+1+20 {
		t.Errorf("%v", report)
	}
}

func TestLoadReportsFailures(t *testing.T) {
	addr := serve(t, func(n int, _ *net.TCPConn, br *bufio.Reader) { readRequest(br) })
	report := StartLoad(t, Load{Addr: addr, Busy: 1, Requests: 3}).Wait()
	if report.Failed() != 3 || report.Outcomes[ResetFresh] != 3 || len(report.Failures) != 3 {
		t.Errorf("%v", report)
	}
	if failed, _ := record(t, report.ExpectClean); !failed {
		t.Error("the report passed as clean")
	}
	if failed, _ := record(t, Report{}.ExpectClean); !failed {
		t.Error("an empty report passed as clean")
	}
}

func TestEvents(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	chunk := func(text string) string {
		return string("0123456789abcdef"[len(text)]) + "\r\n" + text + "\r\n"
	}
	cases := map[string]struct {
		body  string
		total int
		other string
		err   error
	}{
		"whole":  {chunk("data: 0\n\n") + chunk("data: 1\n\n") + chunk("data: [DONE]\n\n") + "0\r\n\r\n", 2, "[DONE]", nil},
		"gap":    {chunk("data: 0\n\n") + chunk("data: 2\n\n") + "0\r\n\r\n", 1, "2", nil},
		"ended":  {chunk("data: 0\n\n") + "0\r\n\r\n", 1, "", io.EOF},
		"broken": {chunk("data: 0\n\n"), 1, "", ErrBroken},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			addr := serve(t, func(_ int, conn *net.TCPConn, br *bufio.Reader) {
				readRequest(br)
				_, _ = io.WriteString(conn, head+c.body)
			})
			client := Client{Addr: addr}
			total, other, err := client.Stream(t, "GET", "/", "").Count(-1)
			if total != c.total || other != c.other || !errors.Is(err, c.err) {
				t.Errorf("got %d, %q, %v", total, other, err)
			}
			client.Close()
		})
	}
}
