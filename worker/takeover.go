package worker

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// leave asks an idle connection to go. The server's read ends at once and the
// server closes without a word; see [conn.expired] for requests that come just then.
func (c *conn) leave() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == connShared {
		return c.retire()
	}
	if !c.state.free() || !c.step(evLeave) {
		return false
	}
	_ = c.socket.SetReadDeadline(past)
	return true
}

// giveNotice ends exchange id for cause, unless it is over or had notice. how says
// in words what is done.
func (c *conn) giveNotice(id uint64, now time.Duration, cause error) (how string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &c.req
	if r.id != id || c.state != connActive || r.cutAt != 0 {
		return "", false
	}
	r.cause = cause
	if r.begun {
		r.cutAt = now + lastWord
		c.endContext(cause)
		return "context cancelled, response cut off in " + lastWord.String(), true
	}
	status := 503
	if !r.entered || c.owes() {
		r.linger = true
		if errors.Is(cause, ErrTimeout) {
			status = 408 // the client was too slow, not the handler
		}
	}
	r.refused = status
	text := refusals[refusal{status, cause}]
	c.step(evAnswer)
	c.since = now
	c.count(status, uint64(len(text)), now)
	c.entry.MarkAnswered(id, status)
	c.endContext(cause)
	r.answer = make(chan struct{})
	_ = c.socket.SetReadDeadline(past) // a server that still reads the request
	go c.reply(text, r.answer)
	return fmt.Sprintf("answered with %d", status), true
}

// replyTime bounds the writing of our own response.
const replyTime = time.Second

// reply writes the watchdog's response. Nobody else writes any more.
func (c *conn) reply(text string, done chan<- struct{}) {
	defer close(done)
	if c.socket.SetWriteDeadline(time.Now().Add(replyTime)) != nil {
		return
	}
	n, _ := c.socket.Write([]byte(text))
	c.out.Add(uint64(n))
	_ = c.socket.CloseWrite()
}

// cut breaks a begun response off. The client sees an incomplete one, or a reset
// when it did not take what was sent: then the kernel's buffer is freed at once.
func (c *conn) cut(id uint64, now time.Duration, reset bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.req.id != id || c.state != connActive || !c.step(evAnswer) {
		return false
	}
	c.since = now
	if c.req.cause == nil {
		c.req.cause = ErrTimeout
	}
	c.endContext(c.req.cause)
	raw := c.drop() // a goodbye in TLS would say that the response is whole, and might block
	if tcp, ok := raw.(interface{ SetLinger(sec int) error }); ok && reset {
		_ = tcp.SetLinger(0)
	} else {
		_ = raw.CloseWrite()
	}
	_ = raw.SetDeadline(past)
	return true
}

// advance tells the scoreboard that the exchange moved.
func (c *conn) advance(now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.req.open {
		c.entry.Progress(now, c.out.Load()-c.req.sent)
	}
}

// going counts the connections that are about to make room.
func going(conns []*conn) (n int) {
	for _, c := range conns {
		c.mu.Lock()
		if c.state == connLeaving || c.state == connClosed || c.state == connShared && c.shared.retired {
			n++
		}
		c.mu.Unlock()
	}
	return n
}

// silentEnough is how long a connection may keep its place without having sent a
// byte while others wait. A client that dials just before it asks needs far less.
const silentEnough = 3 * time.Second

// expendable picks up to n connections that can go: the longest idle first, then
// those that never sent a byte, the oldest first. A client that was served will
// come again; one that never spoke may be holding a place on purpose.
func expendable(conns []*conn, n int, now time.Duration) []*conn {
	type candidate struct {
		c     *conn
		fresh bool
		since time.Duration
	}
	var list []candidate
	for _, c := range conns {
		c.mu.Lock()
		if c.state == connIdle || c.state == connFresh && now-c.since > silentEnough || c.state == connShared && c.shared.idle() {
			list = append(list, candidate{c, c.state == connFresh, c.since})
		}
		c.mu.Unlock()
	}
	slices.SortFunc(list, func(a, b candidate) int {
		if a.fresh != b.fresh {
			if b.fresh {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.since, b.since)
	})
	picked := make([]*conn, 0, min(n, len(list)))
	for _, i := range list[:min(n, len(list))] {
		picked = append(picked, i.c)
	}
	return picked
}
