// Package keys knows the API keys of our own clients by their hashes.
package keys

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"
)

// Key is a client that may use the API.
type Key struct {
	Name   string
	Models []string // names, or beginnings with a * at the end; none is every model
}

// May says whether the client may use a model.
func (k *Key) May(model string) bool {
	if len(k.Models) == 0 {
		return true
	}
	for _, m := range k.Models {
		if begin, open := strings.CutSuffix(m, "*"); m == model || open && strings.HasPrefix(model, begin) {
			return true
		}
	}
	return false
}

// Ring finds keys. It does not change after [New], so any number of goroutines
// may use it. A ring without keys lets everybody in.
type Ring struct {
	hashes [][sha256.Size]byte
	keys   []Key
}

// New returns a ring without keys.
func New() *Ring { return &Ring{} }

// Add makes a key known by its SHA-256 in hexadecimal. It is not for use
// together with Find.
func (r *Ring) Add(key Key, hash string) error {
	var sum [sha256.Size]byte
	raw, err := hex.DecodeString(hash)
	if err != nil || len(raw) != len(sum) {
		return fmt.Errorf("cannot use key %s: its hash is no SHA-256 in hexadecimal", key.Name)
	}
	copy(sum[:], raw)
	r.hashes, r.keys = append(r.hashes, sum), append(r.keys, key)
	return nil
}

// Empty says that no key is needed.
func (r *Ring) Empty() bool { return len(r.keys) == 0 }

// Find returns the client that has the key token, or nil. It takes the same
// time for each client and for nobody: hashes are compared as a whole, all of them.
func (r *Ring) Find(token []byte) *Key {
	sum := sha256.Sum256(token)
	found := -1
	for i := range r.hashes {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(sum[:], r.hashes[i][:]), i, found)
	}
	if found < 0 {
		return nil
	}
	return &r.keys[found]
}
