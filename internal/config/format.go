package config

import (
	"reflect"
	"strconv"
	"strings"
	"time"
)

// secretMask stands for every secret that is set.
const secretMask = "********"

// text returns the value in src in a form that parses back to it.
func (s Setting) text(src *Settings) string {
	switch field := s.at(src).(type) {
	case *int:
		return s.format(int64(*field))
	case *int64:
		return s.format(*field)
	case *time.Duration:
		return s.format(int64(*field))
	case *bool:
		return strconv.FormatBool(*field)
	case *[]string:
		return strings.Join(*field, ",")
	case *AdminBind:
		return field.text()
	case *Networks:
		return field.text()
	case *Secret:
		return field.Reveal()
	case *string:
		if *field == "" && s.Off {
			return "off"
		}
		return *field
	}
	if s.Kind == KindSection {
		return sectionText(s.at(src))
	}
	return ""
}

// display is the value in src, fit for people's eyes.
func (s Setting) display(src *Settings) string {
	if s.Kind != KindSection {
		return s.shown(s.text(src))
	}
	if v := reflect.ValueOf(s.at(src)); !v.Elem().IsZero() {
		return sectionShown(v)
	}
	return ""
}

// shown is text fit for people's eyes.
func (s Setting) shown(value string) string {
	if s.Secret && value != "" {
		return secretMask
	}
	if s.Kind == KindURL {
		return hideUserinfo(value) // in a message that refuses it
	}
	return value
}

// format writes a number in the setting's unit.
func (s Setting) format(n int64) string {
	if n == 0 && s.Off {
		return "off"
	}
	switch s.Kind {
	case KindDuration:
		return formatDuration(time.Duration(n))
	case KindBytes:
		return formatBytes(n)
	default:
		return strconv.FormatInt(n, 10)
	}
}

// formatDuration prefers plain seconds, the unit of the tuning guide.
func formatDuration(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d%time.Second == 0:
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return d.String()
}
