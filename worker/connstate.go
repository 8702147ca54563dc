package worker

// connState is where one connection is in its life.
type connState uint8

const (
	connFresh    connState = iota // accepted, not a byte came
	connActive                    // a request is under way, from its first byte to the last of the response
	connIdle                      // between requests
	connLeaving                   // asked to leave; a request that is just arriving still wins
	connMoving                    // the server has let go of it; another worker gets it
	connAnswered                  // the watchdog ended the exchange: nothing more is written, the handler may still run
	connHijacked                  // the application's own; only counted
	connShared                    // it speaks HTTP/2: its streams have the requests
	connClosed
)

// String names the state for logs.
func (s connState) String() string {
	return [...]string{"fresh", "active", "idle", "leaving", "moving", "answered", "hijacked", "shared", "closed"}[s]
}

// connEvent is what can happen to a connection.
type connEvent uint8

const (
	evRequest connEvent = iota // the first byte of a request is here
	evDone                     // the response has been written
	evLeave                    // please go while you are idle
	evMove                     // it goes, to another worker
	evStay                     // it cannot go after all and is served here
	evAnswer                   // the watchdog takes the connection away from the handler
	evHijack                   // the application takes it
	evShare                    // HTTP/2 takes it
	evClose
	connEvents
)

// no marks what cannot happen.
const no connState = 0xff

// connTable has a row per state and a column per event, in the order above.
var connTable = [...][connEvents]connState{
	//             request       done          leave        move        stay      answer        hijack        share       close
	connFresh:    {connActive, no, connLeaving, no, no, no, no, connShared, connClosed},
	connActive:   {connActive, connIdle, no, no, no, connAnswered, connHijacked, connShared, connClosed},
	connIdle:     {connActive, no, connLeaving, no, no, no, no, no, connClosed},
	connLeaving:  {connActive, no, connLeaving, connMoving, connIdle, no, no, connShared, connClosed},
	connMoving:   {no, no, no, no, connIdle, no, no, no, connClosed},
	connAnswered: {connAnswered, connAnswered, no, no, no, no, connAnswered, connAnswered, connClosed},
	connHijacked: {no, no, no, no, no, no, connHijacked, no, connClosed},
	connShared:   {no, no, no, no, no, no, no, no, connClosed},
	connClosed:   {no, no, no, no, no, no, connClosed, connClosed, connClosed},
}

// next is the only transition. ok is false, and the state stays, when the
// event cannot happen in s.
func (s connState) next(e connEvent) (to connState, ok bool) {
	if to = connTable[s][e]; to == no {
		return s, false
	}
	return to, true
}

// free says whether a connection can be asked to leave: nobody has asked yet, and
// nothing is under way. One that is leaving belongs to whoever asked.
func (s connState) free() bool { return s == connFresh || s == connIdle }

// parting is what becomes of a leaving connection whose server came back to read.
type parting uint8

const (
	partClose parting = iota // the server lets go and closes
	partMove                 // the server lets go and another worker gets it
	partServe                // it is served here: a request waits, or nobody else would
)

// part decides. bound: it was asked to leave for another worker; taker: one is
// there; unread: bytes of the client wait in the kernel, for whoever reads next.
func part(bound, taker, unread bool) parting {
	switch {
	case bound && taker:
		return partMove
	case bound || unread:
		return partServe
	}
	return partClose
}
