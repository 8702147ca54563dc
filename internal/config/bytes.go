package config

import (
	"errors"
	"strconv"
	"strings"
)

// units follow GNU: k and KiB count in 1024, KB in 1000. Kubernetes' Ki is KiB.
var units = []struct {
	suffix string
	size   float64
}{
	{"kib", 1 << 10},
	{"mib", 1 << 20},
	{"gib", 1 << 30},
	{"tib", 1 << 40},
	{"ki", 1 << 10},
	{"mi", 1 << 20},
	{"gi", 1 << 30},
	{"ti", 1 << 40},
	{"kb", 1e3},
	{"mb", 1e6},
	{"gb", 1e9},
	{"tb", 1e12},
	{"k", 1 << 10},
	{"m", 1 << 20},
	{"g", 1 << 30},
	{"t", 1 << 40},
	{"b", 1},
}

// parseBytes reads a size. Suffixes are case-insensitive.
func parseBytes(raw string) (int64, error) {
	number, unit := strings.ToLower(raw), 1.0
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	f, ok := decimal(number)
	if !ok {
		return 0, errors.New("it is not a size")
	}
	return scale(f, unit)
}

// formatBytes writes n in the largest unit that keeps it exact.
func formatBytes(n int64) string {
	for _, u := range []struct {
		suffix string
		size   int64
	}{{"TiB", tib}, {"GiB", gib}, {"MiB", mib}, {"KiB", kib}} {
		if n != 0 && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.suffix
		}
	}
	return strconv.FormatInt(n, 10)
}
