package config

import (
	"slices"
	"testing"
)

func TestControlSockets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		setting string
		environ map[string]string
		want    []string
	}{
		{"", nil, nil},
		{"/run/x.sock", map[string]string{"XDG_RUNTIME_DIR": "/run/user/1"}, []string{"/run/x.sock"}},
		{Auto, nil, []string{"/state/control.sock"}},
		{
			Auto,
			map[string]string{"RUNTIME_DIRECTORY": "/run/a:/run/b", "XDG_RUNTIME_DIR": "/run/user/1"},
			[]string{"/run/a/control.sock", "/run/user/1/webchasor/control.sock", "/state/control.sock"},
		},
		{Auto, map[string]string{"RUNTIME_DIRECTORY": "relative", "XDG_RUNTIME_DIR": "too"}, []string{"/state/control.sock"}},
	} {
		s := Settings{ControlSocket: c.setting, StateDir: "/state"}
		got := s.ControlSockets(func(key string) string { return c.environ[key] })
		if !slices.Equal(got, c.want) {
			t.Errorf("%q with %v: %q, want %q", c.setting, c.environ, got, c.want)
		}
	}
}

func TestControlSocketValues(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{"auto": Auto, "off": "", "/run/x": "/run/x", "x": "/srv/app/x"} {
		var s Settings
		setting, ok := lookup(Table(), nameControlSocket)
		if !ok {
			t.Fatal("there is no such setting")
		}
		if err := setting.set(&s, raw, testSite()); err != nil || s.ControlSocket != want {
			t.Errorf("%q: %q (%v), want %q", raw, s.ControlSocket, err, want)
		}
	}
}
