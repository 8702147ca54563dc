package scoreboard

import (
	"encoding/binary"
	"math"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"
)

// FuzzReader lets a worker that went mad write anything after the identity:
// the master still reads without a panic, and nothing it reads is absurd.
func FuzzReader(f *testing.F) {
	f.Add([]byte{}, uint16(0), int64(0))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"), uint16(0), int64(math.MaxInt64))
	f.Add([]byte("\x02\x00\x01\x00\x00\x00\x00\x00"), uint16(tableAt), int64(-1))
	f.Add([]byte("\x03\x03\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"), uint16(tableAt+256), int64(1))
	f.Fuzz(func(t *testing.T, pattern []byte, at uint16, now int64) {
		const entries = 3
		// Words, so that the memory is aligned like a mapping.
		words := make([]uint64, boardSize(entries)/8)
		mem := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), boardSize(entries))
		// The pattern repeats from at to the end, or once more from the start.
		for i := range mem {
			if len(pattern) > 0 {
				mem[(int(at)+i)%len(mem)] = pattern[i%len(pattern)]
			}
		}
		garbage := make([]byte, len(mem))
		copy(garbage, mem)
		if b, err := attach(mem); err == nil {
			read(t, b, now)
		}
		for i, v := range []uint64{magic, Version, uint64(len(mem)), entries} {
			binary.NativeEndian.PutUint64(garbage[8*i:], v)
		}
		copy(mem, garbage)
		b, err := attach(mem)
		if err != nil {
			t.Fatal(err)
		}
		read(t, b, now)
	})
}

func read(t *testing.T, b *Board, now int64) {
	s := b.Snapshot()
	for _, gauge := range []int{s.Connections, s.InFlight, s.Streams} {
		if gauge < 0 || gauge > len(b.table) {
			t.Errorf("a gauge is %d of %d", gauge, len(b.table))
		}
	}
	if s.PID < 0 || s.Slot < 0 || s.Beat < 0 {
		t.Errorf("negative identity: %+v", s)
	}
	_ = s.State.String()
	list := b.InFlight(time.Duration(now))
	if len(list) > len(b.table) {
		t.Errorf("%d requests in %d entries", len(list), len(b.table))
	}
	for i, r := range list {
		if r.Age < 0 || r.Quiet < 0 || i > 0 && r.Age > list[i-1].Age {
			t.Errorf("ages are wrong: %+v", list)
		}
		for _, text := range []string{r.Method, r.Path, r.Client} {
			if !utf8.ValidString(text) || len(text) > PathLen {
				t.Errorf("text is %q", text)
			}
		}
	}
	h := b.Histogram()
	for _, q := range []float64{0, 0.5, 1} {
		if d := h.Quantile(q); d < 0 || d > MaxLatency {
			t.Errorf("quantile %v is %v", q, d)
		}
	}
	if h.Sum() < 0 {
		t.Errorf("sum is %v", h.Sum())
	}
	h.Merge(h)
	_ = h.Quantile(0.99)
}
