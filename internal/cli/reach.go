package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/control/client"
)

// Exit statuses of the commands that talk to a running master, beside exitOK
// and exitUsage (which is also for what failed or was refused). Never 2: that is a Go
// panic's.
const (
	exitNoMaster = 3 // nobody answers at the control socket
	exitTimeout  = 4 // --timeout is over; what was ordered may go on
)

// statusError is an error with an exit status of its own.
type statusError struct {
	error
	status int
}

func (e statusError) Unwrap() error { return e.error }

// exitStatus is the status that an error ends the program with.
func exitStatus(err error) int {
	var own statusError
	switch {
	case errors.As(err, &own):
		return own.status
	case errors.Is(err, client.ErrNoMaster):
		return exitNoMaster
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	}
	return exitUsage
}

// target says which master is meant, and how the answer is wanted.
type target struct {
	*inputs
	socket  string
	json    bool
	timeout time.Duration
}

// remote builds a command that talks to a running master. args describes its
// arguments for the help; "" means that it has none.
func (r *runner) remote(name, args, usage string, do func(c *cli.Context, m *remote) error, more ...cli.Flag) *cli.Command {
	t := &target{inputs: newInputs(r.program.Groups)}
	flags := []cli.Flag{
		&cli.StringFlag{Name: "socket", Aliases: []string{"s"}, Usage: "control socket at `PATH`; without it the one of the configuration", Destination: &t.socket, EnvVars: []string{"WEBCHASOR_SOCKET"}},
		t.fileFlag(), t.envFileFlag(),
		&cli.BoolFlag{Name: "json", Usage: "print JSON", Destination: &t.json},
		&cli.DurationFlag{Name: "timeout", Usage: "give up after `TIME`; 0 waits as long as it takes", Value: 0, Destination: &t.timeout},
	}
	return &cli.Command{
		Name: name, Usage: usage, ArgsUsage: args, HideHelpCommand: true,
		Flags: append(flags, more...), OnUsageError: r.usageError,
		Action: func(c *cli.Context) error {
			if args == "" && c.Args().Present() {
				return r.plain(nil)(c)
			}
			err := r.talk(c, t, do)
			if err != nil && name == "health" {
				// Probes know two answers. Docker reserves the others.
				err = statusError{err, exitUsage}
			}
			return err
		},
	}
}

// remote is a master that a command talks to.
type remote struct {
	*client.Client
	*runner
	ctx     context.Context
	json    bool
	encoded bool // JSON was printed
}

// answerIn is how long a question may take: the master answers at once or not at all.
const answerIn = 30 * time.Second

// talk finds the master and runs the command until it ends or is interrupted.
func (r *runner) talk(c *cli.Context, t *target, do func(c *cli.Context, m *remote) error) error {
	path := t.socket
	if path == "" {
		var err error
		if path, err = client.Find(r.places(t)); err != nil {
			m := &remote{runner: r, json: t.json}
			return errors.Join(err, m.explain(err))
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if t.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.timeout)
		defer cancel()
	}
	m := &remote{Client: client.New(path), runner: r, ctx: ctx, json: t.json}
	err := do(c, m)
	if errors.Is(err, context.DeadlineExceeded) && t.timeout > 0 {
		err = statusError{fmt.Errorf("cannot wait longer than %s; what was ordered may go on: %w", t.timeout, err), exitTimeout}
	}
	return errors.Join(err, m.explain(err))
}

// explain prints a failure as JSON if that is wanted and nothing was printed yet: a
// script reads one document whatever happens.
func (m *remote) explain(err error) error {
	if err == nil || !m.json || m.encoded {
		return nil
	}
	said, ok := errors.AsType[*control.Error](err)
	if !ok {
		said = &control.Error{Code: codeOf(err), Message: err.Error()}
	}
	return m.encode(said)
}

// codeOf names a failure that no master has told of.
func codeOf(err error) control.Code {
	switch exitStatus(err) {
	case exitNoMaster:
		return control.CodeNoMaster
	case exitTimeout:
		return control.CodeTimeout
	}
	return control.CodeUsage
}

// places are where the configuration says that the socket is.
func (r *runner) places(t *target) []string {
	in := r.input(t.inputs)
	s := config.Locate(in)
	places := s.ControlSockets(os.Getenv)
	if s.ControlSocket == config.Auto {
		for _, dir := range []string{"/run/webchasor", "/var/lib/webchasor"} {
			if path := dir + "/" + config.ControlSocketName; !slices.Contains(places, path) {
				places = append(places, path)
			}
		}
	}
	return places
}

// print writes an answer: as JSON if that is wanted, else by show.
func (m *remote) print(answer any, show func() error) error {
	if !m.json {
		return show()
	}
	return m.encode(answer)
}

func (m *remote) encode(answer any) error {
	m.encoded = true
	encoder := json.NewEncoder(m.program.Stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(answer)
}

// result prints how an order ended. What was not done is an error, and as JSON a
// result too, if the order came so far that there is one.
func (m *remote) result(r control.Result, err error) error {
	if err != nil {
		if m.json && r.Outcome != "" {
			return errors.Join(err, m.encode(r))
		}
		return err
	}
	return m.print(r, func() error {
		text := r.Order + ": " + string(r.Outcome)
		if r.Text != "" {
			text += ": " + r.Text
		}
		_, err := fmt.Fprintln(m.program.Stdout, text)
		return err
	})
}
