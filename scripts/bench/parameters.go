package main

import (
	"fmt"
	"strconv"
	"time"
)

// parameters bound the whole run. They come from the environment.
type parameters struct {
	rounds      int           // ROUNDS
	duration    time.Duration // DURATION, seconds of load per round
	workers     int           // WORKERS
	connections int           // CONNECTIONS of wrk
	threads     int           // THREADS of wrk
	only        string        // ONLY this part
}

func parametersFrom(getenv func(string) string) (parameters, error) {
	number := map[string]int{"ROUNDS": 5, "DURATION": 8, "WORKERS": 4, "CONNECTIONS": 64, "THREADS": 1}
	for name := range number {
		text := getenv(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return parameters{}, fmt.Errorf("cannot use %s=%q: want a number from 1 to 1000", name, text)
		}
		number[name] = n
	}
	return parameters{
		rounds: number["ROUNDS"], duration: time.Duration(number["DURATION"]) * time.Second,
		workers: number["WORKERS"], connections: number["CONNECTIONS"], threads: number["THREADS"],
		only: getenv("ONLY"),
	}, nil
}
