package testproc

import (
	"os"
	"os/exec"
	"testing"

	"github.com/webchasor/webchasor/internal/handoff"
)

// An exiting worker is no master: like a zombie it has no environment any more.
func TestWhoExitsHasNoRole(t *testing.T) {
	for role, want := range map[string]bool{handoff.RoleWorker: true, "": false} {
		cmd := exec.Command("cat")
		cmd.Env = append(os.Environ(), AppEnv+"=x", handoff.RoleEnv+"="+role)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var worker bool
		Eventually(t, Patience, Every, func() (known bool) { // once it is executed
			worker, known = roleOf(cmd.Process.Pid)
			return known
		}, "the process has a role")
		if worker != want {
			t.Errorf("role %q: worker %v", role, worker)
		}
		_ = in.Close()
		Eventually(t, Patience, Every, func() bool {
			proc, err := ReadProc(cmd.Process.Pid)
			return err == nil && proc.State == 'Z'
		}, "the process is a zombie")
		if _, known := roleOf(cmd.Process.Pid); known {
			t.Errorf("role %q: a dead process has it still", role)
		}
		_ = cmd.Wait()
	}
}
