package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// measures are what can be measured, in the order in which it is.
var measures = []string{"throughput", "reload", "kill", "stop", "boot"}

// options bound the whole run. They come from the environment.
type options struct {
	quick       bool
	rounds      int           // ROUNDS of throughput and of boots, interleaved
	duration    time.Duration // DURATION, seconds of load per round
	workers     int           // WORKERS
	connections int           // CONNECTIONS of wrk
	threads     int           // THREADS of wrk
	peers       []string      // PEERS, none is all
	measures    []string      // MEASURES, none is all
}

func optionsFrom(getenv func(string) string) (options, error) {
	quick := getenv("QUICK") != "" && getenv("QUICK") != "0"
	number := map[string]int{"ROUNDS": 3, "DURATION": 4, "WORKERS": 4, "CONNECTIONS": 64, "THREADS": 1}
	if quick {
		number["ROUNDS"], number["DURATION"] = 1, 1
	}
	for name := range number {
		text := getenv(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return options{}, fmt.Errorf("cannot use %s=%q: want a number from 1 to 1000", name, text)
		}
		number[name] = n
	}
	o := options{
		quick: quick, rounds: number["ROUNDS"], duration: time.Duration(number["DURATION"]) * time.Second,
		workers: number["WORKERS"], connections: number["CONNECTIONS"], threads: number["THREADS"],
		peers: strings.Fields(getenv("PEERS")), measures: strings.Fields(getenv("MEASURES")),
	}
	for _, name := range o.measures {
		if !slices.Contains(measures, name) {
			return options{}, fmt.Errorf("cannot use MEASURES: no measure named %s; there are: %s", name, strings.Join(measures, " "))
		}
	}
	if len(o.measures) == 0 {
		o.measures = measures
	}
	return o, nil
}

// String is the command that does the same again.
func (o options) String() string {
	var b strings.Builder
	if o.quick {
		b.WriteString("QUICK=1 ")
	}
	fmt.Fprintf(&b, "ROUNDS=%d DURATION=%d WORKERS=%d CONNECTIONS=%d THREADS=%d ", o.rounds, int(o.duration.Seconds()), o.workers, o.connections, o.threads)
	if len(o.peers) > 0 {
		fmt.Fprintf(&b, "PEERS=%q ", strings.Join(o.peers, " "))
	}
	if len(o.measures) < len(measures) {
		fmt.Fprintf(&b, "MEASURES=%q ", strings.Join(o.measures, " "))
	}
	return b.String() + "scripts/bench-peers.sh"
}

func (o options) measuring(name string) bool { return slices.Contains(o.measures, name) }

// pick is the full or the quick variant of a number.
func (o options) pick(full, quick int) int {
	if o.quick {
		return quick
	}
	return full
}
