package fleet

import "time"

// pace is a token bucket for planned replacements: as many at once as there
// are slots, then one per interval. Go answers the thousand requests of
// max_requests in milliseconds, so without it a loaded fleet would do nothing
// but recycle. It holds the moment at which the bucket is full again.
type pace struct{ full time.Time }

// next is the earliest moment for the next replacement.
func (p pace) next(burst int, interval time.Duration) time.Time {
	if interval <= 0 || p.full.IsZero() {
		return time.Time{}
	}
	return p.full.Add(-time.Duration(max(burst, 1)-1) * interval)
}

func (p *pace) take(now time.Time, interval time.Duration) {
	if interval > 0 {
		p.full = later(p.full, now).Add(interval)
	}
}
