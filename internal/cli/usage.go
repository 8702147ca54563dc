package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/webchasor/webchasor/internal/config"
)

// usageError explains a command line that package flag could not parse.
func (r *runner) usageError(c *cli.Context, err error, _ bool) error {
	help := "see " + c.Command.HelpName + " --help"
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return fmt.Errorf("cannot read the command line: %w; %s", err, help)
	}
	name = strings.TrimLeft(name, "-")
	text := fmt.Sprintf("cannot find the flag --%s of %s", name, c.Command.HelpName)
	if len(name) == 1 {
		text = fmt.Sprintf("cannot find the flag -%s of %s", name, c.Command.HelpName)
	}
	if flagOf(c.App.Command("serve"), name) && c.Command.Name != "serve" {
		return fmt.Errorf("%s; give it after the command, as in %s serve --%s", text, r.program.Name, name)
	}
	if near := config.Nearest(name, flagNames(c.Command.Flags)); near != "" {
		return fmt.Errorf("%s; did you mean --%s?", text, near)
	}
	return fmt.Errorf("%s; %s", text, help)
}

func flagOf(command *cli.Command, name string) bool {
	return slices.Contains(flagNames(command.Flags), name)
}

func flagNames(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		names = append(names, f.Names()...)
	}
	return names
}
