package config

import "time"

// Cache keeps answers of upstreams that would be the same again.
type Cache struct {
	Store    string        // off, memory, redis
	TTL      time.Duration // how long an answer is good
	MaxSize  int64         // bytes of all answers in one worker's memory
	MaxEntry int64         // bytes of one answer
	Shared   bool          // for all clients together
}

// tableCache has the settings of the response cache.
func tableCache() []Setting {
	return []Setting{
		{
			Name: "cache.store", Env: "CACHE_STORE", YAML: "performance.cache.store", Flag: "cache-store",
			Kind: KindChoice, Default: "off", Choices: []string{"off", "memory", "redis"}, Group: GroupAPI, Class: Rolling,
			Help:    "keep answers that would be the same again: off, in each worker's memory, or in redis.url for all",
			Why:     "Only for temperature 0, a seed, embeddings, or requests with X-Webchasor-Cache: use. X-Cache says what happened.",
			Example: "memory",
			at:      func(s *Settings) any { return &s.API.Cache.Store },
		},
		{
			Name: "cache.ttl", Env: "CACHE_TTL", YAML: "performance.cache.ttl", Flag: "cache-ttl",
			Kind: KindDuration, Default: "10m", Min: 10 * ms, Max: 30 * 24 * hour, Group: GroupAPI, Class: Rolling,
			Help:    "how long a kept answer is good",
			Why:     "An upstream may change its model behind the same name.",
			Example: "1h",
			at:      func(s *Settings) any { return &s.API.Cache.TTL },
		},
		{
			Name: "cache.max_size", Env: "CACHE_MAX_SIZE", YAML: "performance.cache.max_size", Flag: "cache-max-size",
			Kind: KindBytes, Default: "64MiB", Min: mib, Max: tib, Group: GroupAPI, Class: Rolling,
			Help:    "memory of each worker for kept answers; Redis has a limit of its own",
			Why:     "It counts towards max_memory.",
			Example: "256MiB",
			at:      func(s *Settings) any { return &s.API.Cache.MaxSize },
		},
		{
			Name: "cache.max_entry", Env: "CACHE_MAX_ENTRY", YAML: "performance.cache.max_entry", Flag: "cache-max-entry",
			Kind: KindBytes, Default: "1MiB", Min: kib, Max: gib, Group: GroupAPI, Class: Rolling,
			Help:    "largest answer that is kept",
			Why:     "Embeddings of many texts are the large ones.",
			Example: "4MiB",
			at:      func(s *Settings) any { return &s.API.Cache.MaxEntry },
		},
		{
			Name: "cache.shared", Env: "CACHE_SHARED", YAML: "performance.cache.shared", Flag: "cache-shared",
			Kind: KindBool, Default: "false", Group: GroupAPI, Class: Rolling,
			Help:    "give all clients the same answers, instead of each client key its own",
			Why:     "Saves more, and lets a client find out by the time of an answer what another one asked.",
			Example: "true",
			at:      func(s *Settings) any { return &s.API.Cache.Shared },
		},
	}
}

// checkCache demands the Redis that the cache is to be in.
func (l *loader) checkCache() {
	if v := &l.out.Settings.API; v.Cache.Store == "redis" && v.Limits.Redis == "" && l.known("cache.store", "redis.url") {
		s, _ := lookup(l.table, "cache.store")
		l.fail(s, &Error{
			Where: l.out.Origins["cache.store"].place(), Key: "cache.store", Value: v.Cache.Store,
			Problem: "there is no redis.url to keep answers in", Remedy: "set REDIS_URL, or give memory or off",
		})
	}
}
