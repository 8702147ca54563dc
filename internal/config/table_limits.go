package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits say what the limits of the API count, beside the two of the guide.
type Limits struct {
	Scope      string // worker, host, cluster
	FullStatus string // 503, 429
	PerKey     int    // 0 is no limit
	PerModel   int    // 0 is no limit
	Models     []string

	Adaptive        bool
	AdaptiveMin     int
	AdaptiveLatency time.Duration // 0 is not looked at

	Redis        Secret        // a URL; it may hold a password
	RedisTimeout time.Duration // of an operation
}

// The scopes.
const (
	ScopeWorker  = "worker"
	ScopeHost    = "host"
	ScopeCluster = "cluster"
)

// ByModel is Models as a table.
func (l Limits) ByModel() (map[string]int, error) {
	all := make(map[string]int, len(l.Models))
	for _, word := range l.Models {
		name, limit, found := strings.Cut(word, "=")
		n, err := strconv.Atoi(strings.TrimSpace(limit))
		if name = strings.TrimSpace(name); !found || name == "" || err != nil || n < 1 || n > maxLimit {
			return nil, fmt.Errorf("%q is not a model, = and a limit from 1 to %d", word, maxLimit)
		}
		all[name] = n
	}
	return all, nil
}

const maxLimit = 1_000_000

