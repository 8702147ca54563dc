package config

import (
	"strings"
	"testing"
)

func TestAdminBind(t *testing.T) {
	for raw, want := range map[string]string{
		"": "off", "off": "off", "9100": "127.0.0.1:9100", ":9100": "127.0.0.1:9100", "0": "127.0.0.1:0",
		"0.0.0.0:9100": "0.0.0.0:9100", "[::1]:9": "[::1]:9", "localhost:1": "localhost:1",
	} {
		var a AdminBind
		if err := a.set(raw); err != nil || a.text() != want {
			t.Errorf("%q is %q, %v; want %q", raw, a.text(), err, want)
		}
	}
	for raw, want := range map[string]string{
		"70000": "65535", "x": "no port", "unix:/run/x": "no TCP", "fd://3": "no TCP", "1:2:3": "IPv6", "http://x:1": "begins with",
	} {
		var a AdminBind
		if err := a.set(raw); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", raw, err, want)
		}
	}
}
