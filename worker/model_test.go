package worker

import "testing"

// What one connection, its server, its mover, the receiver and the client can do,
// in every order. The states and decisions are the real ones; everything else
// is a step that the code takes under a lock or that the kernel takes at once.

type modelEngine uint8

const (
	engRead   modelEngine = iota // in Read, or about to
	engGot                       // the kernel has given it bytes, the wrapper has not noticed
	engHandle                    // a request is under way
	engLetGo                     // Read said end of file; Close comes
	engGone                      // Close was called
)

type modelWay uint8

const (
	wayNone    modelWay = iota
	wayQueued           // in the mover's hands
	wayOffered          // the receiver may have a copy
	wayGivenUp          // the mover waited long enough and refuses to hear taken
)

type world struct {
	state        connState
	bound, past  bool // c.mover is set; the read deadline is over
	over         bool // nobody takes any more
	engine       modelEngine
	way          modelWay
	acked        bool // taken is in the sender's queue
	peer         bool // the receiver has a copy
	peerOwns     bool
	ours         bool // our descriptor is open
	late         bool // closed for its age just before bytes came: as without any hand-off
	fixed        bool // it never moves
	cut          bool // the watchdog answered in the handler's place, so it closes
	again        bool // a second mover came after the first had given up
	kernel, held int8 // requests nobody has read; read here and not answered
	sent         int8
}

// step is the connection's transition; an impossible one ends the test.
func (w *world) step(t *testing.T, e connEvent) {
	to, ok := w.state.next(e)
	if !ok {
		t.Fatalf("event %d is impossible in %+v", e, *w)
	}
	w.state = to
}

// begin is conn.begin.
func (w *world) begin(t *testing.T) {
	if w.state == connLeaving {
		w.past = false
	}
	w.step(t, evRequest)
	w.bound = false
}

// back is mover.giveBack.
func (w *world) back(t *testing.T) {
	w.step(t, evStay)
	w.bound, w.past, w.way, w.engine = false, false, wayNone, engRead
}

// moves are all worlds that one step leads to.
func (w world) moves(t *testing.T) (next []world) {
	try := func(allowed bool, f func(*world)) {
		if allowed {
			n := w
			f(&n)
			next = append(next, n)
		}
	}
	idle := w.state == connFresh || w.state == connIdle
	try(w.sent < 3, func(n *world) { n.sent++; n.kernel++ })
	// Somebody asks it to leave: the mover, or the watchdog.
	try(idle && !w.over && !w.fixed, func(n *world) { n.step(t, evLeave); n.bound, n.past = true, true })
	try(idle, func(n *world) { n.step(t, evLeave); n.past = true })
	// The server's goroutine.
	try(w.engine == engRead && !w.past && w.kernel > 0, func(n *world) { n.kernel--; n.held++; n.engine = engGot })
	// The client sends ahead: all of it is in the server's buffer.
	try(w.engine == engRead && !w.past && w.kernel > 1, func(n *world) { n.kernel, n.held = 0, n.held+n.kernel; n.engine = engGot })
	try(w.engine == engGot, func(n *world) {
		if n.state != connActive {
			n.begin(t)
		}
		n.engine = engHandle
	})
	try(w.engine == engRead && w.past, func(n *world) {
		switch part(n.bound, n.bound && !n.over, !n.bound && n.kernel > 0) {
		case partMove:
			n.step(t, evMove)
			n.engine = engLetGo
		case partServe:
			if n.past = false; n.bound {
				n.step(t, evStay)
				n.bound = false
			}
		case partClose:
			n.engine, n.late = engLetGo, !n.bound
		}
	})
	try(w.engine == engHandle && w.state == connActive, func(n *world) {
		n.held--
		n.step(t, evDone)
		n.engine = engRead
		if n.held > 0 {
			n.engine = engGot // the next one is in the buffer; nobody reads for it
		}
	})
	// The watchdog: the client has its answer, the handler runs on, the rest of the buffer goes with the connection.
	try(w.engine == engHandle && w.state == connActive, func(n *world) {
		n.step(t, evAnswer)
		n.cut, n.held = true, 0
	})
	try(w.engine == engHandle && w.state == connAnswered, func(n *world) { n.step(t, evDone); n.engine = engLetGo })
	try(w.engine == engLetGo, func(n *world) {
		n.engine = engGone
		switch {
		case n.state != connMoving:
			n.step(t, evClose)
			n.ours, n.bound = false, false
		case n.over:
			n.back(t)
		default:
			n.way = wayQueued
		}
	})
	// The mover.
	try(!w.over && w.way != wayOffered && w.way != wayGivenUp, func(n *world) {
		n.over = true
		if n.way == wayQueued {
			n.back(t)
		}
	})
	try(w.over && !w.again && !w.bound && w.way == wayNone, func(n *world) { n.over, n.again = false, true })
	try(w.way == wayQueued && !w.peer, func(n *world) { n.way, n.peer = wayOffered, true })
	settled := func(n *world) {
		if n.acked {
			n.step(t, evClose)
			n.ours, n.bound, n.way = false, false, wayNone
		} else {
			n.way = wayQueued // the next target, or nobody: see above
		}
	}
	try(w.way == wayOffered && w.acked, settled)
	try(w.way == wayOffered && !w.peer, settled) // the receiver died
	try(w.way == wayOffered, func(n *world) { n.way = wayGivenUp })
	try(w.way == wayGivenUp, settled)
	// The receiver: its taken fails once it is refused.
	try(w.peer && !w.peerOwns && w.way == wayOffered, func(n *world) { n.acked, n.peerOwns = true, true })
	try(w.peer && !w.peerOwns && w.way != wayOffered, func(n *world) { n.peer = false })
	try(w.peer && !w.peerOwns, func(n *world) { n.peer = false }) // it dies
	try(w.peerOwns && w.kernel > 0, func(n *world) { n.kernel-- })
	return next
}

