package config

import (
	"strings"
	"time"
)

// Group says who understands a setting. A library program knows only the
// server's.
type Group string

// The groups.
const (
	GroupServer Group = "server"
	GroupAPI    Group = "api"
)

// Class says what a changed value needs to take effect.
type Class string

// The classes, cheapest first.
const (
	Hot     Class = "hot"     // the master applies it, no worker is replaced for it
	Rolling Class = "rolling" // workers of a new generation
	Upgrade Class = "upgrade" // a new master: upgrade or restart
)

// Kind is the form in which a setting is written.
type Kind string

// The kinds.
const (
	KindInt      Kind = "int"
	KindDuration Kind = "duration" // bare number = seconds, or 3m, 500ms
	KindBytes    Kind = "bytes"    // plain bytes, or 512MiB, 1g
	KindBool     Kind = "bool"
	KindChoice   Kind = "choice"
	KindPath     Kind = "path"
	KindBind     Kind = "bind" // one or more addresses
	KindText     Kind = "text"
	KindMode     Kind = "mode"     // octal, as in 0027
	KindURL      Kind = "url"      // http or https
	KindList     Kind = "list"     // words, comma separated or a YAML list
	KindNetworks Kind = "networks" // IP addresses and networks, comma separated or a YAML list
	KindSection  Kind = "section"  // a structure, in the YAML file only; see section
)

// Setting describes one setting completely.
type Setting struct {
	Name  string // unique; the name of its Go field in words, e.g. "max_memory"
	Env   string // "" for a section
	YAML  string // dotted path, e.g. "server.workers"
	Flag  string // long form, without dashes; "" for a section and for secrets, which ps would show
	Short string // short form of the flag, "" for none

	Kind    Kind
	Default string // as an operator would write it
	Group   Group
	Class   Class
	Secret  bool // its value is never shown

	// Min and Max bound numbers: a count, nanoseconds or bytes by Kind.
	Min, Max int64
	Off      bool // 0 and "off" turn it off, also where Min is above 0; "off" empties a path
	Auto     bool // "auto" lets the program choose
	Stream   bool // a path that may be "-", a standard stream
	Choices  []string
	Aliases  map[string]string // other words for a choice

	Help    string // one line, for --help and the README
	Why     string // what it is for and how to choose it, for the sample file
	Example string // a value other than the default

	// at returns the pointer to the setting's field.
	at func(*Settings) any
	// finish checks and completes a section that was decoded without a mistake.
	finish func(*loader, *section)
}

// DefaultText is the default in words, for people.
func (s Setting) DefaultText() string {
	switch {
	case s.Name == nameWorkers:
		return "CPU x 2 + 1"
	case s.Name == nameStateDir:
		return "$XDG_STATE_HOME/webchasor or /var/lib/webchasor"
	case s.Default == "" && s.Kind == KindPath:
		return "off"
	case s.Default == "":
		return "none"
	}
	return s.Default
}

// key is the last element of the YAML path.
func (s Setting) key() string {
	return s.YAML[strings.LastIndexByte(s.YAML, '.')+1:]
}

const (
	nameWorkers       = "workers"
	nameStateDir      = "state_dir"
	nameControlSocket = "control_socket"
)

const (
	kib = int64(1) << 10
	mib = kib << 10
	gib = mib << 10
	tib = gib << 10

	ms   = int64(time.Millisecond)
	hour = int64(time.Hour)
)

// lookup finds a setting by name.
func lookup(table []Setting, name string) (Setting, bool) {
	for _, s := range table {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}
