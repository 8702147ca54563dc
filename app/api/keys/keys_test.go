package keys

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func TestFind(t *testing.T) {
	r := New()
	if !r.Empty() || r.Find([]byte("sk-a")) != nil {
		t.Error("an empty ring knows somebody")
	}
	for _, name := range []string{"a", "b", "c"} {
		if err := r.Add(Key{Name: name}, hash("sk-"+name)); err != nil {
			t.Fatal(err)
		}
	}
	for token, want := range map[string]string{
		"sk-a": "a", "sk-b": "b", "sk-c": "c", "sk-": "", "": "", "sk-a ": "", "SK-a": "", hash("sk-a"): "", "sk-d": "",
	} {
		got := ""
		if k := r.Find([]byte(token)); k != nil {
			got = k.Name
		}
		if got != want {
			t.Errorf("%q is the key of %q, want %q", token, got, want)
		}
	}
	for _, bad := range []string{"", "sk-a", hash("x")[1:], hash("x") + "00", "zz" + hash("x")[2:]} {
		if err := r.Add(Key{Name: "d"}, bad); err == nil {
			t.Errorf("the hash %q is accepted", bad)
		}
	}
}

func TestMay(t *testing.T) {
	for _, c := range []struct {
		models []string
		model  string
		want   bool
	}{
		{nil, "gpt-4o", true},
		{[]string{"gpt-4o"}, "gpt-4o", true},
		{[]string{"gpt-4o"}, "gpt-4o-mini", false},
		{[]string{"o3", "gpt-*"}, "gpt-4o-mini", true},
		{[]string{"gpt-*"}, "o3", false},
		{[]string{"gpt-*"}, "", false},
		{[]string{"*"}, "anything", true},
	} {
		if got := (&Key{Models: c.models}).May(c.model); got != c.want {
			t.Errorf("%v may use %q: %v", c.models, c.model, got)
		}
	}
}
