package config

import (
	"path/filepath"
	"strings"
)

// Auto is a path that the program has to choose when it runs.
const Auto = "auto"

// ControlSocketName is the file name of an automatic control socket.
const ControlSocketName = "control.sock"

// ControlSockets are the places where the control socket may be, the best one
// first; none if it is off. A master takes the first that it can use; whoever
// looks for a master tries them all.
func (s *Settings) ControlSockets(getenv func(string) string) []string {
	if s.ControlSocket == "" {
		return nil
	}
	if s.ControlSocket != Auto {
		return []string{s.ControlSocket}
	}
	var dirs []string
	// systemd.exec(5): several directories are separated by colons.
	if dir, _, _ := strings.Cut(getenv("RUNTIME_DIRECTORY"), ":"); filepath.IsAbs(dir) {
		dirs = append(dirs, dir)
	}
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		dirs = append(dirs, filepath.Join(dir, "webchasor"))
	}
	dirs = append(dirs, s.StateDir)
	for i, dir := range dirs {
		dirs[i] = filepath.Join(dir, ControlSocketName)
	}
	return dirs
}

// MostWorkers is the largest number of workers that can be configured.
func MostWorkers() int {
	s, _ := lookup(Table(), nameWorkers)
	return int(s.Max)
}

// Locate resolves only what tells where a service's control socket is. It
// passes over mistakes: a service whose file is being edited must be reachable.
func Locate(in Input) Settings {
	l, err := newLoader(in)
	if err != nil {
		return Defaults(1)
	}
	l.readFile()
	l.readEnvFiles()
	for _, s := range l.table {
		if s.Name == nameControlSocket || s.Name == nameStateDir {
			l.resolve(s)
		}
	}
	return l.out.Settings
}
