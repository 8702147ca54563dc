package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/webchasor/webchasor/internal/advice"
)

// adviseCommand is the tuning guide, applied to the numbers of this moment.
func (r *runner) adviseCommand() *cli.Command {
	return r.remote("advise", "", "what the live numbers say, and what to change", advise,
		&cli.BoolFlag{Name: "strict", Usage: "exit status 1 if something has to be done now"})
}

func advise(c *cli.Context, m *remote) error {
	s, err := m.Status(m.ctx)
	if err != nil {
		return err
	}
	list := advice.Give(s)
	if c.Bool("strict") && len(list) > 0 && list[0].Urgency == advice.Now {
		m.status = exitUsage
	}
	if list == nil {
		list = []advice.Advice{}
	}
	return m.print(list, func() error {
		out := m.program.Stdout
		for _, a := range list {
			fmt.Fprintf(out, "%-5s %s\n", a.Urgency, a.Text)
			if len(a.Settings) > 0 {
				fmt.Fprintf(out, "      (%s: %s)\n", a.About, strings.Join(a.Settings, ", "))
			}
		}
		if len(list) == 0 {
			fmt.Fprintf(out, "nothing to change: %d of %d workers ready, %d requests under way, P99 %s over the last %s\n",
				s.Ready, s.Wanted, s.Totals.InFlight, s.Totals.P99.Duration().Round(time.Millisecond), s.Totals.Window.Duration().Round(time.Second))
		}
		return nil
	})
}
