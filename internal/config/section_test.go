package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// sectionFile is a file with text at the setting's place.
func sectionFile(t *testing.T, s Setting, text string) string {
	t.Helper()
	var b strings.Builder
	path := strings.Split(s.YAML, ".")
	for i, key := range path {
		fmt.Fprintf(&b, "%s%s:\n", indent(i), key)
	}
	for line := range strings.Lines(text) {
		b.WriteString(indent(len(path)) + line)
	}
	return write(t, "c.yaml", b.String()+"\n")
}

// exampleOf loads a section's example.
func exampleOf(t *testing.T, s Setting) Settings {
	t.Helper()
	in := Input{File: sectionFile(t, s, s.Example), Environ: []string{"OPENAI_API_KEY=sk-x"}, CPUs: 2}
	got := mustLoad(t, in)
	got.Settings.API.OpenAI.APIKey = "" // of the environment that the example needs
	got.Settings.StateDir = Defaults(2).StateDir
	return got.Settings
}

func TestUpstreams(t *testing.T) {
	key := write(t, "key", "sk-from-file\n")
	file := write(t, "c.yaml", `
x-slow: &slow {connect_timeout: 1, first_byte_timeout: 5m}
providers:
  openai:
    upstreams:
      - <<: *slow
        name: one
        base_url: https://one.example/v1/
        api_key_env: ONE_KEY
        models: gpt-4o
        rename: {fast: gpt-4o}
        connect_timeout: 250ms
        between_bytes_timeout: off
      - {name: two, base_url: "http://[::1]:9/v1", api_key_file: `+key+`, weight: 3, priority: 1, headers: {X-A: b}}
      - {name: three, base_url: "http://three", api_key: sk-inline}
`)
	got := mustLoad(t, Input{File: file, Environ: []string{"ONE_KEY=sk-one", "OPENAI_API_KEY=sk-not-used"}})
	want := []Upstream{
		{
			Name: "one", BaseURL: "https://one.example/v1", APIKey: "sk-one", APIKeyEnv: "ONE_KEY",
			Models: []string{"gpt-4o"}, Rename: map[string]string{"fast": "gpt-4o"}, Weight: 1,
			ConnectTimeout: 250 * time.Millisecond, FirstByteTimeout: 5 * time.Minute,
		},
		{
			Name: "two", BaseURL: "http://[::1]:9/v1", APIKey: "sk-from-file", APIKeyFile: key, Priority: 1, Weight: 3,
			ConnectTimeout: 5 * time.Second, Headers: map[string]string{"X-A": "b"},
		},
		{
			Name: "three", BaseURL: "http://three", APIKey: "sk-inline", Weight: 1, ConnectTimeout: 5 * time.Second,
		},
	}
	if all := got.Settings.API.OpenAI.All(); !reflect.DeepEqual(all, want) {
		t.Errorf("\n got %#v\nwant %#v", all, want)
	}
	// The hand-off to workers keeps everything, secrets too.
	text, err := json.Marshal(got.Settings)
	if err != nil {
		t.Fatal(err)
	}
	var over Settings
	if err := json.Unmarshal(text, &over); err != nil || !reflect.DeepEqual(over, got.Settings) {
		t.Errorf("as JSON and back: %v\n got %+v\nwant %+v", err, over, got.Settings)
	}
}

func TestOneUpstreamFromTheEnvironment(t *testing.T) {
	if all := mustLoad(t, Input{}).Settings.API.OpenAI.All(); all != nil {
		t.Errorf("upstreams of nothing: %v", all)
	}
	one := mustLoad(t, Input{Environ: []string{"OPENAI_API_KEY=sk-x"}}).Settings.API.OpenAI.All()
	if len(one) != 1 || one[0].BaseURL != openAIURL || one[0].APIKey != "sk-x" || !reflect.DeepEqual(one[0].Models, []string{"*"}) || one[0].ConnectTimeout != 5*time.Second {
		t.Errorf("a key alone: %#v", one)
	}
	one = mustLoad(t, Input{Environ: []string{"OPENAI_BASE_URL=http://h:1/v1/", "OPENAI_MODELS=a, b*"}}).Settings.API.OpenAI.All()
	if len(one) != 1 || one[0].BaseURL != "http://h:1/v1" || one[0].APIKey != "" || !reflect.DeepEqual(one[0].Models, []string{"a", "b*"}) {
		t.Errorf("an address alone: %#v", one)
	}
}

