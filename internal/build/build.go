// Package build says which version of the program runs.
package build

import "runtime/debug"

// released is set by the linker in a release (scripts/release.sh).
var released string

// Version is the release, or what the go command stamped into the binary: a
// module version, or the commit of a build from a checkout, or "devel".
func Version() string {
	if released != "" {
		return released
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}
