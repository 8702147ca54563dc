package sys

// BPFInstruction is one instruction of classic BPF, laid out as struct
// sock_filter (linux/filter.h) and as golang.org/x/net/bpf's RawInstruction.
type BPFInstruction struct {
	Op     uint16
	Jt, Jf uint8
	K      uint32
}
