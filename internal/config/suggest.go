package config

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// suggestKey is the remedy for an unknown YAML key.
func suggestKey(table []Setting, path string) string {
	last := path[strings.LastIndexByte(path, '.')+1:]
	// The right word in the wrong place, or the variable's name as a key.
	for _, s := range table {
		if last != "" && (strings.EqualFold(last, s.key()) || strings.EqualFold(last, s.Env) || strings.EqualFold(last, s.Flag)) {
			return "did you mean " + s.YAML + "?"
		}
	}
	var known []string
	for _, s := range table {
		known = append(known, s.YAML)
		for i, c := range s.YAML {
			if c == '.' {
				known = append(known, s.YAML[:i])
			}
		}
	}
	if near := Nearest(path, known); near != "" {
		return "did you mean " + near + "?"
	}
	for _, s := range table {
		if Nearest(last, []string{s.key()}) != "" {
			return "did you mean " + s.YAML + "?"
		}
	}
	return "delete it; config print lists all keys"
}

// Nearest returns the word that was probably meant, or "" when none is close.
func Nearest(word string, known []string) string {
	limit := min(1+len(word)/5, 4)
	if len(word) < 3 || len(word) > 64 {
		return ""
	}
	near := ""
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(k)); d <= limit {
			near, limit = k, d-1
		}
	}
	return near
}

// oneLetter says that two names differ by a single edit.
func oneLetter(a, b string) bool {
	return levenshtein.ComputeDistance(a, b) == 1
}
