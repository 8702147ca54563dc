package testproc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// endOfEvents is the last event of a stream that was not cut short.
const endOfEvents = "[DONE]"

// readEvents reads a stream of n numbered events to its end, [DONE] and the
// end of the body included, so that the connection can be used again.
func (c *Client) readEvents(res Result, resp *http.Response, n int) Result {
	events := &Events{client: c, resp: resp, lines: bufio.NewScanner(resp.Body)}
	total, last, err := events.Count(-1)
	if err == nil && (total != n || last != endOfEvents) {
		err = fmt.Errorf("after %d of %d events came %q: %w", total, n, last, io.ErrUnexpectedEOF)
	}
	if err == nil {
		if _, err = events.Next(); errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err == nil {
		res.Outcome = OK
		return res
	}
	res.Err, res.Outcome = err, Truncated
	return res
}

// Following is a stream that is read in the background.
type Following struct {
	done   chan struct{}
	header http.Header
	res    Result
}

// Follow asks for a stream of n numbered events and reads it in the
// background. The client's timeout bounds it. A request without an answer
// fails the test.
func Follow(t T, client Client, path string, n int) *Following {
	t.Helper()
	res, resp := client.send(http.MethodGet, path, "")
	if resp == nil {
		t.Fatalf("GET %s: %v", path, res)
		return nil
	}
	f := &Following{done: make(chan struct{}), header: resp.Header}
	go func() {
		defer close(f.done)
		defer client.Close()
		f.res = client.readEvents(res, resp, n)
	}()
	return f
}

// Wait waits for the end of the stream; OK means that every event came.
func (f *Following) Wait() Result {
	<-f.done
	return f.res
}

// Header is the header of the stream's answer.
func (f *Following) Header() http.Header { return f.header }

// Open connects without sending anything. It does nothing when the client has
// a connection.
func (c *Client) Open() error { return c.connect() }