// tableLimits has the limits of the API.
func tableLimits() []Setting {
	return []Setting{
		{
			Name: "limit_scope", Env: "LIMIT_SCOPE", YAML: "performance.concurrency.scope", Flag: "limit-scope",
			Kind: KindChoice, Default: ScopeWorker, Choices: []string{ScopeWorker, ScopeHost, ScopeCluster}, Group: GroupAPI, Class: Rolling,
			Help:    "what the limits count: each worker for itself, all workers of this host, or of a cluster by redis.url",
			Why:     "worker is the guide's: with 9 workers and a limit of 20, 180 calls. host is exact, also through a reload or a crash.",
			Example: ScopeHost,
			at:      func(s *Settings) any { return &s.API.Limits.Scope },
		},
		{
			Name: "max_concurrent_requests", Env: "MAX_CONCURRENT_REQUESTS",
			YAML: "performance.concurrency.max_concurrent_requests", Flag: "max-concurrent-requests",
			Kind: KindInt, Default: "100", Min: 1, Max: 1_000_000, Group: GroupAPI, Class: Hot,
			Help:    "API requests under way at a time, of each worker or all, see scope",
			Why:     "Development 50, test 100, small production 200, large production 500.",
			Example: "200",
			at:      func(s *Settings) any { return &s.API.MaxConcurrentRequests },
		},
		{
			Name: "llm_concurrent_limit", Env: "LLM_CONCURRENT_LIMIT",
			YAML: "performance.concurrency.llm_concurrent_limit", Flag: "llm-concurrent-limit",
			Kind: KindInt, Default: "20", Min: 1, Max: 1_000_000, Group: GroupAPI, Class: Hot,
			Help:    "calls to an LLM under way at a time, of each worker or all, see scope",
			Why:     "Keeps below the provider's rate limit. Development 10, test 20, production 50 to 100.",
			Example: "50",
			at:      func(s *Settings) any { return &s.API.LLMConcurrentLimit },
		},
		{
			Name: "queue_size", Env: "QUEUE_SIZE",
			YAML: "performance.concurrency.queue_size", Flag: "queue-size",
			Kind: KindInt, Default: "100", Min: 0, Max: 1_000_000, Group: GroupAPI, Class: Hot,
			Help:    "API requests that may wait for a free place, of each worker or all; more are refused at once",
			Why:     "0 refuses as soon as the limit is reached.",
			Example: "50",
			at:      func(s *Settings) any { return &s.API.QueueSize },
		},
		{
			Name: "queue_timeout", Env: "QUEUE_TIMEOUT",
			YAML: "performance.concurrency.queue_timeout", Flag: "queue-timeout",
			Kind: KindDuration, Default: "10s", Min: 0, Max: hour, Group: GroupAPI, Class: Hot,
			Help:    "longest wait in the queue before the request is refused",
			Why:     "Clients that waited longer have usually given up.",
			Example: "3",
			at:      func(s *Settings) any { return &s.API.QueueTimeout },
		},
		{
			Name: "full_status", Env: "FULL_STATUS", YAML: "performance.concurrency.full_status", Flag: "full-status",
			Kind: KindChoice, Default: "503", Choices: []string{"503", "429"}, Group: GroupAPI, Class: Hot,
			Help:    "status of a request that finds the queue full or waits too long: 503 or 429",
			Why:     "Clients try both again. Load balancers may take a server with many 503 out of service. A client key's own limit is always 429.",
			Example: "429",
			at:      func(s *Settings) any { return &s.API.Limits.FullStatus },
		},
		{
			Name: "key_concurrent_limit", Env: "KEY_CONCURRENT_LIMIT", YAML: "performance.concurrency.key_concurrent_limit", Flag: "key-concurrent-limit",
			Kind: KindInt, Default: "0", Off: true, Min: 1, Max: maxLimit, Group: GroupAPI, Class: Hot,
			Help:    "requests under way at a time for each client key that has no limit of its own; 0 is off",
			Why:     "One client cannot take all the places.",
			Example: "10",
			at:      func(s *Settings) any { return &s.API.Limits.PerKey },
		},
		{
			Name: "model_concurrent_limit", Env: "MODEL_CONCURRENT_LIMIT", YAML: "performance.concurrency.model_concurrent_limit", Flag: "model-concurrent-limit",
			Kind: KindInt, Default: "0", Off: true, Min: 1, Max: maxLimit, Group: GroupAPI, Class: Hot,
			Help:    "calls under way at a time to each model that has no limit of its own; 0 is off",
			Why:     "Providers limit each model apart.",
			Example: "15",
			at:      func(s *Settings) any { return &s.API.Limits.PerModel },
		},
		{
			Name: "model_limits", Env: "MODEL_LIMITS", YAML: "performance.concurrency.model_limits", Flag: "model-limits",
			Kind: KindList, Default: "", Group: GroupAPI, Class: Hot,
			Help:    "limits of single models, as model=limit",
			Why:     "For a model that bears more or less than the others. The name is the one that clients use.",
			Example: "gpt-4o=5,gpt-4o-mini=40",
			at:      func(s *Settings) any { return &s.API.Limits.Models },
		},
		{
			Name: "adaptive", Env: "ADAPTIVE_LIMIT", YAML: "performance.concurrency.adaptive.enabled", Flag: "adaptive-limit",
			Kind: KindBool, Default: "false", Group: GroupAPI, Class: Hot,
			Help:    "let llm_concurrent_limit follow what the upstreams bear: down a quarter at a 429, 503 or timeout, up again with good answers",
			Why:     "For providers whose limit changes or is not known. llm_concurrent_limit is the most it can be.",
			Example: "true",
			at:      func(s *Settings) any { return &s.API.Limits.Adaptive },
		},
		{
			Name: "adaptive_min", Env: "ADAPTIVE_MIN", YAML: "performance.concurrency.adaptive.min", Flag: "adaptive-min",
			Kind: KindInt, Default: "1", Min: 1, Max: maxLimit, Group: GroupAPI, Class: Hot,
			Help:    "the least that an adaptive limit can be",
			Why:     "An outage must not shut the gateway longer than the upstream.",
			Example: "4",
			at:      func(s *Settings) any { return &s.API.Limits.AdaptiveMin },
		},
		{
			Name: "adaptive_latency", Env: "ADAPTIVE_LATENCY", YAML: "performance.concurrency.adaptive.latency", Flag: "adaptive-latency",
			Kind: KindDuration, Default: "off", Off: true, Min: ms, Max: hour, Group: GroupAPI, Class: Hot,
			Help:    "a stream whose first byte takes longer counts as one too many for an adaptive limit; off by default",
			Why:     "For upstreams that queue instead of refusing. Set it well above their usual time to the first token.",
			Example: "5",
			at:      func(s *Settings) any { return &s.API.Limits.AdaptiveLatency },
		},
		{
			Name: "redis.url", Env: "REDIS_URL", YAML: "performance.redis.url",
			Kind: KindText, Default: "", Secret: true, Group: GroupAPI, Class: Rolling,
			Help:    "Redis for limits with scope cluster: redis://[user:password@]host:port/database, rediss:// with TLS, unix:///socket",
			Why:     "While it cannot be reached the limits hold for each host instead, and the log says so.",
			Example: "redis://127.0.0.1:6379/0",
			at:      func(s *Settings) any { return &s.API.Limits.Redis },
		},
		{
			Name: "redis.timeout", Env: "REDIS_TIMEOUT", YAML: "performance.redis.timeout", Flag: "redis-timeout",
			Kind: KindDuration, Default: "250ms", Min: 10 * ms, Max: hour / 60, Group: GroupAPI, Class: Rolling,
			Help:    "how long Redis may take for an operation before requests go on without it for a moment",
			Why:     "A Redis that hangs costs a request this much now and then. Raise it for one that is far away.",
			Example: "1s",
			at:      func(s *Settings) any { return &s.API.Limits.RedisTimeout },
		},
	}
}

// checkLimits finds what only the limits together show.
func (l *loader) checkLimits() {
	v := &l.out.Settings.API.Limits
	if _, err := v.ByModel(); err != nil && l.known("model_limits") {
		s, _ := lookup(l.table, "model_limits")
		l.fail(s, &Error{
			Where: l.out.Origins["model_limits"].place(), Key: "model_limits", Value: strings.Join(v.Models, ","),
			Problem: err.Error(), Remedy: s.remedy(),
		})
	}
	if v.Scope == ScopeCluster && v.Redis == "" && l.known("limit_scope", "redis.url") {
		s, _ := lookup(l.table, "limit_scope")
		l.fail(s, &Error{
			Where: l.out.Origins["limit_scope"].place(), Key: "limit_scope", Value: v.Scope,
			Problem: "there is no redis.url to count in", Remedy: "set REDIS_URL, or give worker or host",
		})
	}
}