func (w world) check(t *testing.T) {
	here := w.ours && w.state != connMoving && w.state != connClosed
	switch {
	case here && w.peerOwns:
		t.Fatalf("two owners: %+v", w)
	case w.ours && w.peerOwns && w.engine != engGone:
		t.Fatalf("the server still has what is another worker's: %+v", w)
	case w.held > 0 && (w.peerOwns || w.state == connMoving || !w.ours):
		t.Fatalf("a request that was read moved or was closed: %+v", w)
	case w.fixed && (w.bound || w.state == connMoving || w.peer):
		t.Fatalf("it moves although it must not: %+v", w)
	case w.cut && w.state != connAnswered && w.state != connClosed:
		t.Fatalf("served after the watchdog took it: %+v", w)
	case !w.ours && !w.peerOwns && !w.late && !w.cut:
		t.Fatalf("closed instead of moved: %+v", w)
	case w.way != wayNone && w.state != connMoving:
		t.Fatalf("on its way and %v: %+v", w.state, w)
	}
}

func TestEveryInterleaving(t *testing.T) {
	starts := []world{{ours: true}, {ours: true, fixed: true}}
	seen, back := map[world]bool{starts[0]: true, starts[1]: true}, map[world][]world{}
	for todo := starts; len(todo) > 0; {
		w := todo[0]
		todo = todo[1:]
		w.check(t)
		for _, n := range w.moves(t) {
			back[n] = append(back[n], w)
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	// From everywhere a request that was sent can still be answered, but after a
	// close for age that it just missed, or one that the watchdog's answer announced.
	var answered []world
	can := map[world]bool{}
	for w := range seen {
		if w.kernel == 0 && w.held == 0 || (w.late || w.cut) && w.engine == engGone {
			can[w] = true
			answered = append(answered, w)
		}
	}
	for len(answered) > 0 {
		w := answered[0]
		answered = answered[1:]
		for _, b := range back[w] {
			if !can[b] {
				can[b] = true
				answered = append(answered, b)
			}
		}
	}
	states := map[connState]bool{}
	for w := range seen {
		states[w.state] = true
		if !can[w] {
			t.Errorf("a request is stuck: %+v", w)
		}
	}
	if len(seen) < 1000 || !states[connMoving] || !states[connClosed] || !states[connAnswered] {
		t.Errorf("only %d worlds were seen", len(seen))
	}
	t.Logf("%d worlds", len(seen))
}
