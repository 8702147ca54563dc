package worker

import "time"

// verdict is what the watchdog does about one connection.
type verdict uint8

const (
	vNone     verdict = iota
	vLeave            // ask it to leave while it is idle
	vStream           // it has a stream's time, and the master must know
	vTimeout          // answer in the handler's place, or give a begun response its last word
	vDraining         // the same, because the worker's budget is used up
	vCut              // the last word took too long: break the response off
	vSlow             // the client does not take the response
	vStuck            // the handler does not return after all that
	vDrop             // close an application's own connection
)

// glance is what the watchdog knows of one connection at one moment.
type glance struct {
	id      uint64 // of the exchange
	state   connState
	age     time.Duration // in this state; of the exchange when active
	quiet   time.Duration // without progress
	writing bool          // a write waits in the kernel
	begun   bool          // a byte of the response is out
	stream  bool
	warned  bool // it has been given its last word
	late    bool // that time is over

	head, body time.Duration // how long the client has taken for a request's head; how long its body was waited for
	bodyIn     uint64        // how much of that has come

	idle   bool          // HTTP/2 without streams that was not asked to go
	busy   bool          // HTTP/2 with streams
	ending time.Duration // how long the budget of a drain has been used up
}

// limits are a worker's patience. A zero duration is no limit.
type limits struct {
	fresh, idle, request, write, stuck time.Duration

	head, body time.Duration // for a request to arrive
}

// minRate is how many bytes of a body buy the client another second.
const minRate = 512

// tardy says whether the client takes too long over its request.
func tardy(g glance, l limits) bool {
	if over(g.head, l.head) {
		return true
	}
	bought := time.Duration(min(g.bodyIn/minRate, maxBought)) * time.Second
	return l.body > 0 && g.body > l.body+bought
}

// maxBought keeps the sum from overflowing.
const maxBought = 1 << 32

// phase is how far a drain has come.
type phase uint8

const (
	phaseServing phase = iota
	phaseDraining
	phaseLingered // connections that never spoke have waited long enough
	phaseSilent   // so have those that are idle: the service stops
	phaseGraceful // graceful_timeout is over: what has begun to answer goes on, and counts as a stream
	phaseStream   // stream_timeout is over too
)

// judge decides about one connection. It is a pure function.
func judge(g glance, l limits, p phase) verdict {
	switch g.state {
	case connFresh:
		if p >= phaseLingered || over(g.age, l.fresh) {
			return vLeave
		}
	case connIdle:
		if p >= phaseSilent || over(g.age, l.idle) {
			return vLeave
		}
	case connActive:
		return judgeActive(g, l, p)
	case connAnswered:
		if over(g.age, l.stuck) {
			return vStuck
		}
	case connHijacked:
		if p >= phaseStream {
			return vDrop
		}
	case connShared:
		switch {
		case p >= phaseStream && (!g.busy && g.quiet > settling || g.ending > lastWord+settling):
			return vDrop
		case g.idle && (p >= phaseSilent || over(g.age, l.idle)):
			return vLeave
		}
	case connLeaving, connClosed:
	}
	return vNone
}

func judgeActive(g glance, l limits, p phase) verdict {
	switch {
	case g.writing && over(g.quiet, l.write):
		return vSlow
	case g.warned && g.late:
		return vCut
	case g.warned:
		return vNone
	case p >= phaseStream:
		return vDraining
	case p >= phaseGraceful && !g.begun && !g.stream:
		return vDraining
	case over(g.quiet, l.request), tardy(g, l):
		return vTimeout
	case p >= phaseGraceful && !g.stream:
		return vStream // a long download, or whatever else began to answer in time
	}
	return vNone
}

func over(d, limit time.Duration) bool { return limit > 0 && d > limit }