// TestSecretsOfSectionsAreMasked: nothing that is shown has a key in it.
func TestSecretsOfSectionsAreMasked(t *testing.T) {
	yaml := "providers:\n  openai:\n    upstreams: [{name: a, base_url: 'http://h/v1', api_key: sk-hunter%d}]\n"
	load := func(n int) *Resolved {
		return mustLoad(t, Input{File: write(t, "c.yaml", fmt.Sprintf(yaml, n)), Environ: []string{"OPENAI_API_KEY=sk-hunter"}})
	}
	old, next := load(1), load(2)
	changes := Diff(old, next)
	if len(changes) != 1 || changes[0].Name != "openai.upstreams" || changes[0].Class != Rolling {
		t.Errorf("a new key is not a change: %v", changes)
	}
	shown := fmt.Sprintf("%v %+v %#v %v %+v %v", changes, old.Settings, old.Settings.API.OpenAI, old.Rows(), next.Settings, Shadowed(old))
	if strings.Contains(shown, "hunter") || !strings.Contains(shown, "api_key: "+secretMask) {
		t.Errorf("secrets are shown: %s", shown)
	}
}

func TestOpenProxy(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	upstream := func(line string) string {
		return write(t, "u.yaml", "providers: {openai: {upstreams: [{name: a, base_url: 'http://h/v1', "+line+"}]}}\n")
	}
	keys := write(t, "c.yaml", "api:\n  keys: [{name: a, sha256: "+sum+"}]\n")
	for _, c := range []struct {
		environ []string
		file    string
		warns   bool
	}{
		{environ: nil},
		{environ: []string{"OPENAI_API_KEY=x"}, warns: true},
		{environ: []string{"OPENAI_API_KEY=x", "ALLOW_ANONYMOUS=true"}},
		{environ: []string{"OPENAI_API_KEY=x", "BIND=127.0.0.1:8000,unix:/tmp/w.sock"}},
		{environ: []string{"OPENAI_API_KEY=x", "BIND=[::1]:8000"}},
		{environ: []string{"OPENAI_API_KEY=x", "BIND=127.0.0.1:8000,0.0.0.0:9000"}, warns: true},
		{environ: []string{"OPENAI_API_KEY=x"}, file: keys},
		{environ: []string{"OPENAI_BASE_URL=http://h/v1"}},
		{file: upstream("headers: {X-Api-Key: x}"), warns: true},
		{file: upstream("headers: {Authorization: Basic x}"), warns: true},
		{file: upstream("headers: {X-Title: x}")},
	} {
		hints := strings.Join(mustLoad(t, Input{Environ: c.environ, File: c.file, Dir: t.TempDir()}).Hints, "\n")
		if strings.Contains(hints, "open proxy: ") != c.warns {
			t.Errorf("%v: hints %q, want a warning: %v", c.environ, hints, c.warns)
		}
	}
}

// An upstream cannot be waited for longer than a request.
func TestTimeoutsBeyondTheRequestsAreHinted(t *testing.T) {
	file := write(t, "c.yaml", "server: {timeout: 60}\nproviders: {openai: {upstreams: [{name: a, base_url: 'http://h/v1', first_byte_timeout: 90s, between_bytes_timeout: 30s}]}}\n")
	hints := mustLoad(t, Input{File: file, Dir: t.TempDir()}).Hints
	if len(hints) != 1 || !strings.Contains(hints[0], "first_byte_timeout = 90s of upstream a has no effect") {
		t.Errorf("hints %q", hints)
	}
}

// TestSectionDefaultsParse walks the types of all sections.
func TestSectionDefaultsParse(t *testing.T) {
	for _, s := range Table() {
		if s.Kind != KindSection {
			continue
		}
		entry := reflect.TypeOf(s.at(&Settings{})).Elem().Elem()
		for field := range entry.Fields() {
			v := reflect.New(field.Type).Elem()
			for _, tag := range []string{"default", "min", "max"} {
				text := field.Tag.Get(tag)
				if text == "" {
					continue
				}
				if err := setScalar(v, text, field.Tag); err != nil {
					t.Errorf("%s.%s: the %s %q: %v", s.Name, field.Name, tag, text, err)
				}
			}
		}
	}
}

func TestUnreadableKeyFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "missing")
	path := write(t, "c.yaml", "providers: {openai: {upstreams: [{name: a, base_url: 'http://h', api_key_file: "+file+"}]}}\n")
	_, err := Load(Input{File: path})
	if err == nil || !strings.Contains(err.Error(), "api_key_file") || !strings.Contains(err.Error(), "check the path") {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte("two\nlines\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Input{File: path}); err == nil || !strings.Contains(err.Error(), "give the key on one line") {
		t.Error(err)
	}
}
