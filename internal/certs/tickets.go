package certs

import (
	"crypto/rand"
	"time"
)

// TicketLife is how long one key seals the session tickets of new connections.
// Whoever has a key can read the TLS 1.2 sessions that were sealed with it.
const TicketLife = 24 * time.Hour

// pastKeys is how many former keys still open tickets.
const pastKeys = 2

// Tickets are the keys that seal and open session tickets: the one in use,
// former ones, and last the next one, which every worker knows before the first
// one uses it. The same keys everywhere are what lets a client resume its
// session at any worker, of any generation.
type Tickets struct {
	Keys [][]byte  // 32 random bytes each
	Made time.Time // when the first one began to seal
}

// NewTickets makes the first keys.
func NewTickets(now time.Time) Tickets {
	return Tickets{Keys: [][]byte{newKey(), newKey()}, Made: now}
}

// Due is when the next key begins to seal.
func (t Tickets) Due() time.Time { return t.Made.Add(TicketLife) }

// Turn lets the next key seal if it is time. It returns the keys as they are
// from now on, and whether they are others. A clock that was set back
// by more than a life does not keep a key for ever.
func (t Tickets) Turn(now time.Time) (Tickets, bool) {
	if len(t.Keys) < 2 {
		return NewTickets(now), true
	}
	if now.Before(t.Due()) && !now.Before(t.Made.Add(-TicketLife)) {
		return t, false
	}
	last := len(t.Keys) - 1
	keys := append([][]byte{t.Keys[last]}, t.Keys[:min(last, pastKeys)]...)
	return Tickets{Keys: append(keys, newKey()), Made: now}, true
}

func newKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	return key
}
