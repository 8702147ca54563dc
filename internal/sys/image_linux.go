package sys

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// SetComm sets the name of this process that ps, pgrep and pkill match;
// the kernel keeps 15 bytes of it. Writing /proc/self/comm names the process
// from any thread, where prctl(PR_SET_NAME) would name the calling thread.
func SetComm(name string) error {
	if err := os.WriteFile("/proc/self/comm", []byte(name), 0); err != nil {
		return fmt.Errorf("cannot set the process name to %q: %w", name, err)
	}
	return nil
}

// exeFD is where the image's descriptor goes if there is room. A child's
// descriptors are arranged from 0 upwards before its exec; see [OpenSelfExe].
const exeFD = 4095

// OpenSelfExe opens the running image, so that it can be executed again after
// its file was replaced or removed. Execute it by [ExecPath].
//
// The descriptor is close-on-exec and has a high number on purpose: in the
// child syscall.StartProcess first moves the wanted descriptors to 0, 1, 2 and
// on, using some numbers just above for the shuffle; what lies there is gone
// before the exec, and with it a low descriptor of the image.
func OpenSelfExe() (fd int, err error) {
	low, err := unix.Open("/proc/self/exe", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("cannot open the running program: %w", err)
	}
	defer func() { _ = CloseFD(low) }()
	return dupAbove(low, exeNumber())
}

// exeNumber is the lowest number for an image. Under a low limit there is still
// room for two: ours, and one that another process gave us.
func exeNumber() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil && limit.Cur <= exeFD+1 {
		return int(limit.Cur) - 2
	}
	return exeFD
}

// ExecPath is the path by which a child of this process executes fd, see [OpenSelfExe].
func ExecPath(fd int) (string, error) {
	return "/proc/self/fd/" + strconv.Itoa(fd), nil
}
