package config

import "time"

// Settings are the resolved values of one configuration generation. They
// travel to workers as JSON, so every field is plain data.
type Settings struct {
	Bind              []string
	Workers           int
	WorkerConnections int
	Timeout           time.Duration // request and worker silence; 0 is off
	Backlog           int
	MaxRequests       int // 0 is off
	MaxRequestsJitter int
	GracefulTimeout   time.Duration
	StreamTimeout     time.Duration
	LameDuck          time.Duration // 0 is off
	WriteTimeout      time.Duration // without progress; 0 is off
	BootTimeout       time.Duration
	Keepalive         time.Duration
	RecycleInterval   time.Duration
	MaxMemory         int64 // bytes per worker; 0 is off
	Accept            string
	Watch             bool
	StateDir          string
	ControlSocket     string // [Auto] or a path; "" is off
	Pidfile           string
	LogLevel          string // debug, info, warn, error
	LogFormat         string // auto, console, json
	LogFile           string // "-" is stderr
	AccessLog         string // "" is off, "-" is stdout
	AccessLogFormat   string // combined, json

	Privileges Privileges
	Poison     Poison

	Proxy Proxy
	HTTP  HTTP
	TLS   TLS
	Admin Admin
	API   API
}

// API are the settings of the WebChasor API (app/api).
type API struct {
	MaxConcurrentRequests int // of what Limits.Scope says
	LLMConcurrentLimit    int
	QueueSize             int
	QueueTimeout          time.Duration
	Limits                Limits
	Echo                  Echo
	OpenAI                OpenAI
	Keys                  []ClientKey // none: clients need no key
	AllowAnonymous        bool
	CORS                  CORS
	MaxBodySize           int64         // bytes
	Heartbeat             time.Duration // 0 is off
	Cache                 Cache
}

// Echo shapes the built-in provider's answers, for load tests without an LLM.
type Echo struct {
	Enabled         string // auto, true, false
	FirstTokenDelay time.Duration
	TokenDelay      time.Duration
	Tokens          int // 0 repeats the message as it is
}
