package worker

import "time"

// beatEvery is the rhythm that the master expects.
const beatEvery = 100 * time.Millisecond

// beat writes heartbeats until stop is closed. It stays silent when the watchdog
// is overdue: without it nobody limits requests, and a goroutine that
// ticks proves only that the runtime schedules.
func (c *core) beat(stop <-chan struct{}) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	patience := max(time.Second, 8*c.dog.tick)
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			now := c.t.clock.Now()
			if now-time.Duration(c.dog.scanned.Load()) < patience {
				c.t.board.Beat(now)
			}
		}
	}
}
