package testproc

import "time"

// Patience bounds every wait for something that must happen. It is generous
// because a loaded machine is no defect; a passing test never waits it out.
const Patience = 20 * time.Second

// Every is how often a condition is looked at.
const Every = 5 * time.Millisecond

// Eventually waits until cond is true and fails the test when it is not
// within the given time. It must be called from the test's goroutine.
func Eventually(t T, within, every time.Duration, cond func() bool, what string) {
	t.Helper()
	if !Poll(within, every, cond) {
		t.Fatalf("not within %v: %s", within, what)
	}
}

// Poll waits until cond is true and reports whether it became so in time. It
// looks at least twice: once at the start, once at the end.
func Poll(within, every time.Duration, cond func() bool) bool {
	if cond() {
		return true
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	end := time.NewTimer(within)
	defer end.Stop()
	for {
		select {
		case <-tick.C:
			if cond() {
				return true
			}
		case <-end.C:
			return cond()
		}
	}
}

// Holds checks that cond stays true for a while. It is for promises about
// time itself ("an idle worker survives its timeout"), not for settling.
func Holds(t T, during, every time.Duration, cond func() bool, what string) {
	t.Helper()
	if Poll(during, every, func() bool { return !cond() }) {
		t.Fatalf("did not hold for %v: %s", during, what)
	}
}

// Pause waits for a think time or an interval between two deeds of a client.
// It ends early, with false, when stop is closed.
func Pause(d time.Duration, stop <-chan struct{}) bool {
	if d <= 0 {
		select {
		case <-stop:
			return false
		default:
			return true
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
		return false
	}
}
