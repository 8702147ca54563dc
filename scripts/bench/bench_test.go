package main

import "testing"

func TestParameters(t *testing.T) {
	env := map[string]string{"ROUNDS": "3", "WORKERS": "2"}
	p, err := parametersFrom(func(key string) string { return env[key] })
	if err != nil || p.rounds != 3 || p.workers != 2 || p.connections != 64 {
		t.Errorf("got %+v, %v", p, err)
	}
	for _, bad := range []string{"0", "-1", "x", "1001"} {
		env["ROUNDS"] = bad
		if _, err := parametersFrom(func(key string) string { return env[key] }); err == nil {
			t.Errorf("ROUNDS=%s was taken", bad)
		}
	}
}
