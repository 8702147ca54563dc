package ledger

import (
	"encoding/binary"
	"strings"
	"sync/atomic"
)

// register returns the number of a name, giving it one if it has none. 0 when there is no
// room. Only the master that serves may call it, from one goroutine.
func register(count *atomic.Uint64, list []name, text string) int {
	text = text[:min(len(text), NameLen)]
	n := known(count, list)
	for i, have := range n {
		if have == text {
			return i
		}
	}
	if len(n) == len(list) || text == "" {
		return 0
	}
	list[len(n)].set(text)
	count.Store(uint64(len(n)) + 1)
	return len(n)
}

// known are the names so far, by number.
func known(count *atomic.Uint64, list []name) []string {
	all := make([]string, min(count.Load(), uint64(len(list))))
	for i := range all {
		all[i] = list[i].get()
	}
	return all
}

func (n *name) set(text string) {
	var buf [NameLen]byte
	copy(buf[:], text)
	for i := range n.text {
		n.text[i].Store(binary.LittleEndian.Uint64(buf[8*i:]))
	}
}

func (n *name) get() string {
	var buf [NameLen]byte
	for i := range n.text {
		binary.LittleEndian.PutUint64(buf[8*i:], n.text[i].Load())
	}
	text, _, _ := strings.Cut(string(buf[:]), "\x00")
	return strings.ToValidUTF8(text, "?")
}

// AddRoutes gives routes their numbers. What finds no room counts as [Other].
func (l *Ledger) AddRoutes(routes []string) {
	for _, r := range routes {
		register(&l.head.routes.count, l.head.routes.list[:], r)
	}
}

// AddCauses gives causes of death their numbers.
func (l *Ledger) AddCauses(causes []string) {
	for _, c := range causes {
		register(&l.head.causes.count, l.head.causes.list[:], c)
	}
}

// AddUpstreams gives upstreams their numbers. What finds no room counts as [Other].
func (l *Ledger) AddUpstreams(names []string) {
	u := &l.head.upstreams
	if u.count.Load() == 0 {
		register(&u.count, u.list[:], Other)
	}
	for _, n := range names {
		register(&u.count, u.list[:], n)
	}
}

// Upstreams are the names of the upstreams by number; the first is [Other]. There
// are none before the first [Ledger.AddUpstreams].
func (l *Ledger) Upstreams() []string {
	return known(&l.head.upstreams.count, l.head.upstreams.list[:])
}

// Routes are the names of the routes by number; the first is [Other].
func (l *Ledger) Routes() []string { return known(&l.head.routes.count, l.head.routes.list[:]) }

// Causes are the names of the causes of death by number; the first is [Other].
func (l *Ledger) Causes() []string { return known(&l.head.causes.count, l.head.causes.list[:]) }
