package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// loadFixture loads testdata/name and nothing else.
func loadFixture(t *testing.T, name string) (*Resolved, error) {
	t.Helper()
	return Load(Input{File: filepath.Join("testdata", name), CPUs: 2})
}

// badFiles has every message of every bad file, in order, after the path.
var badFiles = map[string][]string{
	"unknown.bad.yaml": {
		`:2: cannot use server.wrokers: there is no such key; did you mean server.workers?`,
		`:3: cannot use server.quux_frobnicate: there is no such key; delete it; config print lists all keys`,
		`:4: cannot use workers: there is no such key; did you mean server.workers?`,
		`:5: cannot use WEB_WORKERS: there is no such key; did you mean server.workers?`,
		`:6: cannot use severs: there is no such key; did you mean server?`,
		`:9: cannot use performance.concurency: there is no such key; did you mean performance.concurrency?`,
	},
	"types.bad.yaml": {
		`:2: cannot use server.workers = "a list": it is a list, not a single value; give a whole number from 1 to 1024, for example 8`,
		`:3: cannot use server.timeout = "a section": it is a section, not a single value; give seconds`,
		`:4: cannot use server.bind = "a list": one of its entries is not an address; give host:port`,
		`:5: cannot use server.backlog: it has no value, delete the line to get the default; give a whole number`,
		`:8: cannot use performance = 100: it is a section, not a value; put its keys below it, indented`,
		`:6: cannot use server.watch = "2": it is neither true nor false; give true or false`,
		`:7: cannot use server.log_level = "true": it is none of debug, info, warn, error; give debug, info, warn or error`,
	},
	"numbers.bad.yaml": {
		`:2: cannot use server.workers = "0": it is below the least value 1; give a whole number from 1 to 1024`,
		`:3: cannot use server.worker_connections = "-3": it is negative; give a whole number from 1 to 1000000`,
		`:4: cannot use server.backlog = "1e9": it is above the greatest value 1048576; give`,
		`:6: cannot use server.timeout = "-1s": it is negative; give seconds or a duration like 3m, from 200ms to 24h, or 0 for off, for example 180`,
		`:5: cannot use server.max_requests = "abc": it is not a whole number; give`,
		`:7: cannot use server.max_memory = "3 apples": it is not a size; give a size from 1MiB to 64TiB, or 0 for off, for example 512MiB`,
	},
	"duplicate.bad.yaml": {`:4: cannot use server.workers twice: line 2 has it too; delete one of them`},
	"syntax.bad.yaml":    {`:3: cannot read YAML: mapping values are not allowed in this context; check the indentation`},
	"tab.bad.yaml":       {`:2: cannot read YAML: found character that cannot start any token; check`},
	"unclosed.bad.yaml":  {`cannot read YAML: found unexpected end of stream; check the indentation and the quotes`},
	"documents.bad.yaml": {`:3: cannot use a second YAML document`},
	"list.bad.yaml":      {`:1: cannot use a list as configuration: it is no list of keys; begin with server:`},
	"word.bad.yaml":      {`:1: cannot use hello as configuration: it is no list of keys; begin with server:`},
	"merge.bad.yaml":     {`:2: cannot merge 4 with <<: it is not a section; name an anchor of a section`},
	"key.bad.yaml": {
		`:2: cannot use a key that is a list or a section; write a word and a colon`,
		`:4: cannot use "server.odd\nkey": there is no such key; delete it`,
	},
	"bind.bad.yaml": {`:2: cannot use server.bind = "8000": it is a port without a colon, write :8000; give host:port`},
	"networks.bad.yaml": {
		`:2: cannot use server.proxy_allow_ips = "balancer.example": "balancer.example" is no IP address; give IP addresses or networks separated by commas, or * for all, for example 10.0.0.0/8`,
		`:3: cannot use server.forwarded_allow_ips = "10.0.0.1/8,::1": "10.0.0.1/8" has bits behind its length, write 10.0.0.0/8`,
	},
	"combination.bad.yaml": {
		`:3: cannot use stream_timeout = "30s": it is below graceful_timeout = 60s`,
		`:8: cannot use max_concurrent_requests = "10": it is below llm_concurrent_limit = 20`,
		`:4: cannot use pidfile = "/run/w.sock": it is the same path as bind; give the pidfile a path of its own`,
	},
	"upstreams.bad.yaml": {
		`:3: cannot use providers.openai.base_url = "ftp://h": it does not begin with http:// or https://; give an address, for example http://127.0.0.1:8080/v1`,
		`:7: cannot use providers.openai.upstreams[0].weigth: there is no such key; did you mean weight?`,
		`:9: cannot use providers.openai.upstreams[1].priority = "-1": it is negative; give a whole number from 0 to 1000, for example 1`,
		`:10: cannot use providers.openai.upstreams[1].connect_timeout = "soon": it is not a duration; give seconds or a duration like 3m, from 10ms to 600s, for example 5s`,
		`:12: cannot use providers.openai.upstreams[1].api_key = "a section": it is not a single value; give one value`,
		`:8: cannot use providers.openai.upstreams[1]: it has no base_url; add the key base_url`,
		`:13: cannot use providers.openai.upstreams[2] = "word": it is no section; put its keys below it, indented: name, base_url, api_key, api_key_env, `,
		`:14: cannot use providers.openai.upstreams[3].name: it has no value; give it one or delete the line`,
		`:14: cannot use providers.openai.upstreams[3]: it has no base_url; add the key base_url`,
	},
	"upstreamkeys.bad.yaml": {
		`:4: cannot use providers.openai.upstreams[0].base_url = "https://h/v1?x=1": it has a query or fragment; paths are added at its end; give an address`,
		`:4: cannot use providers.openai.upstreams[0]: it has its key in more than one place; keep one of api_key, api_key_env and api_key_file`,
		`:5: cannot use providers.openai.upstreams[1].name = "a": another upstream has it; give each one a name of its own`,
		`:5: cannot use providers.openai.upstreams[1].base_url = "https://********@h": it has a user or password in it, which would be shown`,
		`:5: cannot use providers.openai.upstreams[1].api_key_env = "NO_SUCH_VARIABLE": there is no such variable in the environment or an env-file; set it`,
		`:6: cannot use providers.openai.upstreams[2].base_url = "/v1": it does not begin with http:// or https://; give`,
		`:6: cannot use providers.openai.upstreams[2].models[0] = "*-4o": it is no name of a model; give a name, or its beginning and a *`,
	},
	"keys.bad.yaml": {
		`:3: cannot use api.keys[0].sha256 = "********": it is not a SHA-256 in hexadecimal; give what printf %s "$KEY" | sha256sum prints`,
		`:4: cannot use api.keys[1].name = "a": another key has it; give each one a name of its own`,
		`:5: cannot use api.keys[2].sha256 = "********": it is the same key as that of a; give each client its own, or delete one`,
		`:5: cannot use api.keys[2].models[0] = "": it is no name of a model; give a name, or its beginning and a *`,
	},
	"keyshape.bad.yaml": {
		`:3: cannot use api.cors.origins = "a section": it is a section, not a single value; give words separated by commas, for example https://app.example.com`,
		`:3: cannot use api.cors.max_agee: there is no such key; did you mean api.cors.max_age?`,
		`:2: cannot use api.keys = "a section": it is no list; begin each entry with a dash`,
	},
	"tls.bad.yaml": {
		`:4: cannot use tls.certificates[0]: it has no key; add the key key`,
		`:5: cannot use tls.min_version = "1.1": it is none of 1.2, 1.3; give 1.2 or 1.3`,
		`:6: cannot use tls.cert = "/c.crt": it needs tls.key too; set tls.key, or delete tls.cert`,
		`:7: cannot use tls.client_auth = "require": it needs tls.client_ca too; set tls.client_ca, or delete tls.client_auth`,
	},
	"tlsbind.bad.yaml": {
		`:2: cannot use bind = ":8443?tls": an address with ?tls needs a certificate; set tls.cert and tls.key, or delete ?tls`,
	},
	"empty.bad.yaml":  {`: it is empty; write the settings into it or delete it`},
	"blank.bad.yaml":  {`: it is empty; write`},
	"latin1.bad.yaml": {`: line 2 is not UTF-8 text; save it as UTF-8`},
	"utf16.bad.yaml":  {`: it is UTF-16 text; save it as UTF-8`},
}

