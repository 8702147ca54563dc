// Package client speaks the control API over a unix socket.
package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/control"
)

// ErrNoMaster: nobody answers at the socket.
var ErrNoMaster = errors.New("no master answers there")

// Client calls one master. Every call opens a connection of its own, so it
// reaches whoever serves at that moment, also after an upgrade. It is safe for
// many goroutines; calls block until the answer is there or ctx ends.
type Client struct {
	socket string
	http   *http.Client
}

// New returns a client for the socket at path. It connects to nothing yet.
func New(path string) *Client {
	var d net.Dialer
	return &Client{socket: path, http: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", path)
		},
	}}}
}

// Socket is the path.
func (c *Client) Socket() string { return c.socket }

// Status is the service at this moment.
func (c *Client) Status(ctx context.Context) (s control.Status, err error) {
	return s, c.call(ctx, http.MethodGet, control.PathStatus, nil, &s)
}

// Health is the answer to "is it well?"; a service that is down is no error.
func (c *Client) Health(ctx context.Context) (h control.Health, err error) {
	err = c.call(ctx, http.MethodGet, control.PathHealth, nil, &h)
	if err != nil && h.State == control.HealthDown {
		err = nil
	}
	return h, err
}

// Requests lists what is under way, at most limit; 0 is the server's limit.
func (c *Client) Requests(ctx context.Context, limit int) (r control.Requests, err error) {
	path := control.PathRequests
	if limit > 0 {
		path += "?limit=" + strconv.Itoa(limit)
	}
	return r, c.call(ctx, http.MethodGet, path, nil, &r)
}

// Events are those after number since that are still remembered.
func (c *Client) Events(ctx context.Context, since uint64) (e control.Events, err error) {
	return e, c.call(ctx, http.MethodGet, control.PathEvents+"?since="+strconv.FormatUint(since, 10), nil, &e)
}

// Follow calls f with the events after number since, then with every new one,
// until ctx ends, f fails or the master goes. The end of the master is a nil error:
// call again with the number of the latest event to follow its successor.
func (c *Client) Follow(ctx context.Context, since uint64, f func(control.Event) error) error {
	res, err := c.do(ctx, http.MethodGet, control.PathEvents+"?follow=1&since="+strconv.FormatUint(since, 10), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue // a sign of life
		}
		var e control.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("cannot understand an event: %w", err)
		}
		if err := f(e); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}

// Deaths lists the records that are kept.
func (c *Client) Deaths(ctx context.Context) (d control.Deaths, err error) {
	return d, c.call(ctx, http.MethodGet, control.PathDeaths, nil, &d)
}

// Death is one of them, by id, a part of it that no other has, or "last".
func (c *Client) Death(ctx context.Context, id string) (d control.DeathRecord, err error) {
	path := strings.ReplaceAll(control.PathDeath, "{id}", url.PathEscape(id))
	return d, c.call(ctx, http.MethodGet, path, nil, &d)
}

// Reload reads the configuration again. With wait it returns when that is done
// or undone; an error names the reason.
func (c *Client) Reload(ctx context.Context, wait bool) (control.Result, error) {
	return c.order(ctx, http.MethodPost, control.PathReload+waiting(wait), nil)
}

// Plan says what a reload would change.
func (c *Client) Plan(ctx context.Context) (p control.Plan, err error) {
	return p, c.call(ctx, http.MethodPost, control.PathReload+"?dry_run=1", nil, &p)
}

// Upgrade starts a new master from the binary on disk.
func (c *Client) Upgrade(ctx context.Context, wait bool) (control.Result, error) {
	return c.order(ctx, http.MethodPost, control.PathUpgrade+waiting(wait), nil)
}

// Rollback undoes the latest reload, or the upgrade that began this master.
func (c *Client) Rollback(ctx context.Context, wait bool) (control.Result, error) {
	return c.order(ctx, http.MethodPost, control.PathRollback+waiting(wait), nil)
}

// Scale asks for another number of workers.
func (c *Client) Scale(ctx context.Context, o control.ScaleOrder) (control.Result, error) {
	return c.order(ctx, http.MethodPost, control.PathScale, o)
}

