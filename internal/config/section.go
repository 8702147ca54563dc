package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A section is a setting with a structure: a list of upstreams, of client keys.
// It can only be written in the YAML file. Its Go type says what may be there:
//
//	yaml:"name"           the key; a field without it is not the operator's
//	yaml:"name,required"  the key must be there
//	default:"5s"          when the key is not there, in the form of a setting
//	min:"1" max:"100"     bounds of a number or duration
//
// Fields are strings, [Secret], bool, int, int64 (a size), float64,
// time.Duration, []string, map[string]string, and structs and slices of structs.

// section decodes one section and remembers where its parts stand.
type section struct {
	*yamlWalk
	lines map[string]int // by path, e.g. "providers.openai.upstreams[0].name"
}

// where is the place of a part for a message; of a missing part that of what
// holds it.
func (d *section) where(path string) string {
	for {
		if line, ok := d.lines[path]; ok {
			return fmt.Sprintf("%s:%d", d.path, line)
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return d.path
		}
		path = path[:cut]
	}
}

// fail records a mistake in the part at path. A value that is nil is not shown.
func (d *section) fail(path string, value any, problem, remedy string) {
	e := &Error{Where: d.where(path), Key: path, Problem: problem, Remedy: remedy, NoValue: value == nil}
	if value != nil {
		e.Value = fmt.Sprint(value) // a Secret masks itself
	}
	d.errs = append(d.errs, e)
}

// decode writes node into v, which is settable, and collects the mistakes.
func (d *section) decode(path string, node *yaml.Node, v reflect.Value, tag reflect.StructTag) {
	node = follow(node)
	if _, ok := d.lines[path]; !ok {
		d.lines[path] = node.Line
	}
	if len(d.errs) >= mistakesMax {
		return
	}
	if isNull(node) {
		d.fail(path, nil, "it has no value", "give it one or delete the line")
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.decodeStruct(path, node, v)
	case reflect.Slice:
		d.decodeList(path, node, v, tag)
	case reflect.Map:
		d.decodeMap(path, node, v)
	default:
		if node.Kind != yaml.ScalarNode {
			d.fail(path, describe(node), "it is not a single value", "give one value")
			return
		}
		if err := setScalar(v, node.Value, tag); err != nil {
			var shown any = node.Value
			if v.Type() == reflect.TypeFor[Secret]() {
				shown = Secret(node.Value)
			}
			d.fail(path, shown, err.Error(), scalarRemedy(v, tag))
		}
	}
}

func (d *section) decodeStruct(path string, node *yaml.Node, v reflect.Value) {
	if node.Kind != yaml.MappingNode {
		d.fail(path, describe(node), "it is no section", "put its keys below it, indented: "+strings.Join(keysOf(v.Type()), ", "))
		return
	}
	setDefaults(v)
	seen := map[string]int{}
	for _, p := range d.pairs(node) {
		key := p.key.Value
		at := path + "." + key
		if first, twice := seen[key]; twice {
			if !p.merged {
				d.errorf(p.key.Line, "cannot use %s twice: line %d has it too; delete one of them", at, first)
			}
			continue
		}
		seen[key] = p.key.Line
		field, ok := fieldOf(v.Type(), key)
		if !ok {
			remedy := "the keys here are " + strings.Join(keysOf(v.Type()), ", ")
			if near := Nearest(key, keysOf(v.Type())); near != "" {
				remedy = "did you mean " + near + "?"
			}
			d.lines[at] = p.key.Line
			d.fail(at, nil, "there is no such key", remedy)
			continue
		}
		d.lines[at] = p.key.Line
		d.decode(at, p.value, v.FieldByIndex(field.Index), field.Tag)
	}
	for field := range v.Type().Fields() {
		key, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if options == "required" && seen[key] == 0 {
			d.fail(path, nil, "it has no "+key, "add the key "+key)
		}
	}
}

func (d *section) decodeList(path string, node *yaml.Node, v reflect.Value, tag reflect.StructTag) {
	items := node.Content
	switch {
	case node.Kind == yaml.ScalarNode && v.Type().Elem().Kind() == reflect.String:
		items = []*yaml.Node{node} // one entry needs no list
	case node.Kind != yaml.SequenceNode:
		d.fail(path, describe(node), "it is no list", "begin each entry with a dash")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		d.decode(fmt.Sprintf("%s[%d]", path, i), item, list.Index(i), tag)
	}
	if len(items) == 0 {
		list = reflect.Zero(v.Type()) // an empty list is none
	}
	v.Set(list)
}

