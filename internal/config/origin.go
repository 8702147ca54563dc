package config

// OriginKind is the layer that a value comes from.
type OriginKind string

// The layers, strongest first.
const (
	FromFlag    OriginKind = "flag"
	FromEnvFile OriginKind = "env-file"
	FromEnv     OriginKind = "environment"
	FromFile    OriginKind = "file"
	FromDefault OriginKind = "default"
)

// Origin says which layer won for a setting, and where exactly.
type Origin struct {
	Kind OriginKind
	// Where is the flag, the variable, or file:line. For a default it is the
	// calculation behind it, mostly "".
	Where string
}

// String is the origin in one phrase, e.g. "environment WEB_WORKERS".
func (o Origin) String() string {
	switch {
	case o.Where == "":
		return string(o.Kind)
	case o.Kind == FromDefault:
		return "default (" + o.Where + ")"
	}
	return string(o.Kind) + " " + o.Where
}

// place is how an error message begins.
func (o Origin) place() string {
	switch o.Kind {
	case FromFlag:
		return "command line"
	case FromFile, FromEnvFile:
		return o.Where
	case FromEnv:
		return "environment"
	default:
		return "default"
	}
}
