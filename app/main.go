package app

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/webchasor/webchasor/internal/cli"
	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/systemd"
	"github.com/webchasor/webchasor/supervisor"
	"github.com/webchasor/webchasor/supervisor/pidone"
	"github.com/webchasor/webchasor/worker"
)

// Main runs the program and ends the process with its exit status: 0 clean,
// 1 configuration or usage, 3 a worker failed to boot, 4 the application
// failed to load. It never returns.
func Main(a App) {
	os.Exit(Run(a, os.Args))
}

// Run is [Main] without the exit: it blocks until the process's role has ended
// and returns the status for os.Exit. args are the program's arguments, its
// name first.
func Run(a App, args []string) int {
	if os.Getenv(handoff.RoleEnv) == handoff.RoleWorker {
		return worker.Run(worker.Options{App: a.worker()})
	}
	if err := pinName(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n", err)
		return 1
	}
	name := a.name
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(os.Args[0]), ".test")
	}
	return cli.Run(args, cli.Program{
		Name: name, Version: a.versionOrBuild(), Usage: a.usage,
		Groups:       a.groups,
		DefaultServe: a.defaultServe,
		Serve: func(load cli.Loader) int {
			if os.Getpid() == 1 {
				return runInit()
			}
			return supervisor.Run(supervisor.Options{
				Name: name, Version: a.versionOrBuild(),
				Load:   func() (*config.Resolved, error) { return load() },
				Routes: a.handler.Routes,
				Stdout: os.Stdout, Stderr: os.Stderr,
			})
		},
		Stdout: os.Stdout, Stderr: os.Stderr,
	})
}

// pinName makes os.Args[0] absolute. An upgrade executes it long after the
// start, when the directory, the PATH or the release link may have changed.
func pinName() error {
	path, err := exec.LookPath(os.Args[0])
	if err != nil {
		if path, err = os.Executable(); err != nil {
			return fmt.Errorf("cannot find this program's own file %q: %w", os.Args[0], err)
		}
	}
	if path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("cannot resolve %q: %w", os.Args[0], err)
	}
	os.Args[0] = path
	return nil
}

// runInit is the role of PID 1: keep the container alive through upgrades.
func runInit() int {
	image, err := supervisor.SelfImage()
	if err != nil {
		fmt.Fprintf(os.Stderr, "init: %v\n", err)
		return 1
	}
	return pidone.Run(pidone.Options{
		Path: image, Args: os.Args, Environ: os.Environ(),
		Env: supervisor.InitEnv, Passed: systemd.Count(), Stderr: os.Stderr,
	})
}
