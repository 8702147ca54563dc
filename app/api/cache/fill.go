package cache

import (
	"bytes"
	"net/http"
)

// Fill is the duty to fetch an answer. It collects what is written; it must be closed
// in every case, and stores only after Done. It belongs to one goroutine.
//
// A Fill that is not responsible for the answer, because somebody else fetches it or
// the store is out of reach, takes everything and does nothing.
type Fill struct {
	cache  *Cache
	key    Key
	flight *flight
	claim  *claim

	contentType string
	body        bytes.Buffer
	begun       bool
	spoiled     bool
	entry       *Entry
}

// Begin says what answer it is.
func (f *Fill) Begin(status int, contentType string) {
	f.begun, f.contentType = true, contentType
	f.spoiled = f.spoiled || status != http.StatusOK
}

// Wanted says whether what is written may still be stored.
func (f *Fill) Wanted() bool { return f.cache != nil && !f.spoiled }

// Write takes the next bytes of the answer. It never fails: an answer that is too
// large is only not kept.
func (f *Fill) Write(p []byte) (int, error) {
	if !f.Wanted() {
		return len(p), nil
	}
	if int64(f.body.Len()+len(p)) > f.cache.config.MaxEntry {
		f.spoiled = true
		f.body = bytes.Buffer{}
		return len(p), nil
	}
	return f.body.Write(p)
}

// Done says that the answer is whole, and stores it if it is one to keep. With
// Redis it waits for that, Config.RedisTimeout at most.
func (f *Fill) Done() {
	if !f.Wanted() || !f.begun || f.flight == nil {
		return
	}
	e := &Entry{ContentType: f.contentType, Stream: isStream(f.contentType), Body: bytes.Clone(f.body.Bytes()), Stored: f.cache.now()}
	if e.whole() {
		f.entry = e
		f.cache.store.put(f.key, e)
	}
	f.Close()
}

// Close lets others go who wait for this answer. It may be called again.
func (f *Fill) Close() {
	if f.flight == nil {
		return
	}
	f.cache.land(f.key, f.flight, f.entry)
	f.claim.release()
	f.flight, f.body = nil, bytes.Buffer{}
}
