package steer

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/webchasor/webchasor/internal/sys"
)

// The four instructions that a program is made of (linux/bpf_common.h, linux/filter.h).
const (
	opLoad   = 0x20            // BPF_LD|BPF_W|BPF_ABS
	opReturn = 0x06            // BPF_RET|BPF_K
	opJump   = 0x05            // BPF_JMP|BPF_JA
	opJumpGE = 0x35            // BPF_JMP|BPF_JGE|BPF_K
	random   = 0xfffff000 + 56 // SKF_AD_OFF + SKF_AD_RANDOM
)

// execute interprets a program for one random number, as x/net/bpf's own
// machine knows no ExtRand. It returns the index and how many comparisons it took.
func execute(t *testing.T, prog []sys.BPFInstruction, number uint32) (index uint32, compared int) {
	t.Helper()
	if prog[0] != (sys.BPFInstruction{Op: opLoad, K: random}) {
		t.Fatalf("the first instruction is %+v", prog[0])
	}
	for pc := 1; pc < len(prog); pc++ {
		switch in := prog[pc]; in.Op {
		case opJumpGE:
			compared++
			if number >= in.K {
				pc += int(in.Jt)
			} else {
				pc += int(in.Jf)
			}
		case opJump:
			pc += int(in.K)
		case opReturn:
			return in.K, compared
		default:
			t.Fatalf("instruction %d is %+v", pc, in)
		}
	}
	t.Fatal("the program runs off its end")
	return 0, 0
}

// widths walks over all 2^32 random numbers by the jumps between indexes,
// which it finds at the program's own constants.
func widths(t *testing.T, prog []sys.BPFInstruction, n int) []uint64 {
	t.Helper()
	edges := map[uint64]bool{0: true, 1 << 32: true}
	for _, in := range prog {
		if in.Op == opJumpGE {
			edges[uint64(in.K)] = true
		}
	}
	sorted := make([]uint64, 0, len(edges))
	for e := range edges {
		sorted = append(sorted, e)
	}
	slices.Sort(sorted)
	got := make([]uint64, n)
	for i := range len(sorted) - 1 {
		first, _ := execute(t, prog, uint32(sorted[i]))
		last, _ := execute(t, prog, uint32(sorted[i+1]-1))
		if first != last || int(first) >= n {
			t.Fatalf("from %d to %d the index goes from %d to %d", sorted[i], sorted[i+1]-1, first, last)
		}
		got[first] += sorted[i+1] - sorted[i]
	}
	return got
}

// exact checks that every index has its part of the 2^32 random numbers.
func exact(t *testing.T, weights []uint32) {
	t.Helper()
	prog, err := Program(weights)
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, w := range weights {
		sum += float64(w)
	}
	for i, got := range widths(t, prog, len(weights)) {
		want := float64(weights[i]) / sum * (1 << 32)
		if math.Abs(float64(got)-want) > 1.001 || weights[i] == 0 && got > 0 {
			t.Errorf("index %d has %d of 2^32, want %.1f", i, got, want)
		}
	}
}

func TestProgramIsExact(t *testing.T) {
	const most = math.MaxUint32
	rng := rand.New(rand.NewPCG(3, 4))
	many := func(n int, weight func(i int) uint32) []uint32 {
		w := make([]uint32, n)
		for i := range w {
			w[i] = weight(i)
		}
		return w
	}
	for _, weights := range [][]uint32{
		{1},
		{0, 0, 7},
		{1, 1},
		{1, 2, 3},
		{0, 5, 0, 0, 5, 0},
		{most, most, most},
		{1, most},
		{most, 1},
		many(40, func(i int) uint32 { return uint32(i % 5) }),
		many(255, func(int) uint32 { return 1 }),
		many(256, func(int) uint32 { return rng.Uint32N(1 << 24) }),
		many(600, func(int) uint32 { return rng.Uint32() }),
		many(2000, func(int) uint32 { return most }),
	} {
		exact(t, weights)
	}
}

func TestProgramRefuses(t *testing.T) {
	for _, weights := range [][]uint32{nil, {0}, {0, 0, 0}} {
		if _, err := Program(weights); !errors.Is(err, ErrNoSlot) {
			t.Errorf("%v: %v, want ErrNoSlot", weights, err)
		}
	}
	many := make([]uint32, 2100)
	for i := range many {
		many[i] = 1
	}
	if prog, err := Program(many); err == nil {
		t.Errorf("%d instructions are accepted", len(prog))
	}
}

// What a connection pays grows with the logarithm of the slots.
func TestProgramComparesFewTimes(t *testing.T) {
	for n := 1; n <= 300; n += 7 {
		weights := make([]uint32, n)
		for i := range weights {
			weights[i] = 1
		}
		prog, err := Program(weights)
		if err != nil {
			t.Fatal(err)
		}
		limit := int(math.Ceil(math.Log2(float64(n))))
		for i := range n {
			if _, compared := execute(t, prog, uint32(uint64(i)<<32/uint64(n))+1); compared > limit {
				t.Fatalf("%d slots: %d comparisons, want at most %d", n, compared, limit)
			}
		}
	}
}

func FuzzProgram(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var weights []uint32
		sum := 0.0
		for ; len(raw) >= 4 && len(weights) < 700; raw = raw[4:] {
			w := uint32(raw[0]) | uint32(raw[1])<<8 | uint32(raw[2])<<16 | uint32(raw[3])<<24
			weights, sum = append(weights, w), sum+float64(w)
		}
		if sum > 0 {
			exact(t, weights)
		}
	})
}
