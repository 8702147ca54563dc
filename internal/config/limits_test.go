package config

import (
	"maps"
	"strings"
	"testing"
)

func TestLimitsAreChecked(t *testing.T) {
	for _, c := range []struct{ environ, want string }{
		{"LIMIT_SCOPE=cluster", "there is no redis.url to count in"},
		{"LIMIT_SCOPE=planet", "worker, host or cluster"},
		{"FULL_STATUS=500", "503 or 429"},
		{"MODEL_LIMITS=gpt-4o", `"gpt-4o" is not a model, = and a limit`},
		{"MODEL_LIMITS=gpt-4o=0", "a limit from 1 to 1000000"},
		{"MODEL_LIMITS==5", "is not a model"},
		{"KEY_CONCURRENT_LIMIT=-1", "KEY_CONCURRENT_LIMIT"},
	} {
		_, err := Load(Input{Environ: []string{c.environ}, CPUs: 2, Dir: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.environ, err, c.want)
		}
	}
	const secret = "redis://:hunter2@10.0.0.1:6379/0"
	r := mustLoad(t, Input{Environ: []string{"LIMIT_SCOPE=cluster", "REDIS_URL=" + secret, "MODEL_LIMITS=a=1, b=20"}, CPUs: 2})
	if got := r.Settings.API.Limits.Redis.Reveal(); got != secret {
		t.Errorf("the URL is %q", got)
	}
	for _, row := range r.Rows() {
		if strings.Contains(row.Value, "hunter2") {
			t.Errorf("config print shows the password: %+v", row)
		}
	}
	got, err := r.Settings.API.Limits.ByModel()
	if want := map[string]int{"a": 1, "b": 20}; err != nil || !maps.Equal(got, want) {
		t.Errorf("limits by model %v, %v, want %v", got, err, want)
	}
}
