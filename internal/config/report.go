package config

import "slices"

// Row is one line of `config print`.
type Row struct {
	Name   string
	Value  string // masked for secrets
	Origin Origin
}

// Rows lists all settings in the order of the table.
func (r *Resolved) Rows() []Row { return r.rows(Table()) }

func (r *Resolved) rows(table []Setting) []Row {
	var rows []Row
	for _, s := range table {
		if from, ok := r.Origins[s.Name]; ok {
			rows = append(rows, Row{Name: s.Name, Value: s.display(&r.Settings), Origin: from})
		}
	}
	return rows
}

// Change is a setting whose value differs between two configurations.
type Change struct {
	Name     string
	Old, New string // masked for secrets
	Class    Class
}

// Diff lists what changed, in the order of the table. Where a value comes from
// makes no difference.
func Diff(old, new *Resolved) []Change { return diff(old, new, Table()) }

func diff(old, new *Resolved, table []Setting) []Change {
	var changes []Change
	for _, s := range table {
		a, b := s.text(&old.Settings), s.text(&new.Settings)
		if a != b {
			changes = append(changes, Change{
				Name: s.Name, Old: s.display(&old.Settings), New: s.display(&new.Settings), Class: s.Class,
			})
		}
	}
	return changes
}

// Shadow is a value in the YAML file that a flag or variable overrides.
type Shadow struct {
	Name   string
	Value  string // as the file has it, masked for secrets
	Where  string // file:line
	Winner Origin
}

// Shadowed lists the values of the file that have no effect.
func Shadowed(r *Resolved) []Shadow {
	var all []Shadow
	for _, s := range Table() {
		in, ok := r.fromFile[s.Name]
		if winner := r.Origins[s.Name]; ok && winner.Kind != FromFile {
			all = append(all, Shadow{Name: s.Name, Value: s.shown(in.raw), Where: in.where, Winner: winner})
		}
	}
	return all
}

// ShadowedEdits lists the values that were edited in the file between old and
// new and still have no effect: what a reload has to tell its operator.
func ShadowedEdits(old, new *Resolved) []Shadow {
	return slices.DeleteFunc(Shadowed(new), func(s Shadow) bool {
		before, had := old.fromFile[s.Name]
		return had && before.raw == new.fromFile[s.Name].raw
	})
}
