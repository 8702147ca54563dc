package config

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// site is what the machine and the process contribute to a value.
type site struct {
	dir      string // base of relative paths, absolute
	cpus     float64
	stateDir string // the automatic state_dir
}

// set parses raw into the setting's field of dst. The error is the problem
// alone, without place and remedy.
func (s Setting) set(dst *Settings, raw string, at site) error {
	raw = strings.TrimSpace(raw)
	if hasControl(raw) {
		return errors.New("it has a character that is no text")
	}
	if s.Auto && strings.EqualFold(raw, "auto") {
		s.choose(dst, at)
		return nil
	}
	var err error
	switch field := s.at(dst).(type) {
	case *int:
		var n int64
		n, err = s.number(raw, parseCount)
		*field = int(n)
	case *int64:
		*field, err = s.number(raw, parseBytes)
	case *time.Duration:
		var n int64
		n, err = s.number(raw, parseDuration)
		*field = time.Duration(n)
	case *bool:
		*field, err = parseBool(raw)
	case *[]string:
		if s.Kind == KindList {
			*field = parseList(raw)
		} else {
			*field, err = parseBinds(raw, at.dir)
		}
	case *AdminBind:
		err = field.set(raw)
	case *Networks:
		err = field.set(raw)
	case *Secret:
		*field = Secret(raw)
	case *string:
		switch s.Kind {
		case KindPath:
			*field, err = s.path(raw, at.dir)
		case KindText:
			if *field = raw; s.Off && strings.EqualFold(raw, "off") {
				*field = ""
			}
		case KindMode:
			*field, err = s.mode(raw)
		case KindURL:
			*field, err = s.url(raw)
		default:
			*field, err = s.choice(raw)
		}
	default:
		err = fmt.Errorf("the type %T has no parser", field)
	}
	return err
}

// hasControl finds what would break a line of a log or a header.
func hasControl(raw string) bool {
	return strings.ContainsFunc(raw, unicode.IsControl) || !utf8.ValidString(raw)
}

