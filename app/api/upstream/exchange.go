package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// exchange is one attempt at one upstream, and as an io.ReadCloser the body of its answer.
type exchange struct {
	endpoint *endpoint
	pass     pass
	now      func() time.Time
	client   context.Context // ends when our client leaves
	ctx      context.Context // ends with that, with a limit, and with the exchange
	cancel   context.CancelCauseFunc
	limits   limits
	once     sync.Once

	from   io.ReadCloser
	ending news  // what is said of an answer that did not break
	err    error // of an earlier Read; used by the reader only
}

func newExchange(client context.Context, t target, p pass, now func() time.Time) *exchange {
	x := &exchange{endpoint: t.endpoint, pass: p, now: now, client: client, ending: succeeded}
	x.ctx, x.cancel = context.WithCancelCause(client)
	x.limits.set, x.limits.cancel = t.Timeouts, x.cancel
	t.requests.Add(1)
	t.active.Add(1)
	t.meter.Began()
	return x
}

// send returns the response's headers; body is the request's.
func (x *exchange) send(call Call, body []byte) (*http.Response, error) {
	method := call.Method
	if method == "" {
		method = http.MethodPost
	}
	sent := &payload{body: body}
	alive := call.Alive // not the call: its body is let go before the trace is
	if alive == nil {
		alive = func() {}
	}
	ctx := httptrace.WithClientTrace(x.ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			x.limits.enter(sending)
			alive()
		},
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			x.limits.enter(waiting)
			alive()
			sent.wrote(i)
		},
	})
	req, err := http.NewRequestWithContext(ctx, method, x.endpoint.url(call.Path).String(), nil)
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		req.ContentLength, req.GetBody = int64(len(body)), sent.open
		if req.Body, err = sent.open(); err != nil {
			return nil, err
		}
	}
	req.Header = x.endpoint.requestHeader(call.Header, call.Stream)
	// The transport alone: a client would follow redirects with our key.
	resp, err := x.endpoint.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	sent.answer()
	x.limits.enter(answered)
	x.from = resp.Body
	return resp, nil
}

// finish ends the exchange, whatever is left of it, and says how it went. Only
// the first call counts.
func (x *exchange) finish(n news) {
	x.once.Do(func() {
		x.limits.enter(over)
		x.cancel(nil)
		x.endpoint.active.Add(-1)
		x.endpoint.meter.Ended(n == failed)
		if n == failed {
			x.endpoint.failures.Add(1)
		}
		x.endpoint.health.report(n, x.pass, x.now())
	})
}

// explain turns the error of the transport into ours, or into the cause of the
// client's end.
func (x *exchange) explain(err error) error {
	if x.client.Err() != nil {
		return context.Cause(x.client)
	}
	if limit, ok := errors.AsType[*limitReached](context.Cause(x.ctx)); ok {
		return x.endpoint.slow(limit)
	}
	if x.limits.connected() {
		return x.endpoint.fault(http.StatusBadGateway, CodeBroken, err, "The connection to the model provider broke.")
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return x.endpoint.slow(&limitReached{CodeConnectSlow, x.endpoint.Timeouts.Connect})
	}
	return x.endpoint.fault(http.StatusBadGateway, CodeUnreachable, err, "The model provider cannot be reached.")
}

// Read reads what has arrived, or waits for it. It must not be called by two
// goroutines at once.
func (x *exchange) Read(p []byte) (int, error) {
	if x.err != nil {
		return 0, x.err
	}
	x.limits.await()
	n, err := x.from.Read(p)
	if n > 0 {
		x.limits.enter(flowing)
	}
	switch err {
	case nil:
		x.limits.rest()
		return n, nil
	case io.EOF:
		x.err = err
		x.finish(x.ending)
	default:
		x.err = x.explain(err)
		if x.client.Err() != nil {
			x.finish(x.ending)
		} else {
			x.finish(failed)
		}
	}
	return n, x.err
}

// Close ends the exchange. Any goroutine may call it, also during a Read, which
// then returns.
func (x *exchange) Close() error {
	x.finish(x.ending)
	return x.from.Close()
}