func TestBadFiles(t *testing.T) {
	for name, want := range badFiles {
		_, err := loadFixture(t, name)
		got := Errors(err)
		if len(got) != len(want) {
			t.Errorf("%s: %d messages, want %d:\n%v", name, len(got), len(want), err)
			continue
		}
		for i, e := range got {
			if !strings.Contains(e.Error(), "testdata/"+name) || !strings.Contains(e.Error(), want[i]) || strings.Contains(e.Error(), "\n") {
				t.Errorf("%s:\n got %s\nwant %s", name, e, want[i])
			}
		}
	}
}

func TestEveryBadFileHasItsMessage(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(files) != len(badFiles) {
		t.Errorf("%d bad files and messages for %d (%v)", len(files), len(badFiles), err)
	}
}

func TestGoodFiles(t *testing.T) {
	change := map[string]func(*Settings){
		"guide.good.yaml":        func(*Settings) {}, // the guide's values are the defaults
		"comments.good.yaml":     func(*Settings) {},
		"nullsections.good.yaml": func(*Settings) {},
		"bom.good.yaml":          func(s *Settings) { s.Workers = 4 },
		"gateway.good.yaml": func(s *Settings) {
			s.API.Echo.Enabled, s.API.AllowAnonymous = "true", true
			s.API.OpenAI.Upstreams = []Upstream{defaultsOf[Upstream]()}
			s.API.OpenAI.Upstreams[0].Name, s.API.OpenAI.Upstreams[0].BaseURL = "a", "http://h:1/v1"
			s.API.Keys = []ClientKey{{
				Name: "web-shop", SHA256: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
				Models: []string{"gpt-*", "o3"}, MaxConcurrentRequests: 7,
			}}
			s.API.CORS = CORS{[]string{"https://a.example", "https://b.example"}, []string{"Authorization", "Content-Type"}, time.Hour}
			s.API.MaxBodySize, s.API.Heartbeat = 1<<20, 15*time.Second
		},
		"selfmerge.good.yaml": func(s *Settings) { s.Workers = 4 },
		"full.good.yaml": func(s *Settings) {
			s.Timeout, s.GracefulTimeout, s.Keepalive = 3*time.Minute, 500*time.Millisecond, 10*time.Second
			s.Bind, s.Workers, s.MaxMemory = []string{"127.0.0.1:8000", "unix:/run/w.sock"}, 8, 512<<20
			s.Watch, s.AccessLog, s.LogLevel = false, "-", "warn"
			s.API.MaxConcurrentRequests, s.API.LLMConcurrentLimit, s.API.QueueSize = 200, 50, 0
			s.API.Echo.Tokens, s.API.Echo.TokenDelay = 10, 20*time.Millisecond
		},
	}
	files, err := filepath.Glob("testdata/*.good.yaml")
	if err != nil || len(files) != len(change) {
		t.Errorf("%d good files and results for %d (%v)", len(files), len(change), err)
	}
	for name, with := range change {
		got, err := loadFixture(t, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := Defaults(2)
		want.StateDir = got.Settings.StateDir
		with(&want)
		if !reflect.DeepEqual(got.Settings, want) {
			t.Errorf("%s\n got %+v\nwant %+v", name, got.Settings, want)
		}
		if !filepath.IsAbs(got.File) {
			t.Errorf("%s: File = %q is not absolute", name, got.File)
		}
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, make([]byte, fileMax+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "no such file or directory; check the path",
		dir:                             "it is a directory; name the file in it",
		os.DevNull:                      "it is not a regular file",
		large:                           "it is larger than 1MiB",
	} {
		for kind, in := range map[string]Input{"configuration file": {File: path}, "env-file": {EnvFiles: []string{path}}} {
			in.Dir = dir
			_, err := Load(in)
			if all := Errors(err); len(all) != 1 || !strings.Contains(err.Error(), "cannot use the "+kind+" "+path+": "+want) {
				t.Errorf("%s %s: %v, want %q", kind, path, err, want)
			}
		}
	}
}

func TestUnreadableFileNamesTheRemedy(t *testing.T) {
	err := explainRead(&os.PathError{Op: "open", Path: "x", Err: os.ErrPermission})
	if !strings.Contains(err.Error(), "let the user who runs the program read it") {
		t.Error(err)
	}
	if os.Getuid() == 0 {
		return // root reads everything
	}
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("server:\n"), 0o000); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Input{File: path}); err == nil || !strings.Contains(err.Error(), "permission denied; let the user") {
		t.Error(err)
	}
}

func TestTooManyMistakesAreCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	var b strings.Builder
	for range mistakesMax * 3 {
		b.WriteString("k" + strings.Repeat("x", b.Len()%50) + ": 1\n")
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Input{File: path}); len(Errors(err)) > mistakesMax+1 || len(Errors(err)) < 2 {
		t.Errorf("%d messages", len(Errors(err)))
	}
}
