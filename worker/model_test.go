package worker

import "testing"

// What one connection, its server, its movers, the receiver and the client can do,
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

// modelMover is one of two movers: while the first hands over, an order with
// other targets may start the second.
type modelMover uint8

const (
	nobody modelMover = iota
	firstMover
	secondMover
	movers
)

type world struct {
	state        connState
	past         bool         // the read deadline is over
	bound        modelMover   // c.mover
	over         [movers]bool // mover.over: it takes none any more
	claimed      [movers]int8 // mover.claimed, as far as this connection is concerned
	second       bool         // another mover has begun, whatever the first is at
	engine       modelEngine
	way          modelWay
	via          modelMover // whose queue or batch it is in
	acked        bool       // taken is in the sender's queue
	peer         bool       // the receiver has a copy
	peerOwns     bool
	ours         bool // our descriptor is open
	late         bool // closed for its age just before bytes came: as without any hand-off
	fixed        bool // it never moves
	cut          bool // the watchdog answered in the handler's place, so it closes
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
	w.unbind()
}

// ask is conn.depart.
func (w *world) ask(t *testing.T, by modelMover) {
	w.step(t, evLeave)
	w.claimed[by]++
	w.bound, w.past = by, true
}

// unbind is conn.unbind.
func (w *world) unbind() {
	if w.bound != nobody {
		w.claimed[w.bound]--
		w.bound = nobody
	}
}

// back is mover.giveBack.
func (w *world) back(t *testing.T) {
	w.step(t, evStay)
	w.unbind()
	w.past, w.way, w.via, w.engine = false, wayNone, nobody, engRead
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
	try(w.sent < 3, func(n *world) { n.sent++; n.kernel++ })
	// Somebody asks it to leave: a mover, or the watchdog.
	try(w.state.free() && !w.over[firstMover] && !w.fixed, func(n *world) { n.ask(t, firstMover) })
	try(w.state.free() && w.second && !w.over[secondMover] && !w.fixed, func(n *world) { n.ask(t, secondMover) })
	try(w.state.free(), func(n *world) { n.step(t, evLeave); n.past = true })
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
		bound := n.bound != nobody
		switch part(bound, bound && !n.over[n.bound], !bound && n.kernel > 0) {
		case partMove:
			n.step(t, evMove)
			n.engine = engLetGo
		case partServe:
			if n.past = false; bound {
				n.step(t, evStay)
				n.unbind()
			}
		case partClose:
			n.engine, n.late = engLetGo, !bound
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
			n.unbind()
			n.ours = false
		case n.over[n.bound]:
			n.back(t)
		default:
			n.way, n.via = wayQueued, n.bound
		}
	})
	// The movers. One ends when it likes, but not in the middle of a batch of its own.
	for m := firstMover; m < movers; m++ {
		begun, offers := m == firstMover || w.second, w.via == m && (w.way == wayOffered || w.way == wayGivenUp)
		try(begun && !w.over[m] && !offers, func(n *world) {
			n.over[m] = true
			if n.via == m && n.way == wayQueued {
				n.back(t)
			}
		})
	}
	try(!w.second, func(n *world) { n.second = true })
	try(w.way == wayQueued && !w.peer, func(n *world) { n.way, n.peer = wayOffered, true })
	settled := func(n *world) {
		if n.acked {
			n.step(t, evClose)
			n.unbind()
			n.ours, n.way, n.via = false, wayNone, nobody
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
	case w.fixed && (w.bound != nobody || w.state == connMoving || w.peer):
		t.Fatalf("it moves although it must not: %+v", w)
	case w.cut && w.state != connAnswered && w.state != connClosed:
		t.Fatalf("served after the watchdog took it: %+v", w)
	case !w.ours && !w.peerOwns && !w.late && !w.cut:
		t.Fatalf("closed instead of moved: %+v", w)
	case w.way != wayNone && w.state != connMoving:
		t.Fatalf("on its way and %v: %+v", w.state, w)
	case w.bound != nobody && w.state != connLeaving && w.state != connMoving:
		t.Fatalf("claimed and %v: %+v", w.state, w)
	case w.via != nobody && w.via != w.bound:
		t.Fatalf("in the hands of a mover that has not claimed it: %+v", w)
	}
	for m := firstMover; m < movers; m++ {
		if claims := w.claimed[m]; claims != 0 && (claims != 1 || w.bound != m) {
			t.Fatalf("mover %d counts %d claims: %+v", m, claims, w)
		}
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
