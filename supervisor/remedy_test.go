package supervisor

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestRemedy: every bind error that an operator can mend says how.
func TestRemedy(t *testing.T) {
	for cause, want := range map[error]string{
		syscall.EADDRINUSE:    "port in use",
		syscall.EACCES:        "ports below 1024 need root or CAP_NET_BIND_SERVICE",
		syscall.EADDRNOTAVAIL: "no interface of this machine has that address",
		syscall.EMFILE:        "cannot bind :80: ",
	} {
		err := remedy(":80", os.NewSyscallError("bind", cause))
		if !strings.HasPrefix(err.Error(), "cannot bind :80: ") || !strings.Contains(err.Error(), want) || !errors.Is(err, cause) {
			t.Errorf("%v: %v", cause, err)
		}
	}
}
