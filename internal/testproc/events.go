package testproc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Events reads a stream of server-sent events.
type Events struct {
	Header http.Header
	Status int

	client *Client
	resp   *http.Response
	lines  *bufio.Scanner
	next   int // number the next counted event must have
}

// ErrBroken is the error of a stream that was cut instead of ended.
var ErrBroken = errors.New("the stream broke off")

// Stream sends a request and returns its answer as events. The client's
// timeout bounds the whole stream. A request that got no answer fails the test.
func (c *Client) Stream(t T, method, path, body string) *Events {
	t.Helper()
	res, resp := c.send(method, path, body)
	if resp == nil {
		t.Fatalf("%s %s: %v", method, path, res)
		return nil
	}
	return &Events{Header: resp.Header, Status: resp.StatusCode, client: c, resp: resp, lines: bufio.NewScanner(resp.Body)}
}

// Next returns the data of the next event, io.EOF at a proper end of the
// body, or ErrBroken (wrapped) when the connection ended before that.
func (e *Events) Next() (string, error) {
	for e.lines.Scan() {
		if data, ok := strings.CutPrefix(e.lines.Text(), "data: "); ok {
			return data, nil
		}
	}
	if err := e.lines.Err(); err != nil {
		return "", fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return "", io.EOF
}

// Count reads numbered events (0, 1, 2, ...) until `[DONE]`, the end, or
// limit of them when limit is not negative. It returns how many it has read in
// all and the first event that was not a number in order, if any.
func (e *Events) Count(limit int) (total int, other string, err error) {
	for limit != 0 {
		data, err := e.Next()
		if err != nil {
			return e.next, "", err
		}
		if n, convErr := strconv.Atoi(data); convErr != nil || n != e.next {
			return e.next, data, nil
		}
		e.next++
		limit--
	}
	return e.next, "", nil
}

// Close drops the connection, in the middle of the stream if need be.
func (e *Events) Close() { e.client.Close() }
