package upstreamtest

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"
)

// Request is one request as the upstream received it.
type Request struct {
	N      int    // which request of this upstream it is, from 1
	Method string // as sent
	Path   string // with the /v1 in front
	Proto  string // HTTP/1.1 or HTTP/2.0
	Header http.Header
	Body   []byte
	Model  string // of the body
	Stream bool   // of the body
}

// Script chooses the answer to one request. It is called by many goroutines.
type Script func(Request) Answer

// Server is a running upstream. Its methods may be called by any goroutine.
type Server struct {
	http *httptest.Server
	quit chan struct{}

	mu        sync.Mutex
	script    Script
	requests  []Request
	active    int
	maxActive int
	cancelled []time.Time
}

// Start returns an upstream that listens for HTTP/1.1 on a free loopback port.
func Start() (*Server, error) {
	return start(func(s *httptest.Server) { s.Start() })
}

// StartTLS is Start with TLS and, where the client wants it, HTTP/2.
// CertificatePEM is what a client has to trust.
func StartTLS() (*Server, error) {
	return start(func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.StartTLS()
	})
}

func start(begin func(*httptest.Server)) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{quit: make(chan struct{})}
	s.http = &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(s.serve), ErrorLog: quiet()}}
	begin(s.http)
	return s, nil
}

// URL is the base URL, with /v1 at its end.
func (s *Server) URL() string { return s.http.URL + "/v1" }

// CertificatePEM is the certificate of an upstream that was started by StartTLS.
func (s *Server) CertificatePEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})
}

// Close breaks what is under way and waits until every handler has returned.
func (s *Server) Close() {
	s.mu.Lock()
	select {
	case <-s.quit:
	default:
		close(s.quit)
	}
	s.mu.Unlock()
	s.http.CloseClientConnections()
	s.http.Close()
}

// CloseConnections closes every connection to a client, idle or not.
func (s *Server) CloseConnections() { s.http.CloseClientConnections() }

// Script sets what later requests are answered with; nil is the default.
func (s *Server) Script(script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// Answer makes every later request get a.
func (s *Server) Answer(a Answer) { s.Script(func(Request) Answer { return a }) }

// Requests returns the requests so far, in the order of their arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Last returns the latest request; its N is 0 when there was none.
func (s *Server) Last() Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == 0 {
		return Request{}
	}
	return s.requests[len(s.requests)-1]
}

// Active returns how many requests are being answered now.
func (s *Server) Active() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active
}

// MaxActive returns the largest number of requests that were being answered at
// one moment.
func (s *Server) MaxActive() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.maxActive
}

// Cancelled returns when the upstream noticed, once for each request whose
// client left before the answer was whole.
func (s *Server) Cancelled() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.cancelled)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.noteCancelled()
		return
	}
	var asked struct {
		Model  string `json:"model"`
		Stream bool   `json:"stream"`
	}
	// What is no JSON has no model; the script may want to see it all the same.
	_ = json.Unmarshal(body, &asked)
	seen := Request{
		Method: r.Method, Path: r.URL.Path, Proto: r.Proto, Header: r.Header.Clone(),
		Body: body, Model: asked.Model, Stream: asked.Stream,
	}
	script := s.enter(&seen)
	defer s.leave()
	var a Answer
	if script != nil {
		a = script(seen)
	}
	if !(&exchange{server: s, w: w, r: r, seen: seen, answer: a}).run() {
		s.noteCancelled()
	}
}

func (s *Server) enter(r *Request) Script {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.N = len(s.requests) + 1
	s.requests = append(s.requests, *r)
	s.active++
	s.maxActive = max(s.maxActive, s.active)
	return s.script
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
}

func (s *Server) noteCancelled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancelled = append(s.cancelled, time.Now())
}
