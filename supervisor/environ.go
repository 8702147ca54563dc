package supervisor

import (
	"slices"
	"strings"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
)

// private are the variables that belong to the master alone. A worker that
// inherited them would take itself for an upgraded master (tableflip reads
// fds 3 and 4 and blocks), answer systemd in the master's name, or claim the
// activation sockets.
var private = []string{
	"TABLEFLIP_",
	"LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", // an application may well have a LISTEN_ADDR
	"NOTIFY_SOCKET=",
	"WATCHDOG_PID=", "WATCHDOG_USEC=",
	handoff.RoleEnv + "=",
	InitEnv + "=",
	"GOTRACEBACK=",
	"ADMIN_TOKEN=", // whoever has it steers the service
}

// withheld are the variables whose secrets reach the workers of the WebChasor API in
// their boot packet: what an application starts, or leaks, need not have them too. A program
// without the API knows no such settings, and keeps its OPENAI_API_KEY.
func withheld(r *config.Resolved, s *config.Settings) (prefixes []string) {
	for _, setting := range config.Table() {
		if _, has := r.Origins[setting.Name]; has && setting.Secret && setting.Env != "" {
			prefixes = append(prefixes, setting.Env+"=")
		}
	}
	for _, u := range s.API.OpenAI.Upstreams {
		if u.APIKeyEnv != "" {
			prefixes = append(prefixes, u.APIKeyEnv+"=")
		}
	}
	return prefixes
}

// workerEnviron builds a worker's environment from the master's: everything the
// application may need, nothing of the master's own, and nothing that is withheld.
// What is given replaces the master's variables of the same names.
func workerEnviron(master, withheld, given []string) []string {
	env := slices.Clone(given)
	var replaced []string
	for _, kv := range given {
		name, _, _ := strings.Cut(kv, "=")
		replaced = append(replaced, name+"=")
	}
	for _, kv := range master {
		if !hasAnyPrefix(kv, private) && !hasAnyPrefix(kv, withheld) && !hasAnyPrefix(kv, replaced) {
			env = append(env, kv)
		}
	}
	// "all" makes a fatal signal print every goroutine, which is what an autopsy needs.
	return append(env, handoff.RoleEnv+"="+handoff.RoleWorker, "GOTRACEBACK=all")
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
