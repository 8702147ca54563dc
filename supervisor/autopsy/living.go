package autopsy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/webchasor/webchasor/internal/control"
)

// Without leaves out the stacks that contain a function whose name ends so,
// for instance of the goroutine that made the dump.
func (d Dump) Without(function string) Dump {
	d.Stacks = slices.DeleteFunc(slices.Clone(d.Stacks), func(s Stack) bool {
		hit := slices.ContainsFunc(s.Frames, func(f string) bool { return strings.HasSuffix(f, function) })
		if hit {
			d.Goroutines -= s.Count
		}
		return hit
	})
	return d
}

// Groups are the stacks for the control API.
func (d Dump) Groups() []control.StackGroup {
	groups := make([]control.StackGroup, 0, len(d.Stacks))
	for _, s := range d.Stacks {
		g := control.StackGroup{Count: s.Count, State: s.State, Frames: []string{}}
		if s.Waited > 0 {
			g.State += fmt.Sprintf(", up to %d min", s.Waited)
		}
		for i := 0; i < len(s.Frames); i++ {
			line := s.Frames[i]
			if i+1 < len(s.Frames) && strings.HasPrefix(s.Frames[i+1], "\t") {
				line += " (" + s.Frames[i+1][1:] + ")"
				i++
			}
			if made, ok := strings.CutPrefix(line, "created by "); ok {
				g.Created = made
				continue
			}
			g.Frames = append(g.Frames, line)
		}
		groups = append(groups, g)
	}
	return groups
}

// Text is the dump for people.
func (d Dump) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d different\n", plural(d.Goroutines, "goroutine"), len(d.Stacks))
	for _, s := range d.Stacks {
		b.WriteString(s.text())
	}
	if d.Truncated {
		b.WriteString("\n(the dump was too long and is cut off)\n")
	}
	return b.String()
}
