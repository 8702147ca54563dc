package supervisor

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// InitEnv names the descriptor on which a master tells its init process (see
// supervisor/pidone) which pid to follow.
const InitEnv = "WEBCHASOR_INIT_FD"

// openInit takes the descriptor from the environment, so that nothing this
// process starts believes it has an init of its own.
func openInit() *os.File {
	fd, err := strconv.Atoi(os.Getenv(InitEnv))
	_ = os.Unsetenv(InitEnv) // fails for a malformed name only
	if err != nil || fd < 3 {
		return nil
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "init")
}

// announceTo tells the init process that this master now is the service. A
// failure changes nothing here: init then follows its first child.
func announceTo(init *os.File) {
	fmt.Fprintf(init, "%d\n", os.Getpid())
}
