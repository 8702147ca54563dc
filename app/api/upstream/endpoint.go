package upstream

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// endpoint is one upstream with its connections and what is known about it.
type endpoint struct {
	Upstream
	base      *url.URL
	rules     []rule
	forward   []string
	transport *http.Transport

	meter     Meter
	health    health
	allowance allowance
	coolUntil atomic.Pointer[time.Time] // it asked to be left alone until then

	active   atomic.Int64
	requests atomic.Uint64
	failures atomic.Uint64
	limited  atomic.Uint64
	authTold atomic.Pointer[time.Time]
	retries  atomic.Uint64
}

func newEndpoint(u Upstream, rule Ejection, meter Meter, log *zap.Logger) (*endpoint, error) {
	base, err := url.Parse(u.BaseURL)
	if err != nil {
		return nil, err
	}
	e := &endpoint{Upstream: u, base: base, meter: meter, forward: forwardList(u.Forward)}
	for _, r := range u.Routes {
		parsed, err := parseRule(r)
		if err != nil {
			return nil, err
		}
		e.rules = append(e.rules, parsed)
	}
	if e.transport, err = newTransport(u); err != nil {
		return nil, err
	}
	e.health.rule = rule
	var told uint64 // ejections
	e.health.tell = func(c condition, left time.Duration) {
		switch c {
		case ejected:
			meter.Ejected(left, told == e.health.total)
			told = e.health.total
			log.Warn("upstream ejected: it failed too often in a row", zap.String("upstream", u.Name), zap.Duration("for", left))
		case healthy:
			meter.Healthy()
			log.Info("upstream is back", zap.String("upstream", u.Name))
		case probing:
			meter.Probing()
		}
	}
	return e, nil
}

// newTransport returns a pool of connections of its own for each upstream, so
// that their timeouts and certificates differ.
func newTransport(u Upstream) (*http.Transport, error) {
	dialer := &net.Dialer{Timeout: u.Timeouts.Connect, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: u.Timeouts.Connect,
		ForceAttemptHTTP2:   true,
		// The permits in front bound the connections; net/http's own bound for
		// idle ones (2) would close most of them after every burst.
		MaxIdleConnsPerHost: 1024,
		IdleConnTimeout:     90 * time.Second,
		// A stream keeps both for as long as it lasts. Larger reads and writes go past
		// them; the default is 4 KiB each.
		ReadBufferSize:  1 << 10,
		WriteBufferSize: 1 << 10,
		// The client's bytes are the upstream's bytes: nothing is unpacked on the way.
		DisableCompression: true,
		HTTP2: &http.HTTP2Config{
			// net/http's default of 4 MiB would be held for every client that reads slowly.
			MaxReceiveBufferPerStream:     64 << 10,
			MaxReceiveBufferPerConnection: 32 << 20,
			// A connection whose other end vanished takes all its streams with it.
			SendPingTimeout: 15 * time.Second,
			PingTimeout:     10 * time.Second,
		},
	}
	if u.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(u.CAFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %s has no PEM certificate", u.CAFile)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
}

// url is where path is asked for.
func (e *endpoint) url(path string) *url.URL {
	u := *e.base
	u.Path = strings.TrimSuffix(u.Path, "/") + "/" + strings.TrimPrefix(path, "/")
	u.RawPath = ""
	return &u
}

// cool notes that the upstream wants no requests for d.
func (e *endpoint) cool(now time.Time, d time.Duration) {
	if d > 0 {
		until := now.Add(d)
		e.coolUntil.Store(&until)
	}
}

func (e *endpoint) cooling(now time.Time) bool {
	until := e.coolUntil.Load()
	return until != nil && now.Before(*until)
}
