package supervisor

import (
	"slices"
	"strings"
	"testing"

	"github.com/webchasor/webchasor/internal/config"
)

func TestWorkersInheritNothingOfTheMastersOwn(t *testing.T) {
	master := []string{
		"PATH=/bin", "OPENAI_API_KEY=secret",
		"TABLEFLIP_HAS_PARENT_7DIU3=yes", "LISTEN_FDS=2", "LISTEN_PID=1", "LISTEN_FDNAMES=a",
		"NOTIFY_SOCKET=/run/x", "WATCHDOG_USEC=1", "WATCHDOG_PID=1",
		"WEBCHASOR_INIT_FD=3", "WEBCHASOR_ROLE=master", "GOTRACEBACK=none",
		"NOTIFY_SOCKETS=mine", "WEBCHASOR_MINE=1", "LISTEN_ADDR=mine", "WATCHDOG_URL=mine",
	}
	got := workerEnviron(master, nil, shareOf(9, 4, 0).environ())
	want := []string{
		"GOMAXPROCS=1", "PATH=/bin", "OPENAI_API_KEY=secret", "NOTIFY_SOCKETS=mine", "WEBCHASOR_MINE=1",
		"LISTEN_ADDR=mine", "WATCHDOG_URL=mine",
		"WEBCHASOR_ROLE=worker", "GOTRACEBACK=all",
	}
	if !slices.Equal(got, want) {
		t.Errorf("environment of a worker:\n got %q\nwant %q", got, want)
	}
}

func TestCoresAreShared(t *testing.T) {
	for _, tt := range []struct{ workers, cores, want int }{
		{1, 8, 8}, {2, 8, 4}, {3, 8, 3}, {8, 8, 1}, {17, 8, 1}, {4, 1, 1}, {0, 4, 1},
	} {
		if got := coresPer(tt.workers, tt.cores); got != tt.want {
			t.Errorf("%d workers on %d cores get %d each, want %d", tt.workers, tt.cores, got, tt.want)
		}
	}
	own := []string{"GOMAXPROCS=3"}
	env := workerEnviron(own, nil, shareOf(1, 8, 0).without(own).environ())
	if !slices.Contains(env, "GOMAXPROCS=3") || slices.Contains(env, "GOMAXPROCS=8") {
		t.Errorf("the operator's GOMAXPROCS does not win: %q", env)
	}
}

// The keys travel in the boot packet; a program without the API keeps its environment.
func TestSecretsOfTheAPIAreWithheld(t *testing.T) {
	t.Parallel()
	master := []string{"OPENAI_API_KEY=a", "REDIS_URL=b", "SPARE_KEY=c", "SPARE_KEYS=mine", "OPENAI_BASE_URL=mine"}
	with := &config.Resolved{Origins: map[string]config.Origin{"openai.api_key": {}, "redis.url": {}, "openai.base_url": {}}}
	with.Settings.API.OpenAI.Upstreams = []config.Upstream{{APIKeyEnv: "SPARE_KEY"}, {}}
	without := &config.Resolved{Origins: map[string]config.Origin{"workers": {}}}
	for want, r := range map[string]*config.Resolved{"SPARE_KEYS=mine OPENAI_BASE_URL=mine": with, strings.Join(master, " "): without} {
		env := workerEnviron(master, withheld(r, &r.Settings), []string{"GOMAXPROCS=1"})
		got := strings.Join(env[1:len(env)-2], " ") // between GOMAXPROCS and the role
		if got != want {
			t.Errorf("environment %q, want %q", got, want)
		}
	}
}
