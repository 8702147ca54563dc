package main

import (
	"fmt"
	"regexp"
	"strconv"
)

// wrkResult is what one run of wrk says.
type wrkResult struct {
	requests  float64
	perSecond float64
	errors    float64 // socket errors and answers that are not 2xx or 3xx
}

var (
	wrkRequests  = regexp.MustCompile(`(\d+) requests in `)
	wrkPerSecond = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkSocket    = regexp.MustCompile(`Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`)
	wrkStatus    = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`)
)

func parseWrk(text string) (wrkResult, error) {
	var r wrkResult
	requests, perSecond := wrkRequests.FindStringSubmatch(text), wrkPerSecond.FindStringSubmatch(text)
	if requests == nil || perSecond == nil {
		return r, fmt.Errorf("cannot read wrk's report:\n%s", text)
	}
	r.requests, r.perSecond = number(requests[1]), number(perSecond[1])
	for _, pattern := range []*regexp.Regexp{wrkSocket, wrkStatus} {
		for i, count := range pattern.FindStringSubmatch(text) {
			if i > 0 {
				r.errors += number(count)
			}
		}
	}
	return r, nil
}

// number reads what a pattern has already found to be a number.
func number(s string) float64 {
	n, _ := strconv.ParseFloat(s, 64)
	return n
}

// wrk loads a server and returns the report.
func (h *host) wrk(p parameters, seconds int, addr, path string) wrkResult {
	out := h.command("wrk", "-t"+strconv.Itoa(p.threads), "-c"+strconv.Itoa(p.connections),
		"-d"+strconv.Itoa(seconds)+"s", "http://"+addr+path)
	r, err := parseWrk(out)
	if err != nil {
		h.Fatalf("%v", err)
	}
	return r
}
