package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestTLSPaths(t *testing.T) {
	file := write(t, "c.yaml", `
server: {bind: ":8443?tls"}
tls:
  cert: one.crt
  key: /keys/one.key
  client_ca: ca.crt
  certificates: [{cert: two.crt, key: one.key}]
`)
	got := mustLoad(t, Input{File: file, Dir: "/srv"}).Settings.TLS
	want := []Certificate{{"/srv/one.crt", "/keys/one.key"}, {"/srv/two.crt", "/srv/one.key"}}
	if !reflect.DeepEqual(got.Pairs(), want) {
		t.Errorf("got %v, want %v", got.Pairs(), want)
	}
	if files := got.Files(); len(files) != 4 {
		t.Errorf("without client_auth the files are %v", files)
	}
	got.ClientAuth = "request"
	if files := got.Files(); len(files) != 5 {
		t.Errorf("with client_auth the files are %v", files)
	}
}

func TestTLSHints(t *testing.T) {
	for text, want := range map[string]string{
		"tls: {cert: a, key: b}": "no address in bind speaks TLS",
		"tls: {client_ca: c}":    "tls.client_ca has no effect",
	} {
		got := mustLoad(t, Input{File: write(t, "c.yaml", text)})
		if !strings.Contains(strings.Join(got.Hints, "\n"), want) {
			t.Errorf("%s: hints %q, want %q", text, got.Hints, want)
		}
	}
}
