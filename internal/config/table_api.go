package config

// tableGateway has the settings of what stands between the clients and the
// upstreams of the WebChasor API. The limits have a table of their own.
func tableGateway() []Setting {
	return []Setting{
		{
			Name: "echo.enabled", Env: "ECHO_ENABLED", YAML: "providers.echo.enabled", Flag: "echo-enabled",
			Kind: KindChoice, Default: "auto", Choices: []string{"auto", "true", "false"}, Group: GroupAPI, Class: Rolling,
			Aliases: map[string]string{"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"},
			Help:    "serve the built-in model echo; auto does while there is no upstream",
			Why:     "Beside a real upstream it answers load tests without cost.",
			Example: "true",
			at:      func(s *Settings) any { return &s.API.Echo.Enabled },
		},
		{
			Name: "openai.base_url", Env: "OPENAI_BASE_URL", YAML: "providers.openai.base_url", Flag: "openai-base-url",
			Kind: KindURL, Default: "", Off: true, Group: GroupAPI, Class: Rolling,
			Help:    "an OpenAI-compatible upstream, with its /v1; with only a key it is https://api.openai.com/v1",
			Why:     "One upstream needs no more than this and the key. Several are listed in upstreams.",
			Example: "http://127.0.0.1:8080/v1",
			at:      func(s *Settings) any { return &s.API.OpenAI.BaseURL },
		},
		{
			Name: "openai.api_key", Env: "OPENAI_API_KEY", YAML: "providers.openai.api_key",
			Kind: KindText, Default: "", Secret: true, Group: GroupAPI, Class: Rolling,
			Help:    "key that the upstream of base_url gets; clients never see it",
			Why:     "Better in the environment or an env-file than here.",
			Example: "sk-example",
			at:      func(s *Settings) any { return &s.API.OpenAI.APIKey },
		},
		{
			Name: "openai.models", Env: "OPENAI_MODELS", YAML: "providers.openai.models", Flag: "openai-models",
			Kind: KindList, Default: "*", Group: GroupAPI, Class: Rolling,
			Help:    "models that the upstream of base_url serves, each exact or with a * at its end",
			Why:     "With * every model name goes there, and the upstream says which exist.",
			Example: "gpt-*,text-embedding-3-small",
			at:      func(s *Settings) any { return &s.API.OpenAI.Models },
		},
		{
			Name: "openai.upstreams", YAML: "providers.openai.upstreams",
			Kind: KindSection, Group: GroupAPI, Class: Rolling,
			Help: "OpenAI-compatible upstreams, routed by model; replaces base_url",
			Why:  "Of those that serve a model, the lowest priority number is tried first, equals share by weight.",
			Example: `- name: main
  base_url: https://api.openai.com/v1
  api_key_env: OPENAI_API_KEY      # or api_key_file: /run/secrets/key, or api_key
  models: ["gpt-*", "o*"]          # default: every model
  rename: {fast: gpt-4o-mini}      # what clients ask for: what the upstream gets
  priority: 0
  weight: 1
  connect_timeout: 5s
  first_byte_timeout: 60s          # this and the next: 0 is nine tenths of server.timeout
  between_bytes_timeout: 30s
  headers: {X-Title: my-service}   # sent with every request; values are shown by config print
  forward_headers: [X-Tenant]      # of the client, passed on
  ca_file: /etc/webchasor/provider.pem
- name: spare
  base_url: http://10.0.0.7:8000/v1
  priority: 1`,
			at: func(s *Settings) any { return &s.API.OpenAI.Upstreams }, finish: finishUpstreams,
		},
		{
			Name: "openai.retries", Env: "OPENAI_RETRIES", YAML: "providers.openai.retries", Flag: "openai-retries",
			Kind: KindInt, Default: "2", Min: 0, Max: 20, Group: GroupAPI, Class: Rolling,
			Help:    "further attempts of a request that failed before the first byte of its answer",
			Why:     "After 408, 409, 429, 5xx and broken connections; another upstream at once, the same after a pause or its Retry-After.",
			Example: "1",
			at:      func(s *Settings) any { return &s.API.OpenAI.Retries },
		},
		{
			Name: "openai.eject_after", Env: "OPENAI_EJECT_AFTER", YAML: "providers.openai.eject_after", Flag: "openai-eject-after",
			Kind: KindInt, Default: "5", Off: true, Min: 1, Max: 1000, Group: GroupAPI, Class: Rolling,
			Help:    "failures in a row after which an upstream is left alone for a while; 0 is off",
			Why:     "When all upstreams of a model are out they are used all the same.",
			Example: "10",
			at:      func(s *Settings) any { return &s.API.OpenAI.EjectAfter },
		},
		{
			Name: "openai.ejection_time", Env: "OPENAI_EJECTION_TIME", YAML: "providers.openai.ejection_time", Flag: "openai-ejection-time",
			Kind: KindDuration, Default: "10s", Min: 10 * ms, Max: hour, Group: GroupAPI, Class: Rolling,
			Help:    "for how long it is left alone the first time; twice as long each further time",
			Why:     "At most five minutes, or this if it is longer.",
			Example: "30",
			at:      func(s *Settings) any { return &s.API.OpenAI.EjectionTime },
		},
		{
			Name: "api.keys", YAML: "api.keys",
			Kind: KindSection, Group: GroupAPI, Class: Rolling,
			Help: "keys of our own clients; without any, everybody who reaches the address may ask",
			Why:  "Only the SHA-256 of the key is kept here, as sha256sum prints it for the key without a newline.",
			Example: `- name: web-shop
  sha256: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
  models: ["gpt-*"]                # default: every model
  max_concurrent_requests: 20      # default: only the limits of all`,
			at: func(s *Settings) any { return &s.API.Keys }, finish: finishKeys,
		},
		{
			Name: "api.allow_anonymous", Env: "ALLOW_ANONYMOUS", YAML: "api.allow_anonymous", Flag: "allow-anonymous",
			Kind: KindBool, Default: "false", Group: GroupAPI, Class: Rolling,
			Help:    "say that clients without a key are meant to spend the upstream's; silences the warning",
			Why:     "Right when something in front of this service authenticates.",
			Example: "true",
			at:      func(s *Settings) any { return &s.API.AllowAnonymous },
		},
		{
			Name: "api.cors.origins", Env: "CORS_ORIGINS", YAML: "api.cors.origins", Flag: "cors-origins",
			Kind: KindList, Default: "", Group: GroupAPI, Class: Rolling,
			Help:    "origins of web pages that may call the API, or *; none by default",
			Why:     "A page that can call the API can spend its key; name the origins you run.",
			Example: "https://app.example.com",
			at:      func(s *Settings) any { return &s.API.CORS.Origins },
		},
		{
			Name: "api.cors.headers", Env: "CORS_HEADERS", YAML: "api.cors.headers", Flag: "cors-headers",
			Kind: KindList, Default: "*", Group: GroupAPI, Class: Rolling,
			Help:    "request headers that such pages may send; * is whatever they ask for",
			Why:     "Authorization and Content-Type are the least that clients of OpenAI send.",
			Example: "Authorization,Content-Type",
			at:      func(s *Settings) any { return &s.API.CORS.Headers },
		},
		{
			Name: "api.cors.max_age", Env: "CORS_MAX_AGE", YAML: "api.cors.max_age", Flag: "cors-max-age",
			Kind: KindDuration, Default: "10m", Min: 0, Max: 24 * hour, Group: GroupAPI, Class: Rolling,
			Help:    "time for which a browser remembers that it may call",
			Why:     "Browsers cap it at two hours (Chrome) or a day (Firefox).",
			Example: "1h",
			at:      func(s *Settings) any { return &s.API.CORS.MaxAge },
		},
		{
			Name: "api.max_body_size", Env: "MAX_BODY_SIZE", YAML: "api.max_body_size", Flag: "max-body-size",
			Kind: KindBytes, Default: "20MiB", Min: kib, Max: gib, Group: GroupAPI, Class: Rolling,
			Help:    "largest request body; a larger one gets 413",
			Why:     "Images travel inside the request. A body is in memory while its request lasts.",
			Example: "64MiB",
			at:      func(s *Settings) any { return &s.API.MaxBodySize },
		},
		{
			Name: "api.heartbeat", Env: "STREAM_HEARTBEAT", YAML: "api.heartbeat", Flag: "stream-heartbeat",
			Kind: KindDuration, Default: "off", Off: true, Min: 10 * ms, Max: hour, Group: GroupAPI, Class: Rolling,
			Help:    "silence of a stream after which a comment line is sent, so that proxies keep it open; off by default",
			Why:     "Comments are part of server-sent events and every client skips them. Set it below the proxy's read timeout.",
			Example: "15",
			at:      func(s *Settings) any { return &s.API.Heartbeat },
		},
	}
}
