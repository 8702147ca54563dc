package autopsy

import (
	"cmp"
	"slices"

	"github.com/webchasor/webchasor/internal/control"
)

// maxTold bounds the frames of a stack that is told in a log line.
const maxTold = 16

// Telling are the stacks that say most about the death, at most so many and
// each with its innermost frames only: what ran and what serves requests in
// the application's code first, bystanders last.
func (r Record) Telling(most int) []control.StackGroup {
	stacks := slices.Clone(r.Stacks.Stacks)
	slices.SortStableFunc(stacks, func(a, b Stack) int { return cmp.Compare(a.bystander(), b.bystander()) })
	groups := Dump{Stacks: stacks[:min(len(stacks), most)]}.Groups()
	for i := range groups {
		f := groups[i].Frames
		f = f[:min(len(f), maxTold)]
		for j := range f {
			f[j] = oneLine(f[j], maxField)
		}
		groups[i].Frames = f
	}
	return groups
}

// bystander says how little a stack has to do with a death.
func (s Stack) bystander() int {
	_, ours := s.place()
	switch {
	case !s.witness():
		return 4
	case ours && s.First:
		return 0
	case ours && s.serves():
		return 1
	case ours:
		return 2
	case s.First:
		return 3
	}
	return 4
}
