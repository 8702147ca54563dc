package testproc

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What the master logs of a worker's death beside MsgDied: a line per request
// under way, and the clients of the connections that had none.
const (
	MsgLost    = "request lost"
	MsgClosed  = "idle connections lost"
	msgLostCut = "more requests lost; see the record"
	keyClient  = "client"
	keyClients = "clients"
	keyIdle    = "idle"
)

// recordDelay bounds the time between a client's failure and the line that
// explains it, the log's way to us included. The address is what matches.
const recordDelay = 5 * time.Second

// Losses is what became of the failures in a [MixReport], each held against
// what the master read on the dead workers' scoreboards.
type Losses struct {
	Deaths int
	// Recorded is how many requests the master named as lost, and InFlight how
	// many of them failed at a client; the others' answers were out already.
	Recorded, InFlight int
	// Unread are resets on a connection that the dead worker held without a
	// request: the bytes were still in the kernel.
	Unread int
	// Arriving are resets on a fresh connection that no table names. Between
	// accept(2) and the entry in the table lie some instructions, so each
	// death explains one; more would have been in a queue.
	Arriving int
	// Idle is how many connections were closed between two requests, all of
	// them in a dead worker's table.
	Idle int
	// Unexplained are all other failures and closes, in words.
	Unexplained []string
}

// String is for failure messages.
func (l Losses) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d deaths, %d of %d recorded requests failed, %d unread, %d arriving, %d closed idle",
		l.Deaths, l.InFlight, l.Recorded, l.Unread, l.Arriving, l.Idle)
	for _, text := range l.Unexplained {
		fmt.Fprintf(&b, "\nunexplained: %s", text)
	}
	return b.String()
}

// Expect fails the test when a client lost anything that no dead worker held.
// Killed at random, a worker is rarely between accept(2) and the entry.
func (l Losses) Expect(t T) {
	t.Helper()
	if len(l.Unexplained) > 0 || l.Arriving > 1+l.Deaths/20 {
		t.Errorf("more was lost than dead workers held: %v", l)
	}
}

// recorded is one connection that a dead worker held.
type recorded struct {
	client string
	at     time.Time
	busy   bool
}

// Explain holds every failure and every unannounced close of r against the log.
// Each record explains one. It fails if the log does not name all there was.
func Explain(log *Log, r MixReport) (Losses, error) {
	var l Losses
	records, arrivals, err := l.read(log)
	if err != nil {
		return l, err
	}
	claim := func(local string, at time.Time, busy bool) bool {
		i := slices.IndexFunc(records, func(x recorded) bool {
			return x.client == local && x.busy == busy && x.at.Sub(at).Abs() < recordDelay
		})
		if i >= 0 {
			records = slices.Delete(records, i, i+1)
		}
		return i >= 0
	}
	for _, miss := range r.Misses {
		outcome := miss.Result.Outcome
		reset := outcome == ResetFresh || outcome == ResetReused
		switch {
		case (reset || outcome == Truncated) && claim(miss.Local, miss.End, true):
			l.InFlight++
		case reset && claim(miss.Local, miss.End, false):
			l.Unread++
		case outcome == ResetFresh && arrive(&arrivals, miss.End):
			l.Arriving++
		default:
			l.Unexplained = append(l.Unexplained, fmt.Sprintf("%s client %s, last answer from %d, at %s: %v",
				miss.Kind, miss.Local, miss.Owner, miss.End.UTC().Format("15:04:05.000"), miss.Result))
		}
	}
	for _, c := range r.Closes {
		switch {
		case c.How != ClosedIdle:
		case claim(c.Local, c.At, false), claim(c.Local, c.At, true):
			l.Idle++
		default:
			l.Unexplained = append(l.Unexplained, fmt.Sprintf("%s client %s, last answer from %d, closed idle at %s",
				c.Kind, c.Local, c.Owner, c.At.UTC().Format("15:04:05.000")))
		}
	}
	return l, nil
}

// read collects the records, and the times of the deaths.
func (l *Losses) read(log *Log) (records []recorded, deaths []time.Time, err error) {
	for _, line := range log.Lines(0, nil) {
		switch line.Msg() {
		case MsgDied:
			l.Deaths++
			deaths = append(deaths, line.Seen)
		case MsgLost:
			l.Recorded++
			records = append(records, recorded{line.Str(keyClient), line.Seen, true})
		case MsgClosed:
			clients := strings.Fields(line.Str(keyClients))
			if n := line.Int(keyIdle); n != len(clients) {
				return nil, nil, fmt.Errorf("the log names %d of %d idle connections of a dead worker, so they cannot be compared", len(clients), n)
			}
			for _, client := range clients {
				records = append(records, recorded{client, line.Seen, false})
			}
		case msgLostCut:
			return nil, nil, fmt.Errorf("the log does not name every lost request, so they cannot be compared: %s", line.Text)
		}
	}
	return records, deaths, nil
}

// arrive uses one death up.
func arrive(deaths *[]time.Time, at time.Time) bool {
	i := slices.IndexFunc(*deaths, func(d time.Time) bool { return d.Sub(at).Abs() < time.Second })
	if i >= 0 {
		*deaths = slices.Delete(*deaths, i, i+1)
	}
	return i >= 0
}
