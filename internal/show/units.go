package show

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/webchasor/webchasor/internal/control"
)

// Age is a duration in at most five characters: 850ms, 12.3s, 4m10s, 3h20m, 12d.
func Age(s control.Seconds) string {
	d := s.Duration()
	switch {
	case d <= 0:
		return "-"
	case d < time.Millisecond:
		return fmt.Sprintf("%dus", max(d.Microseconds(), 1))
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1fms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", float64(d)/1e9)
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// Bytes is a size in at most five characters, in units of 1024.
func Bytes(n int64) string {
	if n <= 0 {
		return "-"
	}
	v := float64(n)
	for _, unit := range []string{"B", "K", "M", "G"} {
		if v < 1000 {
			return short(v) + unit
		}
		v /= 1024
	}
	return short(v) + "T"
}

// Count is a number in at most five characters.
func Count(n uint64) string {
	if n < 10_000 {
		return fmt.Sprint(n)
	}
	v := float64(n)
	for _, unit := range []string{"k", "M", "G"} {
		if v /= 1000; v < 1000 {
			return short(v) + unit
		}
	}
	return short(v/1000) + "T"
}

// Rate is how many a second.
func Rate(v float64) string {
	if v >= 1000 {
		return Count(uint64(v))
	}
	return short(v)
}

// Share is a part of all, 0 to 1, in per cent: 0%, <0.1%, 0.3%, 12%.
func Share(v float64) string {
	switch {
	case v > 0 && v < 0.0005:
		return "<0.1%"
	case v < 0.0995:
		return short(100*v) + "%"
	}
	return fmt.Sprintf("%.0f%%", 100*v)
}

// short has two digits or all those before the point.
func short(v float64) string {
	if v < 9.95 && v != float64(int(v)) {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// Cut shortens text to so many characters, and takes out what would move a terminal's cursor.
func Cut(text string, width int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, text)
	if all := []rune(text); len(all) > width {
		if width < 1 {
			return ""
		}
		return string(all[:width-1]) + "…"
	}
	return text
}
