package sys

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory returns what process pid occupies, in bytes: PSS (pages shared with
// n processes count 1/n) and RSS. Where smaps_rollup is missing or forbidden
// it falls back to statm, which knows no PSS: then pss equals rss.
func Memory(pid int) (pss, rss int64, err error) {
	dir := "/proc/" + strconv.Itoa(pid)
	if text, err := os.ReadFile(dir + "/smaps_rollup"); err == nil {
		if pss, rss, ok := parseRollup(text); ok {
			return pss, rss, nil
		}
	}
	text, err := os.ReadFile(dir + "/statm")
	if err != nil {
		return 0, 0, fmt.Errorf("cannot read the memory of process %d: %w", pid, err)
	}
	rss, err = parseStatm(text)
	if err != nil {
		return 0, 0, fmt.Errorf("cannot read the memory of process %d: %w", pid, err)
	}
	return rss, rss, nil
}

// parseRollup reads lines such as "Pss:    5120 kB" (proc(5)). ok needs both figures.
func parseRollup(text []byte) (pss, rss int64, ok bool) {
	pss, rss = -1, -1
	sc := bufio.NewScanner(bytes.NewReader(text))
	for sc.Scan() {
		fields := strings.Fields(sc.Text())
		if len(fields) != 3 || fields[2] != "kB" {
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 53)
		if err != nil {
			continue
		}
		switch fields[0] {
		case "Pss:":
			pss = kib << 10
		case "Rss:":
			rss = kib << 10
		}
	}
	return pss, rss, pss >= 0 && rss >= 0
}

// parseStatm reads the second figure, resident pages.
func parseStatm(text []byte) (rss int64, err error) {
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("statm has %d figures", len(fields))
	}
	pages, err := strconv.ParseInt(fields[1], 10, 50)
	if err != nil {
		return 0, err
	}
	return pages * int64(os.Getpagesize()), nil
}
