package ledger

import (
	"math"
	"time"
)

// Samples is how many are kept: 15 minutes at one a second.
const Samples = 900

// Sample is the service in one second, for a picture of the last minutes. It
// lies in the ledger so that an upgrade does not tear the picture.
type Sample struct {
	Time        time.Time
	Requests    float64 // per second
	Errors      float64 // status 5xx or none, per second
	P50         time.Duration
	P95         time.Duration
	P99         time.Duration
	Connections int
	InFlight    int
	Queue       int // connections that wait to be accepted
	Ready       int // workers
	Permits     int // in use, the fullest limit's
	Waiting     int // for a permit
}

type sample struct {
	time             word // unix nanoseconds; 0 while it is being written
	requests, errors word
	p50, p95, p99    word
	gauges           [6]word
	_                [4]word
}

type ring struct {
	next word // samples ever written
	_    [7]word
	list [Samples]sample
}

// Record keeps a sample. Only the master that serves may call it, from one goroutine.
func (l *Ledger) Record(s Sample) {
	r := &l.head.samples
	n := r.next.Load()
	at := &r.list[n%Samples]
	at.time.Store(0)
	at.requests.Store(math.Float64bits(s.Requests))
	at.errors.Store(math.Float64bits(s.Errors))
	at.p50.Store(uint64(s.P50))
	at.p95.Store(uint64(s.P95))
	at.p99.Store(uint64(s.P99))
	for i, v := range []int{s.Connections, s.InFlight, s.Queue, s.Ready, s.Permits, s.Waiting} {
		at.gauges[i].Store(uint64(max(v, 0)))
	}
	at.time.Store(uint64(s.Time.UnixNano()))
	r.next.Store(n + 1)
}

// Recorded returns the samples that are kept and younger than since, the oldest first.
func (l *Ledger) Recorded(since time.Time) []Sample {
	r := &l.head.samples
	end := r.next.Load()
	var all []Sample
	for n := end - min(end, Samples); n < end; n++ {
		at := &r.list[n%Samples]
		t := at.time.Load()
		if t == 0 || !time.Unix(0, int64(t)).After(since) {
			continue
		}
		g := func(i int) int { return int(min(at.gauges[i].Load(), math.MaxInt32)) }
		s := Sample{
			Time:     time.Unix(0, int64(t)),
			Requests: math.Float64frombits(at.requests.Load()), Errors: math.Float64frombits(at.errors.Load()),
			P50: duration(at.p50.Load()), P95: duration(at.p95.Load()), P99: duration(at.p99.Load()),
			Connections: g(0), InFlight: g(1), Queue: g(2), Ready: g(3), Permits: g(4), Waiting: g(5),
		}
		if at.time.Load() == t {
			all = append(all, s)
		}
	}
	return all
}
