package config

import "slices"

// Table lists every setting in the order in which people read them. The
// caller owns the slice.
func Table() []Setting {
	return slices.Concat(tableServing(), tableTimes(), tableProxy(), tableLimitsHTTP(), tableRecycling(), tableOperation(), tablePrivileges(), tablePoison(), tableTLS(), tableAdmin(), tableAPI(), tableGateway())
}

// tableServing has the settings that size the service.
func tableServing() []Setting {
	return []Setting{
		{
			Name: "bind", Env: "BIND", YAML: "server.bind", Flag: "bind", Short: "b",
			Kind: KindBind, Default: ":8000", Group: GroupServer, Class: Upgrade,
			Help:    "addresses to listen on: host:port, [v6]:port, :port, unix:/path or fd://NAME, comma separated; with ?tls behind it one speaks TLS",
			Why:     "Port 0 lets the kernel choose. :8443?tls speaks TLS, see tls. unix:/path?mode=0660&owner=NAME&group=NAME says who may connect. fd:// takes a socket that was passed, by its name in the .socket unit or its number.",
			Example: "127.0.0.1:8000,unix:/run/webchasor.sock",
			at:      func(s *Settings) any { return &s.Bind },
		},
		{
			Name: nameWorkers, Env: "WEB_WORKERS", YAML: "server.workers", Flag: "workers", Short: "w",
			Kind: KindInt, Default: "auto", Auto: true, Min: 1, Max: 1024, Group: GroupServer, Class: Hot,
			Help:    "number of worker processes; auto is CPU x 2 + 1, where CPU respects the cgroup quota",
			Why:     "CPU x 2 + 1 suits work that waits for an LLM. CPU-bound work: CPU + 1. Very high concurrency: CPU x 4.",
			Example: "8",
			at:      func(s *Settings) any { return &s.Workers },
		},
		{
			Name: "worker_connections", Env: "WORKER_CONNECTIONS", YAML: "server.worker_connections", Flag: "worker-connections",
			Kind: KindInt, Default: "1000", Min: 1, Max: 1_000_000, Group: GroupServer, Class: Rolling,
			Help:    "connections one worker holds at a time; a full worker pauses accepting",
			Why:     "Total capacity is workers x worker_connections. Each connection needs a file descriptor.",
			Example: "2000",
			at:      func(s *Settings) any { return &s.WorkerConnections },
		},
		{
			Name: "backlog", Env: "BACKLOG", YAML: "server.backlog", Flag: "backlog",
			Kind: KindInt, Default: "2048", Min: 1, Max: 1 << 20, Group: GroupServer, Class: Hot,
			Help:    "connections that may wait to be accepted, per address and (sharded) per worker slot; the kernel caps it at net.core.somaxconn",
			Why:     "Sharded, this is the least that the service can queue. Raise it when the log says \"backlog full\", together with net.core.somaxconn.",
			Example: "4096",
			at:      func(s *Settings) any { return &s.Backlog },
		},
		{
			Name: "accept", Env: "ACCEPT", YAML: "server.accept", Flag: "accept",
			Kind: KindChoice, Default: "auto", Choices: []string{"auto", "sharded", "shared"}, Group: GroupServer, Class: Upgrade,
			Help:    "how workers share a TCP address: auto, sharded (a socket per worker, steered) or shared (one for all)",
			Why:     "auto is sharded where the kernel can steer connections, else shared. Unix sockets are always shared. An upgrade keeps the sockets as they are: a change needs a restart.",
			Example: "shared",
			at:      func(s *Settings) any { return &s.Accept },
		},
	}
}

