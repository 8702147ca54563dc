package supervisor

import "github.com/webchasor/webchasor/internal/sys"

// SelfImage returns a path that executes the image this process runs, also
// after a deploy replaced its file: a worker that is respawned later still runs
// the master's version, and only an upgrade changes the version. It stays valid
// as long as the process, whose children alone can use it.
func SelfImage() (string, error) {
	fd, err := sys.OpenSelfExe()
	if err != nil {
		return "", err
	}
	return sys.ExecPath(fd)
}
