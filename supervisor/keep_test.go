package supervisor

import "testing"

// What is stored comes back under its name; a name that somebody gave a socket in a .socket
// unit is none of ours.
func TestKeptNames(t *testing.T) {
	for _, spec := range []string{":8000", "[::1]:80", "127.0.0.1:0", "unix:/run/webchasor/s?mode=0660&group=www-data"} {
		for _, slot := range []int{0, 7, 1023} {
			if got, at, ok := keptSlot(slotName(spec, slot)); got != spec || at != slot || !ok {
				t.Errorf("slot %d of %s comes back as slot %d of %s, %t", slot, spec, at, got, ok)
			}
		}
		s := socket{Spec: spec}
		if got, ok := keptWhole(s.keptName(0)); got != spec || !ok {
			t.Errorf("%s comes back as %s, %t", spec, got, ok)
		}
	}
	for _, name := range []string{"web", "socket-web", "socket-", "slot-1-web", "slot-x", "slot--1-OjgwMDA", "ledger", "unknown"} {
		if spec, ok := keptWhole(name); ok {
			t.Errorf("%s is taken for %s", name, spec)
		}
		if spec, slot, ok := keptSlot(name); ok {
			t.Errorf("%s is taken for slot %d of %s", name, slot, spec)
		}
	}
}
