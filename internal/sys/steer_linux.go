package sys

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxBPF is BPF_MAXINSNS of linux/bpf_common.h; bpf_check_basics_ok
// (net/core/filter.c) refuses longer programs.
const maxBPF = 4096

// AttachReuseportCBPF lets a classic BPF program choose, for each new
// connection, the socket of fd's SO_REUSEPORT group by its index. It needs no
// privileges. These are the kernel's rules, tested here and in internal/steer:
//
//   - The program belongs to the group, not to fd: it replaces the one before
//     at once and outlives fd (reuseport_attach_prog in net/core/sock_reuseport.c).
//   - An index outside the group means the hash over all members, parked ones
//     included (run_bpf_filter and reuseport_select_sock there).
//   - A listening socket that is in no group is EINVAL; those of [SlotGroupFirst] are in one.
//   - ENOMEM is a program larger than net.core.optmem_max (sk_reuseport_attach_filter in net/core/filter.c).
//
// A kernel without the option answers [errors.ErrUnsupported].
func AttachReuseportCBPF(fd int, prog []BPFInstruction) error {
	if len(prog) == 0 || len(prog) > maxBPF {
		return fmt.Errorf("cannot attach the steering program to descriptor %d: it has %d instructions, not 1 to %d", fd, len(prog), maxBPF)
	}
	filter := make([]unix.SockFilter, len(prog))
	for i, in := range prog {
		filter[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	fprog := unix.SockFprog{Len: uint16(len(filter)), Filter: unsafe.SliceData(filter)}
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF, &fprog)
	runtime.KeepAlive(filter)
	if err != nil {
		return fmt.Errorf("cannot attach the steering program to descriptor %d: %w", fd, unsupported(err))
	}
	return nil
}

// DetachReuseport takes the program away: the group goes back to hashing over
// all members. No program is ENOENT.
func DetachReuseport(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_REUSEPORT_BPF, 0); err != nil {
		return fmt.Errorf("cannot detach the steering program of descriptor %d: %w", fd, unsupported(err))
	}
	return nil
}

// unsupported makes an option that the kernel does not know an [errors.ErrUnsupported].
func unsupported(err error) error {
	if errors.Is(err, unix.ENOPROTOOPT) {
		return fmt.Errorf("%w (%w)", errors.ErrUnsupported, err)
	}
	return err
}
