package steer

import (
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/net/bpf"

	"github.com/webchasor/webchasor/internal/sys"
)

// ErrNoSlot is the answer to weights that are all 0. The group keeps the program it has.
var ErrNoSlot = errors.New("no slot takes connections")

// maxInstructions is BPF_MAXINSNS of linux/bpf_common.h.
const maxInstructions = 4096

// Program returns a program that chooses an index at random, each with the
// probability of its weight; indexes of weight 0 never. The result is for [sys.AttachReuseportCBPF].
//
// Each connection costs one random number (SKF_AD_RANDOM, which the kernel
// takes from bpf_user_rnd_u32) and a binary search over the thresholds: six
// comparisons for 40 slots. A share below 2^-32 may come to nothing.
func Program(weights []uint32) ([]sys.BPFInstruction, error) {
	var sum uint64
	for _, w := range weights {
		sum += uint64(w)
	}
	if sum == 0 {
		return nil, ErrNoSlot
	}
	// An index is chosen by random numbers from its floor to the next one's, exclusive.
	var leaves []leaf
	var below uint64
	for i, w := range weights {
		if w == 0 {
			continue
		}
		// The quotient is below 2^32 because below < sum.
		floor, _ := bits.Div64(below>>32, below<<32, sum)
		if n := len(leaves); n > 0 && uint64(leaves[n-1].floor) == floor {
			leaves = leaves[:n-1] // too small a share for 32 bits
		}
		leaves = append(leaves, leaf{uint32(i), uint32(floor)})
		below += uint64(w)
	}
	prog := append([]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtRand}}, search(leaves)...)
	if len(prog) > maxInstructions {
		return nil, fmt.Errorf("cannot steer %d slots: the program has %d instructions, more than %d", len(leaves), len(prog), maxInstructions)
	}
	raw, err := bpf.Assemble(prog)
	if err != nil {
		return nil, fmt.Errorf("cannot steer %d slots: %w", len(leaves), err)
	}
	out := make([]sys.BPFInstruction, len(raw))
	for i, in := range raw {
		out[i] = sys.BPFInstruction(in)
	}
	return out, nil
}

type leaf struct {
	index uint32
	floor uint32
}

// search is the code that finds the last leaf whose floor is not above the random number.
func search(leaves []leaf) []bpf.Instruction {
	if len(leaves) == 1 {
		return []bpf.Instruction{bpf.RetConstant{Val: leaves[0].index}}
	}
	half := len(leaves) / 2
	left, right := search(leaves[:half]), search(leaves[half:])
	floor := leaves[half].floor
	var code []bpf.Instruction
	if len(left) <= 255 {
		code = append(code, bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: floor, SkipTrue: uint8(len(left))})
	} else {
		// A conditional jump reaches 255 instructions, an unconditional one all.
		code = append(code,
			bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: floor, SkipFalse: 1},
			bpf.Jump{Skip: uint32(len(left))})
	}
	return append(append(code, left...), right...)
}
