package measure

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// Wrk is what one run of wrk says.
type Wrk struct {
	Requests  float64
	PerSecond float64
	Errors    float64 // socket errors and answers that are not 2xx or 3xx
}

// RunWrk loads an address with kept connections and reads the report. It
// blocks for d, in whole seconds.
func RunWrk(threads, connections int, d time.Duration, url string) (Wrk, error) {
	args := []string{"-t" + strconv.Itoa(threads), "-c" + strconv.Itoa(connections), "-d" + strconv.Itoa(int(d.Seconds())) + "s", url}
	out, err := exec.Command("wrk", args...).CombinedOutput()
	if err != nil {
		return Wrk{}, fmt.Errorf("wrk %v: %w\n%s", args, err, out)
	}
	return ParseWrk(string(out))
}

var (
	wrkRequests  = regexp.MustCompile(`(\d+) requests in `)
	wrkPerSecond = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkSocket    = regexp.MustCompile(`Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`)
	wrkStatus    = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`)
)

// ParseWrk reads wrk's report.
func ParseWrk(text string) (Wrk, error) {
	var r Wrk
	requests, perSecond := wrkRequests.FindStringSubmatch(text), wrkPerSecond.FindStringSubmatch(text)
	if requests == nil || perSecond == nil {
		return r, fmt.Errorf("cannot read wrk's report:\n%s", text)
	}
	r.Requests, r.PerSecond = Number(requests[1]), Number(perSecond[1])
	for _, pattern := range []*regexp.Regexp{wrkSocket, wrkStatus} {
		for i, count := range pattern.FindStringSubmatch(text) {
			if i > 0 {
				r.Errors += Number(count)
			}
		}
	}
	return r, nil
}

// Number reads what a pattern has already found to be a number.
func Number(s string) float64 {
	n, _ := strconv.ParseFloat(s, 64)
	return n
}