// parseList splits words at commas; no word is an empty list.
func parseList(raw string) []string {
	var words []string
	for word := range strings.SplitSeq(raw, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// url reads an absolute http or https address, without the final slash.
func (s Setting) url(raw string) (string, error) {
	if s.Off && (raw == "" || strings.EqualFold(raw, "off")) {
		return "", nil
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "", errors.New("it is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("it does not begin with http:// or https://")
	case u.Hostname() == "":
		return "", errors.New("it names no host")
	case u.User != nil:
		return "", errors.New("it has a user or password in it, which would be shown; give the key as a setting of its own")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("it has a query or fragment; paths are added at its end")
	}
	return strings.TrimRight(raw, "/"), nil
}

// choose fills in the value of "auto".
func (s Setting) choose(dst *Settings, at site) {
	switch s.Name {
	case nameWorkers:
		dst.Workers = min(int(math.Ceil(at.cpus))*2+1, int(s.Max))
	case nameStateDir:
		dst.StateDir = at.stateDir
	case nameControlSocket:
		dst.ControlSocket = Auto // where that is depends on what the disk allows, see ControlSockets
	}
}

// number parses and bounds any of the numeric kinds.
func (s Setting) number(raw string, parse func(string) (int64, error)) (int64, error) {
	if s.Off && strings.EqualFold(raw, "off") {
		return 0, nil
	}
	n, err := parse(raw)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return 0, err
	case err == nil && n < 0:
		return 0, errors.New("it is negative")
	case err == nil && s.Off && n == 0:
		return 0, nil
	case err == nil && n < s.Min:
		return 0, fmt.Errorf("it is below the least value %s", s.format(s.Min))
	case err != nil || n > s.Max:
		return 0, fmt.Errorf("it is above the greatest value %s", s.format(s.Max))
	}
	return n, nil
}

// parseCount reads a whole number. Another notation of one, as 1e3, is taken
// at its word, so that 1e9 workers are "too many" and not "no number".
func parseCount(raw string) (int64, error) {
	n, err := strconv.ParseInt(raw, 10, 64)
	if err == nil {
		return n, nil
	}
	f, ok := decimal(raw)
	if !ok || f != math.Trunc(f) {
		return 0, errors.New("it is not a whole number")
	}
	return scale(f, 1)
}

// decimal reads a finite decimal fraction, with or without exponent. Unlike
// strconv alone it knows no hexadecimal floats, "inf" and "nan".
func decimal(raw string) (float64, bool) {
	if raw == "" || strings.Trim(raw, "0123456789.eE+-") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return f, true
}

func parseDuration(raw string) (int64, error) {
	if seconds, ok := decimal(raw); ok {
		return scale(seconds, float64(time.Second))
	}
	d, err := time.ParseDuration(raw)
	if err != nil {
		return 0, errors.New("it is not a duration")
	}
	return int64(d), nil
}

// scale multiplies and refuses what leaves int64.
func scale(f, unit float64) (int64, error) {
	f *= unit
	switch {
	case f >= math.MaxInt64:
		return 0, strconv.ErrRange
	case f < 0:
		return -1, nil
	case f > 0 && f < 1:
		return 1, nil // not off, only tiny
	}
	return int64(math.Round(f)), nil
}

func parseBool(raw string) (bool, error) {
	switch strings.ToLower(raw) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, errors.New("it is neither true nor false")
}

func (s Setting) choice(raw string) (string, error) {
	word := strings.ToLower(raw)
	if other, ok := s.Aliases[word]; ok {
		word = other
	}
	if slices.Contains(s.Choices, word) {
		return word, nil
	}
	return "", errors.New("it is none of " + strings.Join(s.Choices, ", "))
}

// path makes a path absolute, so that it means the same after an upgrade.
func (s Setting) path(raw, dir string) (string, error) {
	if s.Off && (raw == "" || strings.EqualFold(raw, "off") || strings.EqualFold(raw, "none")) {
		return "", nil
	}
	switch {
	case raw == "":
		return "", errors.New("it is empty")
	case raw == "-" && s.Stream:
		return raw, nil
	}
	if s.Name == nameStateDir {
		// systemd.exec(5): STATE_DIRECTORY is a colon-separated list of absolute
		// paths when a unit has several.
		raw, _, _ = strings.Cut(raw, ":/")
	}
	return absolute(dir, raw), nil
}

// absolute resolves p against dir.
func absolute(dir, p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(dir, p)
}

// remedy tells what to give instead.
func (s Setting) remedy() string {
	var b strings.Builder
	switch s.Kind {
	case KindInt:
		fmt.Fprintf(&b, "give a whole number from %d to %d", s.Min, s.Max)
	case KindDuration:
		fmt.Fprintf(&b, "give seconds or a duration like 3m, from %s to %s", s.format(s.Min), s.format(s.Max))
	case KindBytes:
		fmt.Fprintf(&b, "give a size from %s to %s", s.format(s.Min), s.format(s.Max))
	case KindBool:
		return "give true or false"
	case KindChoice:
		return "give " + orList(s.Choices)
	case KindPath:
		b.WriteString("give a path")
	case KindBind:
		b.WriteString("give host:port, :port, [v6]:port or unix:/path")
	case KindText:
		b.WriteString("give a word")
	case KindMode:
		b.WriteString("give an octal number")
	case KindURL:
		b.WriteString("give an address")
	case KindList:
		b.WriteString("give words separated by commas")
	case KindNetworks:
		b.WriteString("give IP addresses or networks separated by commas, or * for all")
	case KindSection:
		return "write it as configs/webchasor.yaml shows"
	}
	if s.Off && s.Min > 0 {
		b.WriteString(", or 0 for off")
	}
	b.WriteString(", for example " + s.Example)
	return b.String()
}

func orList(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
