package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// patience bounds every single wait.
const patience = 20 * time.Second

// bench is one run of everything.
type bench struct {
	*testproc.Host
	options
	built   programs
	peers   []peer
	missing []string
	results map[string]*result
	trouble []string
}

// result is what was seen of one peer.
type result struct {
	rounds []round
	reload *loss
	kill   *loss
	stop   *stall
	boots  []bootTime
}

// interleave measures every peer once per round, in an order that turns
// around, so that a slow drift of the machine cancels out. A peer that fails is
// named in the report and does not stop the others.
func (b *bench) interleave(what string, rounds int, do func(peer)) {
	peers := slices.Clone(b.peers)
	for i := range rounds {
		for _, p := range peers {
			b.Logf("%s %d of %d: %s", what, i+1, rounds, p.name)
			b.Forgive()
			if whole := b.Do(func() { do(p) }); !whole || b.Failed() {
				b.trouble = append(b.trouble, fmt.Sprintf("%s of %s", what, p.name))
			}
		}
		slices.Reverse(peers)
	}
}

// launch starts a peer and returns at once. The cleanup kills it.
func (b *bench) launch(p peer) *server {
	at := newPlace(b.Host, p.workers, b.built)
	c := p.command(at)
	s := &server{peer: p, addr: at.address()}
	s.Process = testproc.Start(b, testproc.Options{Binary: c.binary, Args: c.args, Env: c.env, Dir: at.dir})
	if c.announces {
		s.addr = s.Addr()
	}
	return s
}

// start starts a peer and waits until it answers and has all its workers.
func (b *bench) start(p peer) *server {
	s := b.launch(p)
	testproc.Eventually(b, patience, testproc.Every, func() bool {
		return s.answers() && len(s.workerPIDs()) >= p.workers
	}, p.name+" answers with all workers")
	return s
}
