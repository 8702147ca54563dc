package config

import "testing"

func TestKeepRunningKeepsOnlyWhatNeedsAnUpgrade(t *testing.T) {
	running := &Resolved{Settings: Defaults(1)}
	next := &Resolved{Settings: Defaults(1)}
	next.Settings.Bind = []string{"127.0.0.1:9"}
	next.Settings.Workers = running.Settings.Workers + 1

	kept := KeepRunning(next, running)
	if kept.Settings.Bind[0] != running.Settings.Bind[0] {
		t.Errorf("bind is %v, want the running %v", kept.Settings.Bind, running.Settings.Bind)
	}
	if kept.Settings.Workers != next.Settings.Workers {
		t.Errorf("workers is %d, want the new %d", kept.Settings.Workers, next.Settings.Workers)
	}
	if next.Settings.Bind[0] != "127.0.0.1:9" {
		t.Error("the argument was changed")
	}
}
