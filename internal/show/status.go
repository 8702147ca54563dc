package show

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/webchasor/webchasor/internal/control"
)

// Status writes the one screen.
func Status(w io.Writer, s control.Status) error {
	lines := append(Summary(s), "")
	lines = append(lines, Workers(s, 0)...)
	for _, o := range s.Orphans {
		lines = append(lines, fmt.Sprintf("pid %d of slot %d still finishes streams from before an upgrade, at most until %s",
			o.PID, o.Slot, o.Deadline.Local().Format("15:04:05")))
	}
	lines = append(lines, deathsOf(s)...)
	for _, warning := range s.Warnings {
		lines = append(lines, "! "+warning.Text)
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

// Summary is the service in a few lines.
func Summary(s control.Status) []string {
	head := fmt.Sprintf("%s %s  %s, %s  generation %d  master pid %d, up %s",
		s.Name, s.Version, strings.ToUpper(string(s.Health.State)), strings.ReplaceAll(string(s.Phase), "_", " "),
		s.Generation, s.PID, Age(s.Uptime))
	if s.Upgrades > 0 {
		head += fmt.Sprintf(", %d upgrades", s.Upgrades)
	}
	lines := []string{head}
	for _, reason := range s.Health.Reasons {
		lines = append(lines, "  "+reason)
	}
	t := s.Totals
	lines = append(lines,
		fmt.Sprintf("workers %d of %d ready  connections %s  in flight %d (streams %d)  queue %s",
			s.Ready, s.Wanted, used(t.Connections, t.Capacity), t.InFlight, t.Streams, queues(s.Listeners)),
		fmt.Sprintf("%s req/s  p50 %s  p95 %s  p99 %s  errors %s", Rate(t.Rate), Age(t.P50), Age(t.P95), Age(t.P99), Share(t.ErrorShare)),
		fmt.Sprintf("in all: requests %s  5xx %s  timeouts %s  panics %s  lost %s",
			Count(t.Requests), Count(t.ByClass[5]), Count(t.Timeouts), Count(t.Panics), Count(t.Lost)))
	for _, l := range s.Limits {
		lines = append(lines, fmt.Sprintf("limit %s: %d of %d in use, %d of %d wait", l.Name, l.InUse, l.Max, l.Waiting, l.MaxQueue))
	}
	for _, u := range s.Upstreams {
		if u.Ejected > 0 {
			lines = append(lines, upstream(u))
		}
	}
	return lines
}

// upstream says that one is not used.
func upstream(u control.Upstream) string {
	back := "tried again at the next request"
	if u.Back > 0 {
		back = "tried again in " + Age(u.Back)
	}
	return fmt.Sprintf("upstream %s: ejected in %d of %d workers, %s; %s of %s requests failed",
		Cut(u.Name, 60), u.Ejected, u.Workers, back, Count(u.Failures), Count(u.Requests))
}

// used is a part of what there is, with its share: the utilisation.
func used(n, most int) string {
	if most <= 0 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d of %d (%s)", n, most, Share(float64(n)/float64(most)))
}

// queues is depth against backlog, of every address that can be asked.
func queues(all []control.Listener) string {
	var parts []string
	for _, l := range all {
		if l.Depth >= 0 {
			parts = append(parts, fmt.Sprintf("%d/%d", l.Deepest, l.Backlog))
		}
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, " ")
}

// full is the width of a table with all columns.
const full = 104

// Workers is the table of workers; its first line is the head. In a narrow
// place, width above 0, the columns that matter least are left out.
func Workers(s control.Status, width int) []string {
	t := table{head: []column{
		right("SLOT"), right("PID"), right("GEN"), left("STATE"), right("AGE"), right("CONN"), right("BUSY"), right("OLDEST"),
		right("REQS"), right("REQ/S"), right("P50"), right("P95"), right("P99"), right("MEM"), right("CPU"), right("ENDED"),
	}}
	for _, k := range s.Workers {
		t.add(
			strconv.Itoa(k.Slot), pid(k.PID), strconv.FormatUint(k.Generation, 10), string(k.State), Age(k.Age),
			strconv.Itoa(k.Connections), strconv.Itoa(k.InFlight), Age(k.Oldest), Count(k.Requests), Rate(k.Rate),
			Age(k.P50), Age(k.P95), Age(k.P99), Bytes(k.PSS), fmt.Sprintf("%.0f%%", k.CPU), Count(k.Restarts),
		)
	}
	if width > 0 && width < full {
		t.drop("GEN", "P50", "P95", "ENDED")
	}
	return t.lines()
}

func pid(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

// deathsOf names the last abnormal death of every slot that had one.
func deathsOf(s control.Status) (lines []string) {
	seen := map[int]bool{}
	for _, k := range s.Workers {
		if d := k.LastDeath; d != nil && !seen[k.Slot] {
			seen[k.Slot] = true
			lines = append(lines, fmt.Sprintf("slot %d: last death %s ago: %s", k.Slot, Age(control.Sec(s.Time.Sub(d.Time))), Cut(d.Text, 200)))
		}
	}
	return lines
}