// tableTimes has the limits in time.
func tableTimes() []Setting {
	return []Setting{
		{
			Name: "timeout", Env: "WORKER_TIMEOUT", YAML: "server.timeout", Flag: "timeout", Short: "t",
			Kind: KindDuration, Default: "120s", Off: true, Min: 200 * ms, Max: 24 * hour, Group: GroupServer, Class: Rolling,
			Help:    "a request without progress, or a worker that is silent, for this long is given up; 0 is off",
			Why:     "Bytes written to a stream are progress. 60s for quick queries, 180s to 300s for long ones.",
			Example: "180",
			at:      func(s *Settings) any { return &s.Timeout },
		},
		{
			Name: "graceful_timeout", Env: "GRACEFUL_TIMEOUT", YAML: "server.graceful_timeout", Flag: "graceful-timeout",
			Kind: KindDuration, Default: "30s", Min: 10 * ms, Max: 24 * hour, Group: GroupServer, Class: Rolling,
			Help:    "time a leaving worker has to finish its requests",
			Why:     "Applies to reload, recycling and stop. Streams that make progress have stream_timeout instead.",
			Example: "60",
			at:      func(s *Settings) any { return &s.GracefulTimeout },
		},
		{
			Name: "stream_timeout", Env: "STREAM_TIMEOUT", YAML: "server.stream_timeout", Flag: "stream-timeout",
			Kind: KindDuration, Default: "300s", Min: 10 * ms, Max: 24 * hour, Group: GroupServer, Class: Rolling,
			Help:    "time a leaving worker has to finish streams that make progress",
			Why:     "On Kubernetes keep terminationGracePeriodSeconds above it, or the kubelet cuts the streams.",
			Example: "10m",
			at:      func(s *Settings) any { return &s.StreamTimeout },
		},
		{
			Name: "lame_duck", Env: "LAME_DUCK", YAML: "server.lame_duck", Flag: "lame-duck",
			Kind: KindDuration, Default: "off", Off: true, Min: 10 * ms, Max: 10 * 60 * 1000 * ms, Group: GroupServer, Class: Hot,
			Help:    "time between TERM and the drain in which workers serve on while /ready answers 503; off by default",
			Why:     "Load balancers send for some seconds more; on Kubernetes 5s. A second TERM cuts it short.",
			Example: "5",
			at:      func(s *Settings) any { return &s.LameDuck },
		},
		{
			Name: "write_timeout", Env: "WRITE_TIMEOUT", YAML: "server.write_timeout", Flag: "write-timeout",
			Kind: KindDuration, Default: "30s", Off: true, Min: 10 * ms, Max: 24 * hour, Group: GroupServer, Class: Rolling,
			Help:    "a client that takes no byte of its answer for this long is cut off; 0 is off",
			Why:     "It bounds the time without progress, never the whole answer, so slow streams live on.",
			Example: "10",
			at:      func(s *Settings) any { return &s.WriteTimeout },
		},
		{
			Name: "keepalive", Env: "KEEPALIVE", YAML: "server.keepalive", Flag: "keepalive",
			Kind: KindDuration, Default: "5s", Min: 10 * ms, Max: 24 * hour, Group: GroupServer, Class: Rolling,
			Help:    "time an idle keep-alive connection is kept open",
			Why:     "Behind a load balancer set it above the balancer's own idle timeout.",
			Example: "75",
			at:      func(s *Settings) any { return &s.Keepalive },
		},
		{
			Name: "boot_timeout", Env: "BOOT_TIMEOUT", YAML: "server.boot_timeout", Flag: "boot-timeout",
			Kind: KindDuration, Default: "60s", Min: 10 * ms, Max: 24 * hour, Group: GroupServer, Class: Hot,
			Help:    "time a worker has from its start until it is ready",
			Why:     "Raise it when the application loads for long, for example a model or a cache.",
			Example: "3m",
			at:      func(s *Settings) any { return &s.BootTimeout },
		},
	}
}

// tableRecycling has the settings that replace healthy workers.
func tableRecycling() []Setting {
	return []Setting{
		{
			Name: "max_requests", Env: "MAX_REQUESTS", YAML: "server.max_requests", Flag: "max-requests",
			Kind: KindInt, Default: "1000", Off: true, Min: 1, Max: 1_000_000_000, Group: GroupServer, Class: Rolling,
			Help:    "requests after which a worker is replaced; 0 is off",
			Why:     "Bounds what a leak can cost. The replacement is ready before the old worker leaves.",
			Example: "2000",
			at:      func(s *Settings) any { return &s.MaxRequests },
		},
		{
			Name: "max_requests_jitter", Env: "MAX_REQUESTS_JITTER", YAML: "server.max_requests_jitter", Flag: "max-requests-jitter",
			Kind: KindInt, Default: "50", Off: true, Min: 1, Max: 1_000_000_000, Group: GroupServer, Class: Rolling,
			Help:    "up to this many requests are added to max_requests, drawn anew for each worker; 0 is off",
			Why:     "Keeps workers that started together from being due together.",
			Example: "200",
			at:      func(s *Settings) any { return &s.MaxRequestsJitter },
		},
		{
			Name: "max_memory", Env: "MAX_MEMORY", YAML: "server.max_memory", Flag: "max-memory",
			Kind: KindBytes, Default: "off", Off: true, Min: mib, Max: 64 * tib, Group: GroupServer, Class: Hot,
			Help:    "memory after which a worker is replaced, e.g. 512MiB; off by default",
			Why:     "k, M, G and KiB, MiB, GiB count in 1024, KB, MB, GB in 1000. A plain number is bytes.",
			Example: "512MiB",
			at:      func(s *Settings) any { return &s.MaxMemory },
		},
		{
			Name: "recycle_interval", Env: "RECYCLE_INTERVAL", YAML: "server.recycle_interval", Flag: "recycle-interval",
			Kind: KindDuration, Default: "1s", Off: true, Min: ms, Max: hour, Group: GroupServer, Class: Hot,
			Help:    "least time between two planned replacements, after the first one of each worker; 0 is off",
			Why:     "A Go worker answers 1000 requests in milliseconds; without pacing it would do nothing but restart.",
			Example: "10",
			at:      func(s *Settings) any { return &s.RecycleInterval },
		},
	}
}
