package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzLoad feeds any bytes as a YAML file: either every message names the
// file in one line, or all values survive being shown and given back as flags.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "c.yaml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Load(Input{File: path, Dir: "/srv", CPUs: 2})
		for _, e := range Errors(err) {
			if text := e.Error(); !strings.Contains(text, path) && !strings.HasPrefix(text, "default: ") || strings.Contains(text, "\n") {
				t.Errorf("message %q", text)
			}
		}
		if err != nil {
			return
		}
		flags := map[string]string{}
		for _, row := range got.Rows() {
			if s, _ := lookup(Table(), row.Name); s.Flag != "" {
				flags[row.Name] = row.Value
			}
		}
		// A section and a secret are not given back: no flag has them.
		got.Settings.API.OpenAI.Upstreams, got.Settings.API.Keys, got.Settings.API.OpenAI.APIKey = nil, nil, ""
		again, err := Load(Input{Flags: flags, Dir: "/", CPUs: 7})
		if err != nil || !reflect.DeepEqual(got.Settings, again.Settings) {
			t.Errorf("shown and given back:\n%+v\n%+v\n%v", got.Settings, again, err)
		}
	})
}

// FuzzEnvFile demands that quoting keeps any text.
func FuzzEnvFile(f *testing.F) {
	f.Add("plain")
	f.Add(`with "quotes" and \ and # and $HOME`)
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ContainsAny(value, "\n\r") {
			return
		}
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)
		into := map[string]envValue{}
		errs := parseEnvFile("x", `export KEY="`+quoted+`" # comment`, into)
		if len(errs) > 0 || into["KEY"].raw != value {
			t.Errorf("%q becomes %q (%v)", value, into["KEY"].raw, errs)
		}
	})
}
