package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/show"
	"github.com/webchasor/webchasor/internal/tui"
)

// observing are the commands that only look.
func (r *runner) observing() []*cli.Command {
	return []*cli.Command{
		r.remote("status", "", "the running service on one screen", status),
		r.remote("top", "", "the same, live: workers, requests, events; q quits", top,
			&cli.DurationFlag{Name: "every", Usage: "look again after `TIME`", Value: time.Second}),
		r.remote("requests", "", "the requests under way, the oldest first", requests,
			&cli.IntFlag{Name: "limit", Usage: "at most `N` of them; 0 is all"}),
		r.remote("events", "", "what happened lately", events,
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with what happens"},
			&cli.StringFlag{Name: "since", Usage: "only those after a `TIME` like 10m (ago) or 2026-01-31T15:04:05Z, or after an event's number"}),
		r.deathsCommand(),
		r.adviseCommand(),
		r.remote("stacks", "[SLOT]", "the goroutines of a living worker, or of all, equal ones together", stacks),
		r.remote("profile", "SLOT cpu|heap|goroutine|trace", "a profile of a living worker, for go tool pprof or go tool trace", profile,
			&cli.IntFlag{Name: "seconds", Usage: "for so many `SECONDS` (cpu, trace)", Value: 10},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "into `FILE`; - is the standard output"}),
		r.remote("health", "", "exit status 0 while the service serves, for HEALTHCHECK", health,
			&cli.BoolFlag{Name: "strict", Usage: "degraded is not well either"}),
	}
}

func status(_ *cli.Context, m *remote) error {
	s, err := m.Status(m.ctx)
	if err != nil {
		return err
	}
	return m.print(s, func() error { return show.Status(m.program.Stdout, s) })
}

func top(c *cli.Context, m *remote) error {
	if m.json {
		return errors.New("cannot show a live screen as JSON; use status --json")
	}
	if _, err := m.Status(m.ctx); err != nil {
		return err // on the terminal as it is, not on a screen that vanishes
	}
	if info, err := os.Stdin.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return errors.New("cannot show a live screen: the standard input is not a terminal; use status")
	}
	return tui.Run(m.ctx, m.Client, tui.Options{In: os.Stdin, Out: m.program.Stdout, Every: c.Duration("every")})
}

func requests(c *cli.Context, m *remote) error {
	r, err := m.Requests(m.ctx, c.Int("limit"))
	if err != nil {
		return err
	}
	return m.print(r, func() error { return show.Requests(m.program.Stdout, r) })
}

// health never waits long: whoever asks has a deadline of its own.
func health(c *cli.Context, m *remote) error {
	ctx, cancel := context.WithTimeout(m.ctx, answerIn)
	defer cancel()
	h, err := m.Health(ctx)
	if err != nil {
		return err
	}
	if err := m.print(h, func() error {
		fmt.Fprintln(m.program.Stdout, h.State)
		for _, reason := range h.Reasons {
			fmt.Fprintln(m.program.Stdout, reason)
		}
		return nil
	}); err != nil {
		return err
	}
	if h.State == control.HealthDown || c.Bool("strict") && h.State != control.HealthOK {
		m.status = exitUsage
	}
	return nil
}

func events(c *cli.Context, m *remote) error {
	after, seq, err := parseSince(c.String("since"), time.Now())
	if err != nil {
		return err
	}
	line := func(e control.Event) error {
		if e.Time.Before(after) {
			return nil
		}
		if m.json { // one per line, for jq
			m.encoded = true
			return json.NewEncoder(m.program.Stdout).Encode(e)
		}
		return show.Event(m.program.Stdout, e)
	}
	if !c.Bool("follow") {
		all, err := m.Events(m.ctx, seq)
		if err != nil {
			return err
		}
		for _, e := range all.Events {
			if err := line(e); err != nil {
				return err
			}
		}
		return nil
	}
	return m.follow(seq, line)
}

// follow goes on over upgrades: the end of one master is the beginning of another.
func (m *remote) follow(seq uint64, do func(control.Event) error) error {
	for {
		err := m.Follow(m.ctx, seq, func(e control.Event) error {
			seq = e.Seq
			return do(e)
		})
		switch {
		case m.ctx.Err() == context.Canceled:
			return nil // Ctrl-C is how one leaves
		case err != nil:
			return err
		}
	}
}

// parseSince reads a time ago, a moment, or an event's number.
func parseSince(raw string, now time.Time) (after time.Time, seq uint64, err error) {
	if raw == "" {
		return after, 0, nil
	}
	if n, err := strconv.ParseUint(raw, 10, 64); err == nil {
		return after, n, nil
	}
	if ago, err := time.ParseDuration(raw); err == nil && ago >= 0 {
		return now.Add(-ago), 0, nil
	}
	if at, err := time.Parse(time.RFC3339, raw); err == nil {
		return at, 0, nil
	}
	return after, 0, fmt.Errorf("cannot use --since %q: give a time ago (10m), a moment (2026-01-31T15:04:05Z) or an event's number", raw)
}

func (r *runner) deathsCommand() *cli.Command {
	command := r.remote("deaths", "", "the records of workers that died", deaths)
	command.Subcommands = []*cli.Command{
		r.remote("show", "[ID]", "one record: cause, evidence, culprit, stacks; the latest without an ID, or a part of one", death),
	}
	return command
}

func deaths(_ *cli.Context, m *remote) error {
	d, err := m.Deaths(m.ctx)
	if err != nil {
		return err
	}
	return m.print(d, func() error { return show.Deaths(m.program.Stdout, d) })
}

func death(c *cli.Context, m *remote) error {
	id := c.Args().First()
	if id == "" {
		id = "last"
	}
	d, err := m.Death(m.ctx, id)
	if err != nil {
		return err
	}
	return m.print(d, func() error {
		_, err := fmt.Fprintln(m.program.Stdout, d.Report)
		return err
	})
}
