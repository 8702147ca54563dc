package watch

import (
	"os"
	"testing"
	"time"
)

const deadline = 20 * time.Second

// never is a poll interval that no test reaches, so that only events count.
const never = time.Hour

func put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start watches and fails the test on any warning.
func start(t *testing.T, o Options, paths ...string) *Watcher {
	t.Helper()
	if o.Poll == 0 {
		o.Poll = never
	}
	if o.Log == nil {
		o.Log = func(s string) { t.Errorf("warning: %s", s) }
	}
	w := New(paths, o)
	t.Cleanup(w.Close)
	return w
}

// wait takes one notification.
func wait(t *testing.T, w *Watcher) {
	t.Helper()
	select {
	case <-w.Changes():
	case <-time.After(deadline):
		t.Fatal("no notification")
	}
}

// looks makes a Watcher tell when it has looked at the files, so that a test
// knows that a burst is over which nobody announces.
func looks(o Options) (Options, func(t *testing.T)) {
	c := make(chan struct{}, 1000)
	o.looked = func() { c <- struct{}{} }
	return o, func(t *testing.T) {
		t.Helper()
		select {
		case <-c:
		case <-time.After(deadline):
			t.Fatal("nobody looked")
		}
	}
}

// announced closes the Watcher and compares how often it announced.
func announced(t *testing.T, w *Watcher, want int) {
	t.Helper()
	w.Close()
	if w.announced != want {
		t.Errorf("announced %d times, want %d", w.announced, want)
	}
	if len(w.Changes()) != 0 {
		t.Error("a notification is left over")
	}
}
