package config

import (
	"fmt"
	"maps"
	"slices"
)

// combine looks at settings together. What cannot work is an error when the
// operator wrote both values, and a hint when one of them is a default: a
// single line of configuration must not fail because of a line nobody wrote.
func (l *loader) combine() {
	v := &l.out.Settings
	l.order("graceful_timeout", int64(v.GracefulTimeout), "stream_timeout", int64(v.StreamTimeout),
		"streams have at least the time of other requests")
	l.order("llm_concurrent_limit", int64(v.API.LLMConcurrentLimit), "max_concurrent_requests", int64(v.API.MaxConcurrentRequests),
		"the LLM limit can never be reached")
	if v.HTTP.LimitRequestBody > 0 {
		l.order("api.max_body_size", v.API.MaxBodySize, "limit_request_body", v.HTTP.LimitRequestBody,
			"larger bodies never reach the API")
	}
	l.checkLimits()
	l.checkTLS()
	l.distinctFiles()
	l.hints()
}

// order demands low <= high.
func (l *loader) order(lowName string, low int64, highName string, high int64, why string) {
	if low <= high || !l.known(lowName, highName) {
		return
	}
	a, _ := lookup(l.table, lowName)
	b, _ := lookup(l.table, highName)
	from := l.out.Origins[highName]
	text := fmt.Sprintf("it is below %s = %s (%s): %s", lowName, a.format(low), l.out.Origins[lowName], why)
	if from.Kind == FromDefault || l.out.Origins[lowName].Kind == FromDefault {
		l.hint("%s = %s has less effect than it says: %s", highName, b.format(high), text)
		return
	}
	l.fail(b, &Error{
		Where: from.place(), Key: highName, Value: b.format(high), Problem: text,
		Remedy: fmt.Sprintf("raise it to %s or lower %s", b.format(low), lowName),
	})
}

// distinctFiles refuses one file for two purposes. The two logs may share one.
func (l *loader) distinctFiles() {
	v := &l.out.Settings
	if v.Pidfile == "" || !l.known("pidfile") {
		return
	}
	others := map[string]string{"log_file": v.LogFile, "access_log": v.AccessLog, nameStateDir: v.StateDir, nameControlSocket: v.ControlSocket}
	for _, addr := range v.Bind {
		if b, err := ParseBind(addr); err == nil && b.Network == "unix" {
			others["bind"] = b.Address
		}
	}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		if others[name] != v.Pidfile || !l.known(name) {
			continue
		}
		s, _ := lookup(l.table, "pidfile")
		l.fail(s, &Error{
			Where: l.out.Origins["pidfile"].place(), Key: "pidfile", Value: v.Pidfile,
			Problem: "it is the same path as " + name, Remedy: "give the pidfile a path of its own",
		})
	}
}

// known says that all these settings are in use and have no error.
func (l *loader) known(names ...string) bool {
	for _, name := range names {
		if _, ok := l.out.Origins[name]; !ok || l.bad[name] {
			return false
		}
	}
	return true
}

// written says that the operator gave the setting a value.
func (l *loader) written(name string) bool {
	from, ok := l.out.Origins[name]
	return ok && from.Kind != FromDefault
}

func (l *loader) hint(format string, args ...any) {
	l.out.Hints = append(l.out.Hints, fmt.Sprintf(format, args...))
}

// hints finds what has no effect without being wrong.
func (l *loader) hints() {
	v := &l.out.Settings
	if l.written("max_requests_jitter") && v.MaxRequests == 0 && v.MaxRequestsJitter > 0 {
		l.hint("max_requests_jitter has no effect while max_requests is off")
	}
	// Not for a default that is written down: the sample file writes them all.
	if v.AccessLogFormat != "combined" && v.AccessLog == "" {
		l.hint("access_log_format has no effect while access_log is off")
	}
	if l.written("queue_timeout") && v.Timeout > 0 && v.API.QueueTimeout > v.Timeout {
		l.hint("queue_timeout has less effect than it says: a request is given up after timeout = %s", formatDuration(v.Timeout))
	}
	l.misspeltVariables()
}

// misspeltVariables names variables one letter away from ours. Others are none
// of our business: env-files are shared with other programs.
func (l *loader) misspeltVariables() {
	names := slices.Collect(maps.Keys(l.environ))
	names = slices.AppendSeq(names, maps.Keys(l.envFiles))
	slices.Sort(names)
	var known []string
	for _, s := range Table() {
		known = append(known, s.Env)
	}
	for _, name := range slices.Compact(names) {
		if len(name) < 6 || slices.Contains(known, name) {
			continue
		}
		for _, k := range known {
			if oneLetter(name, k) {
				l.hint("the variable %s is not used: did you mean %s?", name, k)
			}
		}
	}
}
