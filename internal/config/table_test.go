package config

import (
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// testSite is a place whose answers do not depend on the machine.
func testSite() site { return site{dir: "/srv/app", cpus: 2, stateDir: "/state"} }

func TestTableIsUnambiguous(t *testing.T) {
	seen := map[string]string{}
	once := func(kind, word, name string) {
		if word == "" {
			t.Errorf("%s has no %s", name, kind)
		}
		if other := seen[kind+" "+word]; other != "" {
			t.Errorf("%s and %s share the %s %q", name, other, kind, word)
		}
		seen[kind+" "+word] = name
	}
	for _, s := range Table() {
		once("name", s.Name, s.Name)
		once("key", s.YAML, s.Name)
		if s.Kind != KindSection {
			once("variable", s.Env, s.Name)
		}
		if s.Kind != KindSection && !s.Secret {
			once("flag", s.Flag, s.Name)
		}
		if s.Short != "" {
			once("short flag", s.Short, s.Name)
		}
		for what, text := range map[string]string{"help": s.Help, "why": s.Why, "example": s.Example, "default text": s.DefaultText()} {
			if text == "" || strings.ContainsAny(text, "\n|") && (what != "example" || s.Kind != KindSection) {
				t.Errorf("%s: %s %q is empty or breaks the README's table", s.Name, what, text)
			}
		}
		if !slices.Contains([]Class{Hot, Rolling, Upgrade}, s.Class) || !slices.Contains([]Group{GroupServer, GroupAPI}, s.Group) {
			t.Errorf("%s: class %q, group %q", s.Name, s.Class, s.Group)
		}
	}
}

// TestTableCoversSettings changes one setting after the other and demands that
// exactly one field of Settings follows.
func TestTableCoversSettings(t *testing.T) {
	changed := map[string]string{}
	for _, s := range Table() {
		settings := Defaults(2)
		before := leaves(Defaults(2))
		if s.Kind == KindSection {
			settings = exampleOf(t, s)
		} else if err := s.set(&settings, s.Example, testSite()); err != nil {
			t.Errorf("%s: example %q: %v", s.Name, s.Example, err)
		}
		var moved []string
		for field, value := range leaves(settings) {
			if !reflect.DeepEqual(value, before[field]) {
				moved = append(moved, field)
			}
		}
		if len(moved) != 1 {
			t.Errorf("%s: example %q changes the fields %v", s.Name, s.Example, moved)
			continue
		}
		if other := changed[moved[0]]; other != "" {
			t.Errorf("%s and %s both set %s", s.Name, other, moved[0])
		}
		changed[moved[0]] = s.Name
	}
	for field := range leaves(Settings{}) {
		if changed[field] == "" {
			t.Errorf("no setting of the table sets Settings.%s", field)
		}
	}
}

// leaves lists the fields of Settings and its nested structs by path.
func leaves(s Settings) map[string]any {
	all := map[string]any{}
	var walk func(prefix string, v reflect.Value)
	walk = func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			name := prefix + v.Type().Field(i).Name
			if v.Field(i).Kind() == reflect.Struct {
				walk(name+".", v.Field(i))
				continue
			}
			all[name] = v.Field(i).Interface()
		}
	}
	walk("", reflect.ValueOf(s))
	return all
}

func TestDefaults(t *testing.T) {
	loopback := Networks{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}
	want := Settings{
		Bind: []string{":8000"}, Workers: 9, WorkerConnections: 1000, Timeout: 120 * time.Second, Backlog: 2048,
		Privileges:  Privileges{NoNewPrivs: true},
		MaxRequests: 1000, MaxRequestsJitter: 50, GracefulTimeout: 30 * time.Second, StreamTimeout: 300 * time.Second,
		WriteTimeout: 30 * time.Second, BootTimeout: 60 * time.Second, Keepalive: 5 * time.Second,
		RecycleInterval: time.Second, Accept: "auto", Watch: true, StateDir: "/var/lib/webchasor", ControlSocket: Auto,
		LogLevel: "info", LogFormat: "auto", LogFile: "-", AccessLogFormat: "combined",
		Poison: Poison{Deaths: 3, Within: 10 * time.Minute},
		Proxy:  Proxy{AllowIPs: loopback, ForwardedIPs: loopback},
		TLS:    TLS{ClientAuth: "off", MinVersion: "1.2"},
		HTTP: HTTP{
			Strict: true, LimitRequestLine: 4094, LimitRequestFields: 100, LimitRequestFieldSize: 8190,
			LimitRequestHead: 16 << 10, LimitRequestBody: 32 << 20, LimitRequestMemory: 256 << 20,
			HeaderTimeout: 30 * time.Second, BodyTimeout: 30 * time.Second,
		},
		API: API{
			MaxConcurrentRequests: 100, LLMConcurrentLimit: 20, QueueSize: 100, QueueTimeout: 10 * time.Second,
			Limits: Limits{Scope: ScopeWorker, FullStatus: "503", AdaptiveMin: 1, RedisTimeout: 250 * time.Millisecond},
			Echo:   Echo{Enabled: "auto"}, OpenAI: OpenAI{Models: []string{"*"}, Retries: 2, EjectAfter: 5, EjectionTime: 10 * time.Second},
			CORS: CORS{Headers: []string{"*"}, MaxAge: 10 * time.Minute}, MaxBodySize: 20 << 20,
			Cache: Cache{Store: "off", TTL: 10 * time.Minute, MaxSize: 64 << 20, MaxEntry: 1 << 20},
		},
	}
	if got := Defaults(4); !reflect.DeepEqual(got, want) {
		t.Errorf("Defaults(4)\n got %+v\nwant %+v", got, want)
	}
	for _, s := range Table() {
		if s.Kind == KindSection {
			continue
		}
		if err := s.set(&Settings{}, s.Default, testSite()); err != nil {
			t.Errorf("%s: the default %q is refused: %v", s.Name, s.Default, err)
		}
	}
}

func TestWorkersFollowCPUs(t *testing.T) {
	for cpus, want := range map[float64]int{0.1: 3, 0.5: 3, 1: 3, 1.5: 5, 2: 5, 4: 9, 8: 17, 16: 33, 2000: 1024} {
		if got := Defaults(cpus).Workers; got != want {
			t.Errorf("%g CPUs: %d workers, want ceil x 2 + 1 = %d", cpus, got, want)
		}
	}
}

// TestTextParsesBack: what config print shows can be given as a flag.
func TestTextParsesBack(t *testing.T) {
	for _, s := range Table() {
		for _, raw := range []string{s.Default, s.Example, "0"} {
			var first, second Settings
			if s.set(&first, raw, testSite()) != nil {
				continue
			}
			text := s.text(&first)
			if err := s.set(&second, text, testSite()); err != nil || !reflect.DeepEqual(first, second) {
				t.Errorf("%s: %q is shown as %q, which parses to %+v (%v)", s.Name, raw, text, second, err)
			}
		}
	}
	for _, d := range []time.Duration{1, time.Millisecond, 1500 * time.Millisecond, 90 * time.Minute, math.MaxInt64} {
		if n, err := parseDuration(formatDuration(d)); err != nil || time.Duration(n) != d {
			t.Errorf("%v is shown as %q, which parses to %v (%v)", int64(d), formatDuration(d), n, err)
		}
	}
}
