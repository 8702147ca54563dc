package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/webchasor/webchasor/internal/config"
)

// Exit statuses of the command line. Serve returns its own.
const (
	exitOK    = 0
	exitUsage = 1
)

// Program is what the command line needs to know of the program it serves.
type Program struct {
	Name    string // for messages and help
	Version string
	Usage   string // one line
	Groups  []config.Group
	// DefaultServe makes the bare program serve; otherwise it prints help.
	DefaultServe bool
	// Serve runs the service and returns the exit status. It prints its own
	// errors, see [PrintError].
	Serve func(load Loader) int
	// Stdout and Stderr are os.Stdout and os.Stderr when nil.
	Stdout, Stderr io.Writer
}

// Loader reads file, env-files and environment anew and applies the flags that
// the process was started with. It may be called from any goroutine.
type Loader func() (*config.Resolved, error)

// Run executes the command line; args[0] is the program itself. It returns the
// exit status and blocks as long as Serve does.
func Run(args []string, p Program) int {
	if p.Stdout == nil {
		p.Stdout = os.Stdout
	}
	if p.Stderr == nil {
		p.Stderr = os.Stderr
	}
	r := &runner{program: p}
	app := r.app()
	if n := len(args); n > 1 && args[n-1] == askWord {
		r.complete(app, args[1:n-1])
		return 0
	}
	if err := app.Run(flagsFirst(app, args)); err != nil {
		PrintError(p.Stderr, p.Name, err)
		return exitStatus(err)
	}
	return r.status
}

// PrintError writes every mistake in err as a line of its own after the
// program's name.
func PrintError(w io.Writer, name string, err error) {
	for _, e := range config.Errors(err) {
		fmt.Fprintf(w, "%s: %s\n", name, strings.ReplaceAll(e.Error(), "\n", " "))
	}
}

// runner is one execution of the command line.
type runner struct {
	program Program
	root    *inputs // flags before the command, nil if there are none
	status  int
}

// app describes the commands.
func (r *runner) app() *cli.App {
	p := r.program
	app := &cli.App{
		Name: p.Name, HelpName: p.Name, Usage: p.Usage, Version: p.Version,
		Writer: p.Stdout, ErrWriter: p.Stderr,
		HideHelpCommand: true,
		OnUsageError:    r.usageError,
		// The default handler exits the process.
		ExitErrHandler: func(*cli.Context, error) {},
		Commands: []*cli.Command{
			r.command("serve", "start the master and its workers", r.serve),
			r.command("check", "validate the configuration and look at the machine", r.check),
			{
				Name: "config", Usage: "show the configuration", HideHelpCommand: true,
				OnUsageError: r.usageError, Action: r.group,
				Subcommands: []*cli.Command{r.printCommand()},
			},
			{
				Name: "version", Usage: "print the version", HideHelpCommand: true,
				OnUsageError: r.usageError, Action: r.plain(r.version),
			},
			r.completionCommand(),
			r.manCommand(),
		},
	}
	app.Commands = slices.Concat(app.Commands, r.observing(), r.steering())
	app.Action = r.group
	if p.DefaultServe {
		r.root = newInputs(p.Groups)
		app.Flags = r.root.flags()
		app.Action = func(c *cli.Context) error {
			if c.Args().Present() {
				return r.group(c)
			}
			return r.serve(c, r.loader())
		}
	}
	return app
}

// action is a command that works on a configuration.
type action func(c *cli.Context, load Loader) error

// command builds a command that takes all settings as flags.
func (r *runner) command(name, usage string, do action) *cli.Command {
	in := newInputs(r.program.Groups)
	return &cli.Command{
		Name: name, Usage: usage, Flags: in.flags(), HideHelpCommand: true,
		OnUsageError: r.usageError,
		Action:       r.plain(func(c *cli.Context) error { return do(c, r.loader(in)) }),
	}
}

// plain refuses arguments, which no command has.
func (r *runner) plain(do cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		if c.Args().Present() {
			return fmt.Errorf("cannot use the argument %q: %s takes only flags; see %s --help",
				c.Args().First(), c.Command.Name, c.Command.HelpName)
		}
		return do(c)
	}
}

// group is a command that only has subcommands: help, or what was misspelt.
func (r *runner) group(c *cli.Context) error {
	word := c.Args().First()
	if word == "" {
		if c.Command.Name == "config" {
			return cli.ShowSubcommandHelp(c)
		}
		return cli.ShowAppHelp(c)
	}
	var known []string
	for _, sub := range c.Command.Subcommands {
		if !sub.Hidden {
			known = append(known, sub.Name)
		}
	}
	if word == "help" {
		return cli.ShowAppHelp(c)
	}
	text := fmt.Sprintf("cannot find the command %q", word)
	if near := config.Nearest(word, known); near != "" {
		return fmt.Errorf("%s; did you mean %s?", text, near)
	}
	return errors.New(text + "; there are " + strings.Join(known, ", "))
}

func (r *runner) version(*cli.Context) error {
	_, err := fmt.Fprintf(r.program.Stdout, "%s %s (%s %s/%s)\n",
		r.program.Name, r.program.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

func (r *runner) serve(_ *cli.Context, load Loader) error {
	r.status = r.program.Serve(load)
	return nil
}
