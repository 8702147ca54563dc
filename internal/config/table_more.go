package config

import "math"

// tableOperation has the settings of files, logs and watching.
func tableOperation() []Setting {
	return []Setting{
		{
			Name: "watch", Env: "WATCH", YAML: "server.watch", Flag: "watch",
			Kind: KindBool, Default: "true", Group: GroupServer, Class: Hot,
			Help:    "reload when the configuration file changes",
			Why:     "With false only the signal HUP reloads.",
			Example: "false",
			at:      func(s *Settings) any { return &s.Watch },
		},
		{
			Name: nameStateDir, Env: "STATE_DIRECTORY", YAML: "server.state_dir", Flag: "state-dir",
			Kind: KindPath, Default: "auto", Auto: true, Group: GroupServer, Class: Upgrade,
			Help:    "directory for crash records and other state",
			Why:     "auto is $XDG_STATE_HOME/webchasor; without it /var/lib/webchasor for root, ~/.local/state/webchasor for others.",
			Example: "/srv/webchasor/state",
			at:      func(s *Settings) any { return &s.StateDir },
		},
		{
			Name: nameControlSocket, Env: "CONTROL_SOCKET", YAML: "server.control_socket", Flag: "control-socket",
			Kind: KindPath, Default: "auto", Auto: true, Off: true, Group: GroupServer, Class: Upgrade,
			Help:    "unix socket for webchasor status, top, reload and the like; off turns it off",
			Why:     "auto is control.sock in $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/webchasor or state_dir. Only its owner and root may use it.",
			Example: "/run/webchasor/control.sock",
			at:      func(s *Settings) any { return &s.ControlSocket },
		},
		{
			Name: "pidfile", Env: "PIDFILE", YAML: "server.pidfile", Flag: "pidfile", Short: "p",
			Kind: KindPath, Default: "", Off: true, Group: GroupServer, Class: Upgrade,
			Help:    "file that holds the master's process id; off by default",
			Why:     "Names the new master after an upgrade. A stale file is replaced, one of a living master is refused.",
			Example: "/run/webchasor.pid",
			at:      func(s *Settings) any { return &s.Pidfile },
		},
		{
			Name: "log_level", Env: "LOG_LEVEL", YAML: "server.log_level", Flag: "log-level",
			Kind: KindChoice, Default: "info", Choices: []string{"debug", "info", "warn", "error"}, Group: GroupServer, Class: Hot,
			Aliases: map[string]string{"warning": "warn", "critical": "error", "fatal": "error"},
			Help:    "least severe line that is logged: debug, info, warn or error",
			Why:     "Gunicorn's words work too, in any case: warning is warn, critical is error.",
			Example: "warning",
			at:      func(s *Settings) any { return &s.LogLevel },
		},
		{
			Name: "log_format", Env: "LOG_FORMAT", YAML: "server.log_format", Flag: "log-format",
			Kind: KindChoice, Default: "auto", Choices: []string{"auto", "console", "json"}, Group: GroupServer, Class: Upgrade,
			Help:    "form of log lines: auto, console or json",
			Why:     "auto is console on a terminal and json elsewhere.",
			Example: "json",
			at:      func(s *Settings) any { return &s.LogFormat },
		},
		{
			Name: "log_file", Env: "LOG_FILE", YAML: "server.log_file", Flag: "log-file",
			Kind: KindPath, Default: "-", Stream: true, Group: GroupServer, Class: Upgrade,
			Help:    "file for log lines; - is standard error",
			Why:     "USR1 reopens it after rotation.",
			Example: "/var/log/webchasor/error.log",
			at:      func(s *Settings) any { return &s.LogFile },
		},
		{
			Name: "access_log", Env: "ACCESS_LOG", YAML: "server.access_log", Flag: "access-log",
			Kind: KindPath, Default: "", Off: true, Stream: true, Group: GroupServer, Class: Rolling,
			Help:    "file for one line per request; - is standard output, off by default",
			Why:     "USR1 reopens it after rotation.",
			Example: "/var/log/webchasor/access.log",
			at:      func(s *Settings) any { return &s.AccessLog },
		},
		{
			Name: "access_log_format", Env: "ACCESS_LOG_FORMAT", YAML: "server.access_log_format", Flag: "access-log-format",
			Kind: KindChoice, Default: "combined", Choices: []string{"combined", "json"}, Group: GroupServer, Class: Rolling,
			Help:    "form of access log lines: combined (Gunicorn's) or json",
			Why:     "combined is what Gunicorn writes by default, so existing parsers go on working.",
			Example: "json",
			at:      func(s *Settings) any { return &s.AccessLogFormat },
		},
	}
}

// tableAPI has the settings of the WebChasor API.
func tableAPI() []Setting {
	return append(append(tableLimits(), tableCache()...), []Setting{
		{
			Name: "echo.first_token_delay", Env: "ECHO_FIRST_TOKEN_DELAY",
			YAML: "providers.echo.first_token_delay", Flag: "echo-first-token-delay",
			Kind: KindDuration, Default: "0", Min: 0, Max: 24 * hour, Group: GroupAPI, Class: Rolling,
			Help:    "pause of the built-in echo provider before its first token",
			Why:     "Makes slow answers for load tests without an LLM.",
			Example: "300ms",
			at:      func(s *Settings) any { return &s.API.Echo.FirstTokenDelay },
		},
		{
			Name: "echo.token_delay", Env: "ECHO_TOKEN_DELAY",
			YAML: "providers.echo.token_delay", Flag: "echo-token-delay",
			Kind: KindDuration, Default: "0", Min: 0, Max: 24 * hour, Group: GroupAPI, Class: Rolling,
			Help:    "pause of the echo provider between two tokens",
			Why:     "With echo.tokens it sets how long a stream lasts.",
			Example: "20ms",
			at:      func(s *Settings) any { return &s.API.Echo.TokenDelay },
		},
		{
			Name: "echo.tokens", Env: "ECHO_TOKENS",
			YAML: "providers.echo.tokens", Flag: "echo-tokens",
			Kind: KindInt, Default: "0", Min: 0, Max: math.MaxInt32, Group: GroupAPI, Class: Rolling,
			Help:    "number of tokens the echo provider answers; 0 repeats the message as it is",
			Why:     "The message is repeated until that many tokens are out.",
			Example: "500",
			at:      func(s *Settings) any { return &s.API.Echo.Tokens },
		},
	}...)
}
