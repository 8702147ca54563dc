package upstream

import (
	"net/http"
	"slices"
	"strings"
)

// connectionHeaders belong to one connection (RFC 9110, 7.6.1), to the framing
// of one message, or to its addressee.
var connectionHeaders = []string{
	"Connection", "Content-Length", "Host", "Http2-Settings", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// forwarded are the client's headers that an upstream gets. It is a list of what may
// pass: a proxy in front adds identities and tokens under names nobody can list,
// and they are not the provider's business.
var forwarded = []string{
	"Accept", "Idempotency-Key", "Openai-Beta", "Traceparent", "Tracestate", "User-Agent",
	"X-Client-Request-Id", "X-Request-Id",
}

// forwardedPrefix is what OpenAI's clients say about themselves.
const forwardedPrefix = "X-Stainless-"

// neverForwarded cannot be named in Forward: our client's key is for us.
var neverForwarded = []string{"Authorization", "Cookie", "Accept-Encoding"}

// withheld are the upstream's headers that the client does not get: those
// of its connection, its cookies, and what describes its site and account.
var withheld = append([]string{
	"Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods",
	"Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Access-Control-Max-Age", "Alt-Svc", "Date",
	"Openai-Organization", "Openai-Project", "Server", "Set-Cookie", "Strict-Transport-Security", "Via",
	"X-Cache", // ours says what our cache did
}, connectionHeaders...)

// requestHeader builds what the endpoint is sent.
func (e *endpoint) requestHeader(client http.Header, stream bool) http.Header {
	h := make(http.Header) // it grows with what is in it: net/http keeps it to the answer's last byte
	for name, values := range client {
		name = http.CanonicalHeaderKey(name)
		if slices.Contains(forwarded, name) || strings.HasPrefix(name, forwardedPrefix) || slices.Contains(e.forward, name) {
			h[name] = values
		}
	}
	if h.Get("Accept") == "" {
		h.Set("Accept", "application/json")
		if stream {
			h.Set("Accept", "text/event-stream")
		}
	}
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", "webchasor")
	}
	h.Set("Content-Type", "application/json")
	if e.APIKey != "" {
		h.Set("Authorization", "Bearer "+e.APIKey)
	}
	for name, value := range e.Headers {
		h.Set(name, value)
	}
	if h["Idempotency-Key"] == nil {
		// A kept connection may close just as we write to it. A header by this name
		// with no value is not sent; it tells net/http to try such a request again
		// on a new connection, as it does for a GET.
		h["X-Idempotency-Key"] = []string{}
	}
	return h
}

// responseHeader removes from h, in place, what the client does not get.
func responseHeader(h http.Header) http.Header {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range withheld {
		delete(h, name)
	}
	return h
}

func forwardList(names []string) []string {
	var list []string
	for _, name := range names {
		name = http.CanonicalHeaderKey(name)
		if !slices.Contains(neverForwarded, name) && !slices.Contains(connectionHeaders, name) {
			list = append(list, name)
		}
	}
	return list
}
