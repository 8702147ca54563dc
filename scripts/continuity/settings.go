package main

import (
	"strings"
	"time"
)

// settings come from the environment, because the scenarios are the arguments.
type settings struct {
	quick    bool
	networks []string
	accept   string // value of the setting accept, "" is the default
}

func settingsFrom(getenv func(string) string) settings {
	s := settings{quick: getenv("QUICK") != "" && getenv("QUICK") != "0", networks: []string{"tcp", "unix"}, accept: getenv("ACCEPT")}
	if n := getenv("NETWORK"); n != "" {
		s.networks = strings.Fields(strings.ReplaceAll(n, ",", " "))
	}
	return s
}

// pick is the full or the quick variant of a number.
func (s settings) pick(full, quick int) int {
	if s.quick {
		return quick
	}
	return full
}

func (s settings) duration(full, quick time.Duration) time.Duration {
	if s.quick {
		return quick
	}
	return full
}
