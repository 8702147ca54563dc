package upstream

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"
)

// candidate is one target during one call.
type candidate struct {
	target
	tries  int
	barred bool      // the call may not be repeated there
	ready  time.Time // it asked to be left alone until then
}

// choice is the next attempt.
type choice struct {
	at   *candidate
	pass pass
	wait time.Duration
}

// choose picks the candidate for the next attempt, among those that can be
// asked within patience: one that is not ejected before one that is, a new one before
// one that has failed, one that did not ask for rest before one that did, then
// by tier, then by weight. ok is false when there is none.
func (r *Router) choose(all []*candidate, patience time.Duration) (choice, bool) {
	for {
		now := r.now()
		var best []*candidate
		var bestRank rank
		for _, c := range all {
			if c.barred || c.tries > 0 && c.ready.Sub(now) > patience {
				continue
			}
			mine := rankOf(c, now)
			order := 0
			if len(best) > 0 {
				order = mine.compare(bestRank)
			}
			if order < 0 {
				best = best[:0]
			}
			if order <= 0 {
				best, bestRank = append(best, c), mine
			}
		}
		if len(best) == 0 {
			return choice{}, false
		}
		c := best[0]
		if len(best) > 1 {
			c = weighted(best)
		}
		if c.tries > 0 && !c.allowance.spend() {
			c.barred = true
			continue
		}
		p, ok := c.health.ask(now)
		if !ok {
			if !bestRank.ejected {
				continue // somebody else has just taken the probe, or it was ejected this moment
			}
			p.forced = true
		}
		var wait time.Duration
		if c.tries > 0 {
			wait = max(r.config.backoff(c.tries-1), c.ready.Sub(now))
		} else {
			c.allowance.earn()
		}
		return choice{c, p, min(wait, max(patience, 0))}, true
	}
}

// rank orders candidates; less is better.
type rank struct {
	ejected     bool
	tries       int
	cooling     bool
	priority    int
	specificity int
}

func rankOf(c *candidate, now time.Time) rank {
	return rank{!c.health.usable(now), c.tries, c.cooling(now), c.Priority, c.specificity}
}

func (a rank) compare(b rank) int {
	return cmp.Or(
		compareBool(a.ejected, b.ejected),
		cmp.Compare(a.tries, b.tries),
		compareBool(a.cooling, b.cooling),
		cmp.Compare(a.priority, b.priority),
		cmp.Compare(b.specificity, a.specificity),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// weighted draws one of several, each by its weight.
func weighted(all []*candidate) *candidate {
	sum := 0
	for _, c := range all {
		sum += c.Weight
	}
	n := rand.IntN(sum)
	for _, c := range all {
		if n -= c.Weight; n < 0 {
			return c
		}
	}
	return all[len(all)-1]
}

// pauseBeat is how often a pause shows that it is one, and no hang.
const pauseBeat = 100 * time.Millisecond

// pause waits for d, or returns the cause of ctx as soon as that ends. beat is
// called now and then.
func pause(ctx context.Context, d time.Duration, beat func()) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	tick := time.NewTicker(pauseBeat)
	defer tick.Stop()
	for {
		select {
		case <-timer.C:
			return nil
		case <-tick.C:
			beat()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
