package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// manSection is that of programs users run.
const manSection = 1

// manCommand prints the manual page, for packages. It is hidden: a reader has --help.
func (r *runner) manCommand() *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "print the manual page", Hidden: true, HideHelpCommand: true,
		OnUsageError: r.usageError, Action: r.plain(r.man),
	}
}

// manText stands before the commands. It is Markdown.
const manText = `A master starts worker processes over listening sockets that it keeps, watches them, and replaces
them without a client noticing: after so many requests, with new settings, with a new program.

Signals to the master: **HUP** reads the settings anew and replaces the workers. **USR2** replaces
the master too, by the program that is on disk now. **TERM** lets requests finish and stops; **INT** and **QUIT**
stop at once. **USR1** reopens the logs. **TTIN** and **TTOU** add a worker and take one away.

Exit status: 0 after a stop, 1 for wrong settings or a wrong command line, 3 when the workers do not
start, 4 when the application in them does not.`

// man writes troff that depends on nothing but the program: no date, no host.
func (r *runner) man(*cli.Context) error {
	app := r.app()
	// Their flags are those of serve; once is enough.
	short := []*cli.Command{app.Command("check")}
	if config := app.Command("config"); config != nil {
		short = append(short, config.Subcommands...)
	}
	for _, command := range short {
		command.Flags = nil
		command.UsageText = "Takes the flags of serve."
	}
	app.Flags = nil // those of serve too, when the bare program serves
	app.Description = manText
	app.UsageText = r.program.Name + " COMMAND [FLAGS]"
	text, err := app.ToManWithSection(manSection)
	if err != nil {
		return fmt.Errorf("cannot write the manual page: %w", err)
	}
	// The library shows the value of every flag as an empty one.
	text = strings.ReplaceAll(text, `="":`, `=\fIVALUE\fP:`)
	_, err = fmt.Fprint(r.program.Stdout, text)
	return err
}
