package config

import (
	"errors"
	"fmt"
	"strings"
)

// Markers between which a document carries the settings table.
const (
	DocBegin = "<!-- settings:begin, generated from internal/config -->"
	DocEnd   = "<!-- settings:end -->"
)

// Markdown is the settings table for the README.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| Setting (YAML) | Variable | Flag | Default | Reload | What it does |\n|---|---|---|---|---|---|\n")
	for _, s := range Table() {
		variable, flag := "`"+s.Env+"`", "`--"+s.Flag+"`"
		if s.Env == "" {
			variable = "file only"
		}
		if s.Flag == "" {
			flag = "none"
		}
		if s.Short != "" {
			flag = "`-" + s.Short + "` " + flag
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", s.YAML, variable, flag, s.DefaultText(), s.Class, s.Help)
	}
	return b.String()
}

// ReplaceMarkdown returns the document with the current table between the
// markers. It fails when a marker is missing.
func ReplaceMarkdown(document string) (string, error) {
	before, rest, ok := strings.Cut(document, DocBegin)
	if !ok {
		return "", errors.New("cannot find the line " + DocBegin)
	}
	_, after, ok := strings.Cut(rest, DocEnd)
	if !ok {
		return "", errors.New("cannot find the line " + DocEnd)
	}
	return before + DocBegin + "\n" + Markdown() + DocEnd + after, nil
}

// sampleHead opens configs/webchasor.yaml.
const sampleHead = `# Every setting of webchasor with its default.
#
# Order: flag > environment > this file > default. Of the environment layer, a
# variable in an --env-file wins over the process environment. A bare number is
# seconds; 3m and 500ms work too. Check a change with: webchasor check -c FILE
#
# Searched without -c: ./config/config.yaml, ./webchasor.yaml,
# /etc/webchasor/webchasor.yaml.
#
# After the variable stands what a changed value needs: hot is applied by any
# reload (kill -HUP, or saving this file), rolling replaces the workers one by
# one, upgrade needs a new master (kill -USR2, or a restart).
`

// SampleYAML is configs/webchasor.yaml: every key, its default, and why.
func SampleYAML() string {
	var b strings.Builder
	b.WriteString(sampleHead)
	var open []string
	for _, s := range Table() {
		path := strings.Split(s.YAML, ".")
		sections := path[:len(path)-1]
		same := 0
		for same < len(open) && same < len(sections) && open[same] == sections[same] {
			same++
		}
		for i := same; i < len(sections); i++ {
			if i == 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%s%s:\n", indent(i), sections[i])
		}
		if same == len(sections) {
			b.WriteByte('\n')
		}
		open = sections
		in := indent(len(sections))
		if s.Kind == KindSection {
			fmt.Fprintf(&b, "%s# %s.\n%s# %s\n%s# %s, for example\n", in, sentence(s.Help), in, s.Why, in, s.Class)
			for line := range strings.Lines(s.Example) {
				fmt.Fprintf(&b, "%s#   %s\n", in, strings.TrimRight(line, "\n"))
			}
			fmt.Fprintf(&b, "%s%s: []\n", in, s.key())
			continue
		}
		fmt.Fprintf(&b, "%s# %s.\n%s# %s\n%s# %s, %s, for example %s\n", in, sentence(s.Help), in, s.Why, in, s.Env, s.Class, s.Example)
		fmt.Fprintf(&b, "%s%s: %s\n", in, s.key(), sampleValue(s))
	}
	return b.String()
}

// sentence begins with a capital letter.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

func indent(depth int) string { return strings.Repeat("  ", depth) }

// sampleValue writes the default so that YAML and people read the same.
func sampleValue(s Setting) string {
	switch {
	case s.Default == "" && s.Off:
		return `"off"`
	case s.Default == "":
		return `""`
	case listKinds[s.Kind] != "", s.Default == "-", s.Default == "off":
		return `"` + s.Default + `"`
	}
	return s.Default
}