func (d *section) decodeMap(path string, node *yaml.Node, v reflect.Value) {
	if node.Kind != yaml.MappingNode {
		d.fail(path, describe(node), "it is no section", "write one \"name: value\" per line below it")
		return
	}
	all := map[string]string{}
	for _, p := range d.pairs(node) {
		at := path + "." + p.key.Value
		d.lines[at] = p.key.Line
		if p.value.Kind != yaml.ScalarNode || isNull(p.value) {
			d.fail(at, describe(p.value), "it is not a single value", "give one value")
			continue
		}
		if _, twice := all[p.key.Value]; twice && !p.merged {
			d.fail(at, nil, "it is there twice", "delete one of them")
			continue
		}
		all[p.key.Value] = p.value.Value
	}
	v.Set(reflect.ValueOf(all))
}

// setDefaults applies the default tags of a struct.
func setDefaults(v reflect.Value) {
	for field := range v.Type().Fields() {
		if text := field.Tag.Get("default"); text != "" {
			// A default always parses: a test walks the sections.
			_ = setScalar(v.FieldByIndex(field.Index), text, field.Tag)
		}
	}
}

// defaultsOf is what a section's entry is when it says nothing.
func defaultsOf[T any]() T {
	var entry T
	setDefaults(reflect.ValueOf(&entry).Elem())
	return entry
}

// setScalar parses raw into v by the rules of the settings table.
func setScalar(v reflect.Value, raw string, tag reflect.StructTag) error {
	raw = strings.TrimSpace(raw)
	if hasControl(raw) {
		return errors.New("it has a character that is no text")
	}
	s := scalarSetting(v, tag)
	switch v.Kind() {
	case reflect.String:
		v.SetString(raw)
	case reflect.Bool:
		b, err := parseBool(raw)
		v.SetBool(b)
		return err
	case reflect.Float64:
		f, ok := decimal(raw)
		if !ok {
			return errors.New("it is not a number")
		}
		v.SetFloat(f)
	case reflect.Int, reflect.Int64:
		n, err := s.number(raw, s.parser())
		v.SetInt(n)
		return err
	default:
		return fmt.Errorf("the type %s has no parser", v.Type())
	}
	return nil
}

// scalarSetting lends a field the parsing, the bounds and the remedy of a setting.
func scalarSetting(v reflect.Value, tag reflect.StructTag) Setting {
	s := Setting{Kind: KindInt, Off: tag.Get("off") != "", Example: tag.Get("example")}
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		s.Kind = KindDuration
	case v.Kind() == reflect.Int64:
		s.Kind = KindBytes
	case v.Kind() == reflect.Bool:
		s.Kind = KindBool
	case v.Kind() == reflect.String:
		s.Kind = KindText
	}
	s.Max = 1 << 62
	for name, to := range map[string]*int64{"min": &s.Min, "max": &s.Max} {
		if text := tag.Get(name); text != "" {
			if n, err := s.parser()(text); err == nil {
				*to = n
			}
		}
	}
	return s
}

func scalarRemedy(v reflect.Value, tag reflect.StructTag) string {
	s := scalarSetting(v, tag)
	if s.Example == "" {
		s.Example = tag.Get("default")
	}
	return strings.TrimSuffix(s.remedy(), ", for example ")
}

// parser is how a number of this kind is written.
func (s Setting) parser() func(string) (int64, error) {
	switch s.Kind {
	case KindDuration:
		return parseDuration
	case KindBytes:
		return parseBytes
	default:
		return parseCount
	}
}

// keysOf lists what an operator may write in a struct.
func keysOf(t reflect.Type) []string {
	var keys []string
	for field := range t.Fields() {
		if key, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for field := range t.Fields() {
		if k, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); k == key && k != "" {
			return field, true
		}
	}
	return reflect.StructField{}, false
}

// sectionText is a section as one line of JSON: what two configurations are
// compared by.
func sectionText(v any) string {
	if reflect.ValueOf(v).Elem().IsZero() {
		return ""
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// sectionShown is the same for people: keys as in the file, secrets masked,
// what is not set left out.
func sectionShown(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		return sectionShown(v.Elem())
	case reflect.Struct:
		var parts []string
		for field := range v.Type().Fields() {
			key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			if value := v.FieldByIndex(field.Index); key != "" && !value.IsZero() {
				parts = append(parts, key+": "+sectionShown(value))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case reflect.Slice:
		var parts []string
		for i := range v.Len() {
			parts = append(parts, sectionShown(v.Index(i)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Map:
		var parts []string
		for _, key := range v.MapKeys() {
			parts = append(parts, key.String()+": "+sectionShown(v.MapIndex(key)))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		if d, ok := reflect.TypeAssert[time.Duration](v); ok {
			return formatDuration(d)
		}
		return fmt.Sprint(v.Interface())
	}
}
