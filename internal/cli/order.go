package cli

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves the flags of a command before its arguments, because
// package flag stops at the first argument: `recycle all --wait` is how people write.
// A number with a minus is an argument, as in `scale -1`.
func flagsFirst(app *cli.App, args []string) []string {
	if len(args) < 2 {
		return args
	}
	command, at := app.Command(args[1]), 2
	if command == nil {
		return args
	}
	for len(args) > at {
		next := subcommand(command, args[at])
		if next == nil {
			break
		}
		command, at = next, at+1
	}
	if command.ArgsUsage == "" {
		return args
	}
	head, flags, rest := args[:at:at], []string{}, []string{}
	for i := at; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			rest = append(rest, args[i+1:]...)
			i = len(args)
		case len(arg) < 2 || arg[0] != '-' || arg[1] >= '0' && arg[1] <= '9':
			rest = append(rest, arg)
		default:
			flags = append(flags, arg)
			if !strings.Contains(arg, "=") && takesValue(command, arg) && i+1 < len(args) {
				i++
				flags = append(flags, args[i])
			}
		}
	}
	if len(rest) > 0 {
		rest = append([]string{"--"}, rest...)
	}
	return append(append(head, flags...), rest...)
}

func subcommand(c *cli.Command, name string) *cli.Command {
	for _, sub := range c.Subcommands {
		if sub.Name == name {
			return sub
		}
	}
	return nil
}

// takesValue says whether the word after a flag belongs to it.
func takesValue(c *cli.Command, arg string) bool {
	for _, f := range c.Flags {
		for _, name := range f.Names() {
			if name == strings.TrimLeft(arg, "-") {
				_, yesOrNo := f.(*cli.BoolFlag)
				return !yesOrNo
			}
		}
	}
	return false
}
