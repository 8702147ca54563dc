package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Request is what decides about an answer.
type Request struct {
	Path   string      // /chat/completions, /completions or /embeddings, with or without /v1
	Client string      // whose cache it is: the name of the client's key
	Body   []byte      // JSON
	Header http.Header // the client's; nil is none
}

// Key names an answer.
type Key [sha256.Size]byte

// String is the key in hexadecimal.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// The values of the response header X-Cache.
const (
	Hit    = "HIT"    // the answer was kept
	Miss   = "MISS"   // the upstream was asked
	Bypass = "BYPASS" // the cache had nothing to do with it
)

// HeaderAsk is the request header with which a client asks for the cache ("use")
// or declines it (any other value).
const HeaderAsk = "X-Webchasor-Cache"

// ignored are the fields that name the asker, not the question.
var ignored = []string{"user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "service_tier"}

// Key returns the name of the answer. ok is false when the request must not be
// answered from the cache: it may have many answers, its client declines, it leaves
// something behind at the upstream, or it is no JSON object without doubt.
func (c *Cache) Key(r Request) (key Key, ok bool) {
	path := strings.TrimPrefix(r.Path, "/v1")
	asked := r.Header.Get(HeaderAsk)
	if asked != "" && !strings.EqualFold(asked, "use") {
		return Key{}, false
	}
	for _, line := range r.Header.Values("Cache-Control") {
		if line = strings.ToLower(line); strings.Contains(line, "no-store") || strings.Contains(line, "no-cache") {
			return Key{}, false
		}
	}
	fields, ok := object(r.Body)
	if !ok || !(asked != "" || deterministic(path, fields)) || !harmless(path, fields) {
		return Key{}, false
	}
	for _, name := range ignored {
		delete(fields, name)
	}
	if stream, _ := fields["stream"].(bool); !stream {
		delete(fields, "stream") // false is what its absence means
	}
	text, err := json.Marshal(fields) // sorts the fields at every level
	if err != nil {
		return Key{}, false
	}
	client := r.Client
	if c.config.Shared {
		client = ""
	}
	parts := []string{"2", c.config.Namespace, path, client, string(text)}
	for _, name := range c.config.Headers {
		values := r.Header.Values(name)
		parts = append(append(parts, name, strconv.Itoa(len(values))), values...)
	}
	h := sha256.New()
	for _, part := range parts {
		// The length keeps one part from looking like the end of another.
		_ = json.NewEncoder(h).Encode(len(part)) // a hash takes everything
		_, _ = io.WriteString(h, part)
	}
	h.Sum(key[:0])
	return key, true
}

// deterministic says whether the request has only one answer.
func deterministic(path string, fields map[string]any) bool {
	if path == "/embeddings" {
		return true
	}
	if n, ok := fields["temperature"].(json.Number); ok {
		if f, err := n.Float64(); err == nil && f == 0 {
			return true
		}
	}
	_, seed := fields["seed"].(json.Number)
	return seed
}

// harmless says whether nothing but the answer comes of the request.
func harmless(path string, fields map[string]any) bool {
	store, _ := fields["store"].(bool)
	return !store && slices.Contains([]string{"/chat/completions", "/completions", "/embeddings"}, path)
}
