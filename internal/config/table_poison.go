package config

import "time"

// Poison says what to do about requests that kill workers.
type Poison struct {
	Deaths     int           // name a kind of request after so many; 0 is off
	Within     time.Duration // of so long a time
	Quarantine time.Duration // refuse it for so long; 0 is off
}

// tablePoison has the settings against requests that kill workers.
func tablePoison() []Setting {
	return []Setting{
		{
			Name: "poison.deaths", Env: "POISON_DEATHS", YAML: "server.poison.deaths", Flag: "poison-deaths",
			Kind: KindInt, Default: "3", Off: true, Min: 2, Max: 1000, Group: GroupServer, Class: Hot,
			Help:    "deaths of workers with the same kind of request in flight that make it suspicious; 0 is off",
			Why:     "A kind is method and path, with numbers and ids left out. It is named in the log, in the status and in the records of deaths.",
			Example: "5",
			at:      func(s *Settings) any { return &s.Poison.Deaths },
		},
		{
			Name: "poison.within", Env: "POISON_WITHIN", YAML: "server.poison.within", Flag: "poison-within",
			Kind: KindDuration, Default: "10m", Min: int64(time.Second), Max: 24 * hour, Group: GroupServer, Class: Hot,
			Help:    "how far back deaths count for poison.deaths",
			Why:     "Long enough for the client that tries again and again.",
			Example: "1h",
			at:      func(s *Settings) any { return &s.Poison.Within },
		},
		{
			Name: "poison.quarantine", Env: "POISON_QUARANTINE", YAML: "server.poison.quarantine", Flag: "poison-quarantine",
			Kind: KindDuration, Default: "0", Off: true, Min: int64(time.Second), Max: 24 * hour, Group: GroupServer, Class: Hot,
			Help:    "how long a kind of request that keeps killing workers is answered with 503; off by default",
			Why:     "Saves the other requests in the worker, and costs all of that kind. Only a kind that is clearly the culprit is refused.",
			Example: "1m",
			at:      func(s *Settings) any { return &s.Poison.Quarantine },
		},
	}
}