// Recycle asks for replacements.
func (c *Client) Recycle(ctx context.Context, o control.RecycleOrder) (control.Result, error) {
	return c.order(ctx, http.MethodPost, control.PathRecycle, o)
}

// Drain lets all workers finish and leave; the master stays.
func (c *Client) Drain(ctx context.Context) (control.Result, error) {
	return c.order(ctx, http.MethodPost, control.PathDrain, nil)
}

// LogLevel sets the level until the next reload.
func (c *Client) LogLevel(ctx context.Context, level string) (control.Result, error) {
	return c.order(ctx, http.MethodPut, control.PathLogLevel, control.LevelOrder{Level: level})
}

// Stacks are the goroutines of a living worker.
func (c *Client) Stacks(ctx context.Context, slot int) (s control.Stacks, err error) {
	return s, c.call(ctx, http.MethodGet, ofSlot(control.PathStacks, slot), nil, &s)
}

// Profile writes a profile to w. The kind is cpu, heap, goroutine or trace; cpu
// and trace take so many seconds.
func (c *Client) Profile(ctx context.Context, slot int, kind string, seconds int, w io.Writer) error {
	query := url.Values{"kind": {kind}, "seconds": {strconv.Itoa(seconds)}}
	res, err := c.do(ctx, http.MethodGet, ofSlot(control.PathProfile, slot)+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("cannot read the profile to its end: %w", err)
	}
	return nil
}

func waiting(wait bool) string {
	if wait {
		return "?wait=1"
	}
	return ""
}

func ofSlot(path string, slot int) string {
	return strings.ReplaceAll(path, "{slot}", strconv.Itoa(slot))
}

func (c *Client) order(ctx context.Context, method, path string, body any) (r control.Result, err error) {
	return r, c.call(ctx, method, path, body, &r)
}

// call sends body as JSON and reads the answer into into, also when it is an
// error that has the same fields.
func (c *Client) call(ctx context.Context, method, path string, body, into any) error {
	res, err := c.do(ctx, method, path, body)
	if known, ok := errors.AsType[*failure](err); ok {
		_ = json.Unmarshal(known.body, into)
		return &known.said
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return fmt.Errorf("cannot understand the master's answer: %w", err)
	}
	return nil
}

// failure is an error of the contract with all that came with it.
type failure struct {
	said control.Error
	body []byte
}

func (f *failure) Error() string { return f.said.Message }
func (f *failure) Unwrap() error { return &f.said }

// answerLimit bounds an error's text.
const answerLimit = 1 << 20

// A question to a master that is just leaving is asked again: its successor answers.
const (
	askAgain = 5
	askAfter = 50 * time.Millisecond
)

// do returns a successful response, or the error that it is.
func (c *Client) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	pause := time.NewTicker(askAfter)
	defer pause.Stop()
	for try := 1; ; try++ {
		res, err := c.try(ctx, method, path, body)
		if err == nil || method != http.MethodGet || try == askAgain || !left(err) {
			return res, err
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// left says that the master went while it was asked.
func left(err error) bool {
	if said, ok := errors.AsType[*control.Error](err); ok {
		return said.Code == control.CodeLeaving
	}
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func (c *Client) try(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("cannot encode the order: %w", err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://control"+path, content)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	f := &failure{body: text}
	if json.Unmarshal(text, &f.said) != nil || f.said.Message == "" {
		f.said = control.Error{Code: control.CodeFailed, Message: "the master answered " + res.Status}
	}
	return nil, f
}

// unreached says why there was no answer.
func (c *Client) unreached(err error) error {
	var system syscall.Errno
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("cannot reach %s: %w", c.socket, ErrNoMaster)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("cannot reach %s: permission denied; it is for the user that runs the service and for root", c.socket)
	case errors.As(err, &system):
		return fmt.Errorf("cannot reach %s: %w", c.socket, system)
	}
	return fmt.Errorf("cannot reach %s: %w", c.socket, err)
}
