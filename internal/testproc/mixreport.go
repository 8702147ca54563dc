package testproc

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is what a client of a [Mix] does.
type Kind string

// The kinds of clients.
const (
	Busy       Kind = "busy"
	Thinking   Kind = "thinking"
	Connecting Kind = "connecting"
	Streaming  Kind = "streaming"
)

// MixReport is what the clients of a mix saw, all together.
type MixReport struct {
	Began    time.Time
	Requests int
	Outcomes map[Outcome]int
	PIDs     map[int]int // answers by process
	Streams  int         // streams that came whole
	// Connects counts connections made, Reconnects those that busy and thinking
	// clients made though they meant to keep the first one. StreamReconnects are
	// those between two streams of one client.
	Connects, Reconnects, StreamReconnects int
	Misses                                 []Miss
	Closes                                 []Close
	Samples                                []Sample // every request that was no stream
}

// Miss is a request that failed.
type Miss struct {
	Kind       Kind
	Start, End time.Time
	Local      string // the client's end, "" when it did not get as far
	Owner      int    // pid of the connection's last answer, 0 for the first request
	Result     Result
}

// The ways in which a server ends a connection that its client wanted to keep,
// other than under a request.
const (
	ClosedIdle      = "idle"      // between two requests, without a word
	ClosedAnnounced = "announced" // by Connection: close
)

// Close is such an end.
type Close struct {
	Kind  Kind
	At    time.Time
	Local string
	Owner int
	How   string
}

// Sample is the time that one request took.
type Sample struct {
	Kind           Kind
	Fresh, OK      bool          // Fresh: the connection's first request
	Start, Elapsed time.Duration // Start counts from the report's Began
	Owner          int           // pid of the answer, or of the one before
}

func (r *MixReport) add(o MixReport) {
	r.Requests += o.Requests
	r.Streams += o.Streams
	r.Connects += o.Connects
	r.Reconnects += o.Reconnects
	r.StreamReconnects += o.StreamReconnects
	for k, n := range o.Outcomes {
		r.Outcomes[k] += n
	}
	for k, n := range o.PIDs {
		r.PIDs[k] += n
	}
	r.Misses = append(r.Misses, o.Misses...)
	r.Closes = append(r.Closes, o.Closes...)
	r.Samples = append(r.Samples, o.Samples...)
}

// Failed counts the requests that were not OK.
func (r MixReport) Failed() int { return r.Requests - r.Outcomes[OK] }

// Latency is a quantile (0.5 is the median) of the successful requests, 0
// when there are none.
func (r MixReport) Latency(q float64) time.Duration {
	var all []time.Duration
	for _, s := range r.Samples {
		if s.OK {
			all = append(all, s.Elapsed)
		}
	}
	return Quantile(all, q)
}

// Quantile sorts all and returns the value below which the share q of them is.
func Quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(int(q*float64(len(all))), len(all)-1)]
}

// ExpectUnnoticed fails the test when a client noticed anything: a failed
// request or a connection that it had to make anew. So does a load of nothing.
// A connection that ends, announced, with a stream older than every worker that
// its worker knew is no failure.
func (r MixReport) ExpectUnnoticed(t T) {
	t.Helper()
	if r.Requests == 0 || r.Failed() > 0 || r.Reconnects > 0 {
		t.Errorf("clients noticed: %v", r)
	}
}

// Failures counts the outcomes that are no success, in words.
func (r MixReport) Failures() string {
	var parts []string
	for _, outcome := range []Outcome{Status, Refused, ResetFresh, ResetReused, Truncated, Timeout, Malformed} {
		if n := r.Outcomes[outcome]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, outcome))
		}
	}
	return strings.Join(parts, ", ")
}

// String is for failure messages.
func (r MixReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d requests and %d streams from %d processes, %d failed (%s), %d reconnects, %d between two streams",
		r.Requests, r.Streams, len(r.PIDs), r.Failed(), r.Failures(), r.Reconnects, r.StreamReconnects)
	for i, m := range r.Misses {
		if i == 10 {
			fmt.Fprintf(&b, "\n... %d more", len(r.Misses)-i)
			break
		}
		fmt.Fprintf(&b, "\n%s client %s, owner %d, at %s: %v", m.Kind, m.Local, m.Owner, m.Start.UTC().Format("15:04:05.000"), m.Result)
	}
	for i, c := range r.Closes {
		if i == 5 {
			fmt.Fprintf(&b, "\n... %d more closes", len(r.Closes)-i)
			break
		}
		fmt.Fprintf(&b, "\n%s client: closed %s by %d at %s: %s", c.Kind, c.How, c.Owner, c.At.UTC().Format("15:04:05.000"), c.Local)
	}
	return b.String()
}
