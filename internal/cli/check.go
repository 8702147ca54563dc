package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/webchasor/webchasor/internal/certs"
	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/identity"
	"github.com/webchasor/webchasor/internal/machine"
	"github.com/webchasor/webchasor/internal/sys"
)

// check validates everything that serve would read and prints what it found.
// Warnings do not change the exit status: the service would start.
func (r *runner) check(_ *cli.Context, load Loader) error {
	got, err := load()
	if err != nil {
		return err
	}
	loaded, err := certs.Load(got.Settings.TLS)
	if err != nil {
		return err
	}
	out := r.program.Stdout
	if got.File == "" {
		fmt.Fprintf(out, "ok: no configuration file (%s)\n", strings.Join(config.SearchPaths(), ", "))
	} else {
		fmt.Fprintf(out, "ok: configuration file %s\n", got.File)
	}
	for _, path := range got.EnvFiles {
		fmt.Fprintf(out, "ok: env-file %s\n", path)
	}
	fmt.Fprintf(out, "ok: %d of %d settings are not the default\n", changed(got), len(got.Origins))
	if loaded != nil {
		for _, i := range loaded.Infos {
			fmt.Fprintf(out, "ok: certificate %s for %s, until %s\n", i.File, strings.Join(i.Names, ", "), i.Expires.UTC().Format(time.DateOnly))
		}
	}
	for _, s := range config.Shadowed(got) {
		fmt.Fprintf(out, "warning: %s: %s = %s has no effect, %s wins\n", s.Where, s.Name, s.Value, s.Winner)
	}
	if _, err := identity.Resolve(got.Settings.Privileges.User, got.Settings.Privileges.Group); err != nil {
		return err
	}
	if os.Geteuid() == 0 && got.Settings.Privileges.User == "" {
		fmt.Fprintln(out, "warning: started by this user the workers would run as root: set user, so that a mistake in the application does not cost the machine")
	}
	// As serve does: where we may raise the limit there is nothing to warn of.
	_, _ = sys.RaiseFileLimit(machine.FilesNeeded(got.Settings.WorkerConnections))
	for _, hint := range slices.Concat(got.Hints, loaded.Warnings(time.Now()), machine.Warnings(got.Settings.Plan(), machine.Read())) {
		fmt.Fprintf(out, "warning: %s\n", hint)
	}
	return nil
}

// changed counts the settings that somebody gave another value.
func changed(r *config.Resolved) int {
	n := 0
	for _, o := range r.Origins {
		if o.Kind != config.FromDefault {
			n++
		}
	}
	return n
}
