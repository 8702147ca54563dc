package config

import "time"

// HTTP are the limits of one request and of the time it may take to arrive.
// Zero is no limit.
type HTTP struct {
	Strict                bool
	LimitRequestLine      int
	LimitRequestFields    int
	LimitRequestFieldSize int
	LimitRequestHead      int64 // bytes
	LimitRequestBody      int64 // bytes
	LimitRequestMemory    int64 // bytes per worker
	HeaderTimeout         time.Duration
	BodyTimeout           time.Duration
}

// tableLimitsHTTP has the settings against clumsy and hostile clients.
func tableLimitsHTTP() []Setting {
	return []Setting{
		{
			Name: "strict", Env: "STRICT_HTTP", YAML: "server.strict", Flag: "strict",
			Kind: KindBool, Default: "true", Group: GroupServer, Class: Rolling,
			Help:    "refuse requests whose form RFC 9112 does not allow, before the application sees them",
			Why:     "Servers differ in what they forgive, and requests are smuggled through the difference. false only for a client that cannot be mended.",
			Example: "false",
			at:      func(s *Settings) any { return &s.HTTP.Strict },
		},
		{
			Name: "limit_request_line", Env: "LIMIT_REQUEST_LINE", YAML: "server.limit_request_line", Flag: "limit-request-line",
			Kind: KindInt, Default: "4094", Off: true, Min: 64, Max: mib, Group: GroupServer, Class: Rolling,
			Help:    "bytes of the request line; longer ones get 414, 0 is off",
			Why:     "The name and the default are Gunicorn's. Long queries need more.",
			Example: "8190",
			at:      func(s *Settings) any { return &s.HTTP.LimitRequestLine },
		},
		{
			Name: "limit_request_fields", Env: "LIMIT_REQUEST_FIELDS", YAML: "server.limit_request_fields", Flag: "limit-request-fields",
			Kind: KindInt, Default: "100", Off: true, Min: 1, Max: 32768, Group: GroupServer, Class: Rolling,
			Help:    "header lines of a request; more get 431, 0 is off",
			Why:     "The name and the default are Gunicorn's. Browsers send about 20.",
			Example: "200",
			at:      func(s *Settings) any { return &s.HTTP.LimitRequestFields },
		},
		{
			Name: "limit_request_field_size", Env: "LIMIT_REQUEST_FIELD_SIZE", YAML: "server.limit_request_field_size", Flag: "limit-request-field-size",
			Kind: KindInt, Default: "8190", Off: true, Min: 64, Max: mib, Group: GroupServer, Class: Rolling,
			Help:    "bytes of one header line; longer ones get 431, 0 is off",
			Why:     "The name and the default are Gunicorn's. Cookies and tokens are the longest ones.",
			Example: "16380",
			at:      func(s *Settings) any { return &s.HTTP.LimitRequestFieldSize },
		},
		{
			Name: "limit_request_head", Env: "LIMIT_REQUEST_HEAD", YAML: "server.limit_request_head", Flag: "limit-request-head",
			Kind: KindBytes, Default: "16KiB", Min: kib, Max: 16 * mib, Group: GroupServer, Class: Rolling,
			Help:    "bytes of the request line and all headers together; more get 431",
			Why:     "fasthttp keeps a buffer of this size for each open connection. Raise limit_request_field_size with it.",
			Example: "64KiB",
			at:      func(s *Settings) any { return &s.HTTP.LimitRequestHead },
		},
		{
			Name: "limit_request_body", Env: "LIMIT_REQUEST_BODY", YAML: "server.limit_request_body", Flag: "limit-request-body",
			Kind: KindBytes, Default: "32MiB", Off: true, Min: kib, Max: 64 * gib, Group: GroupServer, Class: Rolling,
			Help:    "bytes of a request's body; a larger one gets 413 before it is read, 0 is off",
			Why:     "It holds for every program and path. The API has its own limit, api.max_body_size, below it.",
			Example: "128MiB",
			at:      func(s *Settings) any { return &s.HTTP.LimitRequestBody },
		},
		{
			Name: "limit_request_memory", Env: "LIMIT_REQUEST_MEMORY", YAML: "server.limit_request_memory", Flag: "limit-request-memory",
			Kind: KindBytes, Default: "256MiB", Off: true, Min: mib, Max: 64 * gib, Group: GroupServer, Class: Rolling,
			Help:    "bytes of all bodies above 64 KiB that a worker may hold at a time; the next one gets 503, 0 is off",
			Why:     "fasthttp holds a whole body in memory from the moment it is announced. One body may always be as large as limit_request_body.",
			Example: "1GiB",
			at:      func(s *Settings) any { return &s.HTTP.LimitRequestMemory },
		},
		{
			Name: "header_timeout", Env: "HEADER_TIMEOUT", YAML: "server.header_timeout", Flag: "header-timeout",
			Kind: KindDuration, Default: "30s", Off: true, Min: 10 * ms, Max: hour, Group: GroupServer, Class: Rolling,
			Help:    "time a client has for a request's head, and a new connection for its first byte; then 408, 0 is off",
			Why:     "The whole time counts: one byte now and then does not extend it.",
			Example: "10",
			at:      func(s *Settings) any { return &s.HTTP.HeaderTimeout },
		},
		{
			Name: "body_timeout", Env: "BODY_TIMEOUT", YAML: "server.body_timeout", Flag: "body-timeout",
			Kind: KindDuration, Default: "30s", Off: true, Min: 10 * ms, Max: 24 * hour, Group: GroupServer, Class: Rolling,
			Help:    "time that is spent waiting for a request's body; then 408, 0 is off",
			Why:     "Every 512 bytes that arrive add a second, so a slow upload lives and a trickle does not.",
			Example: "2m",
			at:      func(s *Settings) any { return &s.HTTP.BodyTimeout },
		},
	}
}
