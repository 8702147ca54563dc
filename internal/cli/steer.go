package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/show"
)

// steering are the commands that change something.
func (r *runner) steering() []*cli.Command {
	wait := func() cli.Flag { return &cli.BoolFlag{Name: "wait", Usage: "wait for its end and show the progress"} }
	return []*cli.Command{
		r.remote("reload", "", "read the configuration and replace the workers, like kill -HUP", reload, wait(),
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "only show which settings would change, and what each needs"}),
		r.remote("upgrade", "", "start a new master from the binary on disk, like kill -USR2", upgrade, wait()),
		r.remote("rollback", "", "undo the last reload, or the upgrade that began this master", rollback, wait()),
		r.remote("scale", "N|+N|-N", "another number of workers, until the next reload", scale, wait()),
		r.remote("recycle", "SLOT|all", "replace workers, one after the other", recycle, wait()),
		r.remote("drain", "", "let all workers finish and leave; the master stays, like kill -WINCH", drain, wait()),
		r.remote("log-level", "debug|info|warn|error", "change the level of the log, until the next reload", logLevel),
	}
}

func reload(c *cli.Context, m *remote) error {
	if c.Bool("dry-run") {
		p, err := m.Plan(m.ctx)
		if err != nil {
			return err
		}
		return m.print(p, func() error { return show.Plan(m.program.Stdout, p) })
	}
	return m.watched(c, m.Reload)
}

func upgrade(c *cli.Context, m *remote) error  { return m.watched(c, m.Upgrade) }
func rollback(c *cli.Context, m *remote) error { return m.watched(c, m.Rollback) }

// watched gives an order; with --wait it shows on stderr what happens meanwhile.
func (m *remote) watched(c *cli.Context, give func(context.Context, bool) (control.Result, error)) error {
	wait := c.Bool("wait")
	if !wait {
		return m.result(give(m.ctx, false))
	}
	quiet := m.progress()
	r, err := give(m.ctx, true)
	quiet(r.PID != 0)
	return m.result(r, err)
}

// farewell is how long a master that leaves may take to tell its last events.
const farewell = time.Second

// progress writes events to stderr until it is told to be quiet, and then those
// that have happened by then: an order can be over before its first event is
// here. A master that leaves tells its own to the end, because its successor does not
// know them. It is a courtesy: when it fails the order goes on.
func (m *remote) progress() (quiet func(leaves bool)) {
	s, err := m.Status(m.ctx)
	if err != nil {
		return func(bool) {}
	}
	ctx, cancel := context.WithCancel(m.ctx)
	ended := make(chan struct{})
	seen := s.Seq
	tell := func(e control.Event) error {
		seen = e.Seq
		_, err := fmt.Fprintln(m.program.Stderr, show.EventLine(e))
		return err
	}
	go func() {
		defer close(ended)
		_ = m.Follow(ctx, seen, tell)
	}()
	return func(leaves bool) {
		if leaves {
			select {
			case <-ended:
			case <-time.After(farewell):
			}
		}
		cancel()
		<-ended
		rest, _ := m.Events(m.ctx, seen)
		for _, e := range rest.Events {
			_ = tell(e)
		}
	}
}

func scale(c *cli.Context, m *remote) error {
	raw := c.Args().First()
	n, err := strconv.Atoi(raw)
	if err != nil || c.NArg() != 1 || n == 0 {
		return fmt.Errorf("cannot scale to %q: give a number of workers (8), or how many more or fewer (+1, -1)", raw)
	}
	order := control.ScaleOrder{Workers: n}
	if strings.HasPrefix(raw, "+") || strings.HasPrefix(raw, "-") {
		order = control.ScaleOrder{Delta: n}
	}
	return m.followed(c, func() (control.Result, error) { return m.Scale(m.ctx, order) }, scaled)
}

func recycle(c *cli.Context, m *remote) error {
	raw := c.Args().First()
	if c.NArg() != 1 {
		return errors.New("cannot recycle: name a slot, or all")
	}
	order := control.RecycleOrder{All: raw == "all"}
	if !order.All {
		slot, err := slotArgument(raw)
		if err != nil {
			return err
		}
		order.Slot = &slot
	}
	return m.followed(c, func() (control.Result, error) { return m.Recycle(m.ctx, order) }, recycled(order))
}

func drain(c *cli.Context, m *remote) error {
	return m.followed(c, func() (control.Result, error) { return m.Drain(m.ctx) }, drained)
}

func logLevel(c *cli.Context, m *remote) error {
	if c.NArg() != 1 {
		return errors.New("cannot change the log level: name one of debug, info, warn, error")
	}
	return m.result(m.LogLevel(m.ctx, c.Args().First()))
}
