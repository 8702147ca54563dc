package main

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// TestWorkersDoNotInheritKeys: the workers use the upstream's key, and have it
// nowhere that a child of theirs, or whoever may read /proc, would find it.
func TestWorkersDoNotInheritKeys(t *testing.T) {
	t.Parallel()
	p, up, addr := gateway(t, "OPENAI_API_KEY=sk-upstream", "SOMETHING_ELSE=kept")
	if status, body := asker(t, addr, "any"); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if got := up.Requests(); len(got) != 1 || got[0].Header.Get("Authorization") != "Bearer sk-upstream" {
		t.Errorf("the upstream got %+v", got)
	}
	for _, pid := range p.WaitWorkers(1) {
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(env, []byte("sk-upstream")) || !bytes.Contains(env, []byte("SOMETHING_ELSE=kept")) {
			t.Errorf("a worker's environment: %q", env)
		}
	}
	p.Stop(0)
}
