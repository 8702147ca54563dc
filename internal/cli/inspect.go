package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/show"
)

// slotArgument reads a slot's number.
func slotArgument(raw string) (int, error) {
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("cannot use the slot %q: it has to be a number, see status", raw)
	}
	return n, nil
}

// stacks shows one worker, or all. One that does not answer hides no other.
func stacks(c *cli.Context, m *remote) error {
	slots, err := m.slotsOf(c)
	if err != nil {
		return err
	}
	all := []control.Stacks{}
	var silent []error
	for i, slot := range slots {
		s, err := m.Stacks(m.ctx, slot)
		if err != nil {
			silent = append(silent, err)
			continue
		}
		all = append(all, s)
		if m.json {
			continue
		}
		if i > 0 {
			fmt.Fprintln(m.program.Stdout)
		}
		if err := show.Stacks(m.program.Stdout, s); err != nil {
			return err
		}
	}
	if m.json {
		silent = append(silent, m.encode(all))
	}
	return errors.Join(silent...)
}

func (m *remote) slotsOf(c *cli.Context) ([]int, error) {
	if raw := c.Args().First(); raw != "" {
		slot, err := slotArgument(raw)
		return []int{slot}, err
	}
	s, err := m.Status(m.ctx)
	if err != nil {
		return nil, err
	}
	var slots []int
	for _, w := range s.Workers {
		if w.PID != 0 && (len(slots) == 0 || slots[len(slots)-1] != w.Slot) {
			slots = append(slots, w.Slot)
		}
	}
	return slots, nil
}

// profile writes into a file that is whole or not there.
func profile(c *cli.Context, m *remote) error {
	if c.NArg() != 2 {
		return errors.New("cannot profile: name a slot and a kind, as in profile 0 cpu; the kinds are cpu, heap, goroutine, trace")
	}
	slot, err := slotArgument(c.Args().Get(0))
	if err != nil {
		return err
	}
	kind, seconds := c.Args().Get(1), c.Int("seconds")
	name := c.String("output")
	if name == "-" {
		return m.Profile(m.ctx, slot, kind, seconds, m.program.Stdout)
	}
	if name == "" {
		name = fmt.Sprintf("%s-slot%d-%s-%s.%s", m.program.Name, slot, kind, time.Now().Format("20060102T150405"), extension(kind))
	}
	f, err := os.OpenFile(name+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write the profile: %w", err)
	}
	err = m.Profile(m.ctx, slot, kind, seconds, f)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return m.print(map[string]string{"file": name}, func() error {
		_, err := fmt.Fprintf(m.program.Stdout, "%s (look at it with go tool %s %s)\n", name, viewer(kind), name)
		return err
	})
}

func extension(kind string) string {
	if kind == "trace" {
		return "trace"
	}
	return "pprof"
}

func viewer(kind string) string {
	if kind == "trace" {
		return "trace"
	}
	return "pprof"
}
