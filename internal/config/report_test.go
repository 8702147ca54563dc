package config

import (
	"slices"
	"strings"
	"testing"
)

func TestDiffNamesTheClass(t *testing.T) {
	old := mustLoad(t, Input{})
	same := mustLoad(t, Input{Environ: []string{"BACKLOG=2048"}, Dir: t.TempDir()})
	if changes := Diff(old, same); changes != nil {
		t.Errorf("another origin of the same value is a change: %v", changes)
	}
	changed := mustLoad(t, Input{Environ: []string{"BIND=:9000", "WORKER_TIMEOUT=60", "LOG_LEVEL=debug", "MAX_MEMORY=1g"}})
	want := []Change{
		{"bind", ":8000", ":9000", Upgrade},
		{"timeout", "120s", "60s", Rolling},
		{"max_memory", "off", "1GiB", Hot},
		{"log_level", "info", "debug", Hot},
	}
	if got := Diff(old, changed); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestShadowed(t *testing.T) {
	file := write(t, "c.yaml", "server:\n  workers: 4\n  backlog: 100\n  timeout: 60\n")
	in := Input{File: file, Environ: []string{"WEB_WORKERS=8"}, Flags: map[string]string{"backlog": "200"}}
	old := mustLoad(t, in)
	want := []Shadow{
		{"workers", "4", file + ":2", Origin{FromEnv, "WEB_WORKERS"}},
		{"backlog", "100", file + ":3", Origin{FromFlag, "--backlog"}},
	}
	if got := Shadowed(old); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	in.File = write(t, "c.yaml", "# a new line\nserver:\n  workers: 5\n  backlog: 100\n  timeout: 60\n")
	edits := ShadowedEdits(old, mustLoad(t, in))
	if len(edits) != 1 || edits[0].Name != "workers" || edits[0].Value != "5" {
		t.Errorf("edits without effect: %v, want workers = 5 only", edits)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	table := []Setting{{
		Name: "log_file", YAML: "server.log_file", Env: "LOG_FILE", Flag: "log-file", Kind: KindPath, Secret: true,
		Example: "x", at: func(s *Settings) any { return &s.LogFile },
	}}
	a := &Resolved{Settings: Settings{LogFile: "hunter1"}, Origins: map[string]Origin{"log_file": {}}}
	b := &Resolved{Settings: Settings{LogFile: "hunter2"}, Origins: a.Origins}
	changes := diff(a, b, table)
	if len(changes) != 1 || changes[0].Old != secretMask || changes[0].New != secretMask {
		t.Errorf("diff shows a secret or misses its change: %v", changes)
	}
	if rows := a.rows(table); len(rows) != 1 || rows[0].Value != secretMask {
		t.Errorf("rows show a secret: %v", rows)
	}
	l, err := newLoader(Input{})
	if err != nil {
		t.Fatal(err)
	}
	l.apply(table[0], "hunter\x003", Origin{Kind: FromEnv}, "LOG_FILE")
	if len(l.errs) != 1 || strings.Contains(l.errs[0].Error(), "hunter") {
		t.Errorf("an error shows a secret: %v", l.errs)
	}
}

func TestHints(t *testing.T) {
	for _, c := range []struct {
		environ []string
		want    string // "" is no hint
	}{
		{nil, ""},
		{[]string{"MAX_REQUESTS=0"}, ""},
		{[]string{"MAX_REQUESTS=0", "MAX_REQUESTS_JITTER=50"}, "max_requests_jitter has no effect"},
		{[]string{"MAX_REQUESTS=10", "MAX_REQUESTS_JITTER=50"}, ""},
		{[]string{"ACCESS_LOG_FORMAT=json"}, "access_log_format has no effect"},
		{[]string{"ACCESS_LOG_FORMAT=json", "ACCESS_LOG=-"}, ""},
		{[]string{"WORKER_TIMEOUT=5"}, ""},
		{[]string{"WORKER_TIMEOUT=5", "QUEUE_TIMEOUT=6"}, "queue_timeout has less effect"},
		{[]string{"GRACEFUL_TIMEOUT=600"}, "stream_timeout = 300s has less effect than it says"},
		{[]string{"MAX_CONCURRENT_REQUESTS=5"}, "max_concurrent_requests = 5 has less effect"},
		{[]string{"LIMIT_REQUEST_BODY=10MiB"}, "limit_request_body = 10MiB has less effect than it says: it is below api.max_body_size = 20MiB"},
		{[]string{"LIMIT_REQUEST_BODY=10MiB", "MAX_BODY_SIZE=10MiB"}, ""},
		{[]string{"LIMIT_REQUEST_BODY=0"}, ""},
		{[]string{"WEB_WORKER=4"}, "the variable WEB_WORKER is not used: did you mean WEB_WORKERS?"},
		{[]string{"HOME=/x", "PATH=/y", "BIN=1"}, ""},
	} {
		hints := mustLoad(t, Input{Environ: c.environ}).Hints
		if c.want == "" && len(hints) > 0 || c.want != "" && (len(hints) != 1 || !strings.Contains(hints[0], c.want)) {
			t.Errorf("%v: hints %q, want %q", c.environ, hints, c.want)
		}
	}
}

// TestContradiction: what is a hint beside a default is an error when the
// operator wrote both values.
func TestContradiction(t *testing.T) {
	_, err := Load(Input{Dir: t.TempDir(), Environ: []string{"GRACEFUL_TIMEOUT=60", "STREAM_TIMEOUT=30"}})
	want := `environment: cannot use stream_timeout = "30s": it is below graceful_timeout = 60s ` +
		`(environment GRACEFUL_TIMEOUT): streams have at least the time of other requests; raise it to 60s or lower graceful_timeout`
	if err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
	// A value that is wrong in itself is not compared.
	_, err = Load(Input{Dir: t.TempDir(), Environ: []string{"GRACEFUL_TIMEOUT=60", "STREAM_TIMEOUT=x"}})
	if len(Errors(err)) != 1 {
		t.Errorf("a broken value is reported twice: %v", err)
	}
}
