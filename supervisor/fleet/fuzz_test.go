package fleet

import (
	"math"
	"testing"
	"time"
)

// FuzzStep feeds any events in any order: lies about workers that never were,
// double deaths, zero limits, clocks that jump. The core must not panic, and
// what the rig checks must hold; so must the end after a Stop.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 3, 1, 1, 1, 2, 1, 3, 9, 2, 1, 4, 1, 5, 1, 6})
	f.Add([]byte{0, 2, 2, 1, 4, 2, 2, 0})
	f.Add([]byte{0, 1, 1, 1, 10, 1, 1, 2, 10, 255, 11, 0, 12, 0})
	f.Add([]byte{0, 2, 1, 1, 1, 2, 6, 1, 13, 200, 13, 200, 13, 200, 7, 1, 5, 1, 5, 2, 1, 3, 1, 4})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := newRig(t)
		r.laxWake = true
		for len(data) >= 2 {
			op, arg := data[0], data[1]
			data = data[2:]
			if e := fuzzEvent(r, op, arg); e != nil {
				r.send(e)
			}
			if len(r.procs) > 300 || len(r.f.slots) > 40 {
				return
			}
		}
		r.send(Stop{})
		for _, id := range r.living() {
			r.send(Exited{ID: id})
		}
		if p := r.f.View().Phase; p != PhaseExited {
			t.Fatalf("all workers are gone, but the fleet is %s", p)
		}
	})
}

func fuzzEvent(r *rig, op, arg byte) Event {
	id := ID(arg & 31)
	roll := []float64{0, 0.5, 1, -7, math.NaN(), math.Inf(1)}[arg%6]
	policy := testPolicy(int(arg&7) - 1)
	if arg&8 != 0 {
		policy = Policy{Workers: int(arg & 7), MaxMemory: 1} // no limit has any length
	}
	switch op % 16 {
	case 0:
		return Start{Generation: 1, Policy: policy}
	case 1:
		return Ready{ID: id}
	case 2:
		return Exited{ID: id, Code: int(arg >> 5), Detail: "died", Roll: roll}
	case 3:
		return Exited{ID: id, Code: -1, Outside: true, Roll: roll}
	case 4:
		if p := r.procs[id]; p != nil && !p.booting {
			return nil // the rig would lose sight of a process that lives on
		}
		return SpawnFailed{ID: id, Err: "no", Roll: roll}
	case 5:
		return RecycleDue{ID: id, Reason: ReasonRequests}
	case 6:
		return Stuck{ID: id, Detail: "GET /"}
	case 7:
		return Reload{Generation: Generation(arg), Policy: policy}
	case 8:
		return Scale{Delta: int(int8(arg)) / 16}
	case 9:
		return Park{}
	case 10:
		return Stop{Quick: arg&1 == 1}
	case 11:
		return nil
	case 12:
		r.now = r.now.Add(time.Duration(arg) * time.Second) // asleep
		return Tick{}
	case 13:
		r.wait(time.Duration(arg) * 10 * time.Millisecond)
		return Tick{}
	case 14:
		if p := r.procs[id]; p != nil {
			p.silent, p.streams, p.memory = r.now, int(arg>>7), int64(arg>>6)
		}
		return Tick{}
	default:
		beat := r.now.Add(time.Duration(int8(arg)) * time.Hour) // from the future, too
		return Sampled{Readings: []Reading{{ID: id, Beat: beat, Streams: -1, Memory: int64(arg)}}}
	}
}
