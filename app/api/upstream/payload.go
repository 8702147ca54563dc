package upstream

import (
	"bytes"
	"io"
	"net/http/httptrace"
	"sync"
)

// payload is a request's body, which can be read again for as long as there is
// no answer. net/http keeps the request until the answer's last byte, so a
// prompt of some 100 KB would be held through every stream of minutes.
//
// Its readers are bytes.Readers in io.NopClosers, which net/http knows: it then sends
// headers and body together, and notices a dead connection before any of it is out.
type payload struct {
	mu       sync.Mutex
	body     []byte
	reader   *bytes.Reader // the latest
	opened   int
	written  bool
	answered bool
}

// open is a http.Request's GetBody.
func (p *payload) open() (io.ReadCloser, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened++
	p.reader = bytes.NewReader(p.body)
	return io.NopCloser(p.reader), nil
}

// wrote is called by the transport when it has sent the request, or has failed to.
func (p *payload) wrote(i httptrace.WroteRequestInfo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written = p.written || i.Err == nil
	p.release()
}

func (p *payload) answer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered = true
	p.release()
}

// release lets the body go when it is certain that nobody reads it: it was sent in
// one go, and there is an answer. After a second try it is kept, because
// which of the two a late report is about cannot be known.
func (p *payload) release() {
	if p.written && p.answered && p.opened == 1 {
		p.reader.Reset(nil)
		p.body = nil
	}
}
