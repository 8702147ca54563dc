package identity

import (
	"slices"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		user, group string
		euid, egid  int
		uid, gid    uint32 // of who comes out; 0 is nobody else
		problem     string
	}{
		{"", "", 0, 0, 0, 0, ""},
		{"", "", 1000, 1000, 0, 0, ""},
		{"nobody", "", 0, 0, 65534, 65534, ""},
		{"65534", "", 0, 0, 65534, 65534, ""},
		{"4000001", "4000002", 0, 0, 4000001, 4000002, ""},
		{"nobody", "daemon", 0, 0, 65534, 1, ""},
		{"4000001", "", 0, 0, 0, 0, "set group too"},
		{"no-such-user", "", 0, 0, 0, 0, "there is no such user"},
		{"nobody", "no-such-group", 0, 0, 0, 0, "there is no such group"},
		{"4294967295", "1", 0, 0, 0, 0, "there is no such user"},
		{"-1", "1", 0, 0, 0, 0, "there is no such user"},
		{"nobody", "", 65534, 65534, 0, 0, ""},
		{"nobody", "", 1000, 1000, 0, 0, "start it as root"},
		{"root", "", 1000, 1000, 0, 0, "start it as root"},
		{"", "65534", 65534, 65534, 0, 0, ""},
	} {
		id, err := resolve(tt.user, tt.group, tt.euid, tt.egid)
		switch {
		case tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)):
			t.Errorf("%s:%s as %d: %v, want %q", tt.user, tt.group, tt.euid, err, tt.problem)
		case tt.problem != "":
		case err != nil:
			t.Errorf("%s:%s as %d: %v", tt.user, tt.group, tt.euid, err)
		case (id == nil) != (tt.uid == 0):
			t.Errorf("%s:%s as %d: %+v", tt.user, tt.group, tt.euid, id)
		case id != nil && (id.UID != tt.uid || id.GID != tt.gid):
			t.Errorf("%s:%s: %+v, want %d:%d", tt.user, tt.group, id, tt.uid, tt.gid)
		case id != nil && tt.group != "" && !slices.Contains(id.Groups, tt.gid):
			t.Errorf("%s:%s: groups %v", tt.user, tt.group, id.Groups)
		}
	}
}

// The primary group goes when another one takes its place, as with initgroups(3).
func TestRegroup(t *testing.T) {
	t.Parallel()
	id := &Identity{Name: "x", UID: 7, GID: 7, Groups: []uint32{7, 20, 30}}
	if err := id.regroup("30"); err != nil {
		t.Fatal(err)
	}
	if id.GID != 30 || !slices.Equal(id.Groups, []uint32{30, 20}) {
		t.Errorf("%+v", id)
	}
	if c := id.Credential(); c.Uid != 7 || c.Gid != 30 || !slices.Equal(c.Groups, id.Groups) {
		t.Errorf("%+v", c)
	}
	if c := (*Identity)(nil).Credential(); c != nil {
		t.Errorf("%+v", c)
	}
}
