package worker

import (
	"errors"
	"net"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
)

// engine serves the connections of a listener until Accept returns io.EOF.
// Both servers do; connections that are open then are served on.
type engine interface {
	Serve(net.Listener) error
}

// errHandlers: which handler to serve must be clear.
var errHandlers = errors.New("cannot serve: set exactly one of FastHTTP and HTTP")

func newEngine(t *tracker, a App, s config.Settings, arrived *arrivals) (engine, error) {
	switch {
	case a.FastHTTP != nil && a.HTTP == nil:
		return newFastEngine(t, a, s), nil
	case a.HTTP != nil && a.FastHTTP == nil:
		return newHTTPEngine(t, a, s, arrived), nil
	}
	return nil, errHandlers
}

// panicked logs what a handler or stream died of. The worker lives on.
func (t *tracker) panicked(where, method, path string, value any, stack []byte) {
	t.totals.Panic()
	t.log.Error(where+" panicked", zap.Any("panic", value),
		zap.String("method", method), zap.String("path", path), zap.ByteString("stack", stack))
}

// serverLog takes what the servers have to say on their own: broken
// connections and bad requests, which are the clients' doing.
type serverLog struct{ log *zap.Logger }

// Printf is fasthttp's logger.
func (l serverLog) Printf(format string, args ...any) {
	l.log.Sugar().Debugf("http server: "+format, args...)
}
