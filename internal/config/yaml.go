package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fileValue is a setting as the YAML file has it.
type fileValue struct {
	name  string
	raw   string
	where string     // file:line
	node  *yaml.Node // of a section
}

// mistakesMax bounds the messages about one file; beyond it the file is not ours.
const mistakesMax = 50

// yamlWalk collects values and mistakes on the way through a document.
type yamlWalk struct {
	path   string
	table  []Setting
	values []fileValue
	errs   []error
}

// parseYAML reads one document and returns the settings in it. Top-level keys
// that begin with x- are free, for anchors.
func parseYAML(path string, data []byte, table []Setting) ([]fileValue, []error) {
	w := &yamlWalk{path: path, table: table}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil // comments only
	case err != nil:
		return nil, []error{w.syntax(err)}
	}
	if err := decoder.Decode(&second); err == nil {
		w.errorf(second.Line, "cannot use a second YAML document: settings belong into one; delete the line ---")
	} else if !errors.Is(err, io.EOF) {
		return nil, []error{w.syntax(err)}
	}
	if len(doc.Content) == 1 && !isNull(doc.Content[0]) {
		w.section("", doc.Content[0], doc.Content[0].Line)
	}
	return w.values, w.errs
}

// syntax turns "yaml: line 3: ..." into the form of all other messages.
func (w *yamlWalk) syntax(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	where := w.path
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, problem, ok := strings.Cut(rest, ": "); ok {
			if _, err := strconv.Atoi(number); err == nil {
				where, text = w.path+":"+number, problem
			}
		}
	}
	return fmt.Errorf("%s: cannot read YAML: %s; check the indentation and the quotes near this line", where, text)
}

func (w *yamlWalk) errorf(line int, format string, args ...any) {
	w.errs = append(w.errs, fmt.Errorf("%s:%d: %s", w.path, line, fmt.Sprintf(format, args...)))
}

// section walks the mapping at prefix ("" is the whole document).
func (w *yamlWalk) section(prefix string, node *yaml.Node, line int) {
	node = follow(node)
	if isNull(node) {
		return // all its keys are commented out
	}
	if node.Kind != yaml.MappingNode {
		if prefix == "" {
			w.errorf(line, "cannot use %s as configuration: it is no list of keys; begin with server:", describe(node))
			return
		}
		w.errorf(line, "cannot use %s = %s: it is a section, not a value; put its keys below it, indented", prefix, describe(node))
		return
	}
	seen := map[string]int{}
	for _, p := range w.pairs(node) {
		if len(w.errs) >= mistakesMax {
			w.errorf(p.key.Line, "cannot list more than %d mistakes: check that this is a configuration of this program", mistakesMax)
			return
		}
		key := p.key.Value
		switch first, twice := seen[key]; {
		case p.key.Kind != yaml.ScalarNode:
			w.errorf(p.key.Line, "cannot use a key that is a list or a section; write a word and a colon")
			continue
		case twice && p.merged:
			continue // an own key wins over a merged one
		case twice:
			w.errorf(p.key.Line, "cannot use %s twice: line %d has it too; delete one of them", join(prefix, key), first)
			continue
		}
		seen[key] = p.key.Line
		w.entry(join(prefix, key), p.key, p.value)
	}
}

// entry handles one key: a setting, a section, or a mistake.
func (w *yamlWalk) entry(path string, key, value *yaml.Node) {
	for _, s := range w.table {
		if s.YAML == path {
			w.setting(s, key, value)
			return
		}
	}
	switch {
	case w.isSection(path):
		w.section(path, value, key.Line)
	case strings.HasPrefix(path, "x-"):
	default:
		w.errs = append(w.errs, &Error{
			Where: fmt.Sprintf("%s:%d", w.path, key.Line), Key: path, NoValue: true,
			Problem: "there is no such key", Remedy: suggestKey(w.table, path),
		})
	}
}

func (w *yamlWalk) isSection(path string) bool {
	for _, s := range w.table {
		if strings.HasPrefix(s.YAML, path+".") {
			return true
		}
	}
	return false
}

// listKinds are the kinds that may be a YAML list, with what an entry is.
var listKinds = map[Kind]string{KindBind: "an address", KindList: "a word", KindNetworks: "an address or a network"}

// setting takes the raw value, a list for addresses.
func (w *yamlWalk) setting(s Setting, key, value *yaml.Node) {
	value = follow(value)
	fail := func(problem string) {
		w.errs = append(w.errs, &Error{
			Where: fmt.Sprintf("%s:%d", w.path, key.Line), Key: s.YAML, Value: s.shown(describe(value)),
			NoValue: isNull(value), Problem: problem, Remedy: s.remedy(),
		})
	}
	raw := value.Value
	at := fmt.Sprintf("%s:%d", w.path, key.Line)
	switch {
	case isNull(value):
		fail("it has no value, delete the line to get the default")
		return
	case s.Kind == KindSection:
		w.values = append(w.values, fileValue{name: s.Name, node: value, where: at})
		return
	case value.Kind == yaml.SequenceNode && listKinds[s.Kind] != "":
		var items []string
		for _, item := range value.Content {
			if item = follow(item); item.Kind != yaml.ScalarNode || isNull(item) {
				fail("one of its entries is not " + listKinds[s.Kind])
				return
			}
			items = append(items, item.Value)
		}
		raw = strings.Join(items, ",")
	case value.Kind != yaml.ScalarNode:
		fail("it is " + describe(value) + ", not a single value")
		return
	}
	w.values = append(w.values, fileValue{name: s.Name, raw: raw, where: at})
}
