package sys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree writes a machine's files below a temporary root.
func tree(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestOOMKills(t *testing.T) {
	const (
		v2Mounts  = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
		hybrid    = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
		container = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
	)
	cases := []struct {
		name   string
		files  map[string]string
		want   uint64
		source string // "" is not provable
		reason string // part of the error
	}{
		{
			name: "v2",
			files: map[string]string{
				"proc/self/cgroup":    "0::/system.slice/w.service\n",
				"proc/self/mountinfo": v2Mounts,
				"sys/fs/cgroup/system.slice/w.service/memory.events.local": "low 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 1\n",
				"sys/fs/cgroup/system.slice/w.service/memory.events":       "oom_kill 7\n",
			},
			want: 3, source: "/sys/fs/cgroup/system.slice/w.service/memory.events.local",
		},
		{
			name: "v2 before 5.2",
			files: map[string]string{
				"proc/self/cgroup":              "0::/a\n",
				"proc/self/mountinfo":           v2Mounts,
				"sys/fs/cgroup/a/memory.events": "oom 4\noom_kill 7\n",
			},
			want: 7, source: "/sys/fs/cgroup/a/memory.events",
		},
		{
			name: "v2 in a container with its own namespace",
			files: map[string]string{
				"proc/self/cgroup":                  "0::/\n",
				"proc/self/mountinfo":               v2Mounts,
				"sys/fs/cgroup/memory.events.local": "oom_kill 1\n",
			},
			want: 1, source: "/sys/fs/cgroup/memory.events.local",
		},
		{
			name: "hybrid: memory is v1",
			files: map[string]string{
				"proc/self/cgroup":    "9:name=systemd:/\n4:memory:/api/x:y\n0::/\n",
				"proc/self/mountinfo": hybrid,
				"sys/fs/cgroup/memory/api/x:y/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 12\n",
			},
			want: 12, source: "/sys/fs/cgroup/memory/api/x:y/memory.oom_control",
		},
		{
			name: "v1 in a container without a namespace",
			files: map[string]string{
				"proc/self/cgroup":                            "4:cpu,memory:/docker/abc/sub\n",
				"proc/self/mountinfo":                         container,
				"sys/fs/cgroup/memory/sub/memory.oom_control": "oom_kill 5\n",
			},
			want: 5, source: "/sys/fs/cgroup/memory/sub/memory.oom_control",
		},
		{
			name: "mount point with a blank",
			files: map[string]string{
				"proc/self/cgroup":           "0::/a\n",
				"proc/self/mountinfo":        "29 23 0:26 / /my\\040cgroups rw - cgroup2 cgroup2 rw\n",
				"my cgroups/a/memory.events": "oom_kill 2\n",
			},
			want: 2, source: "/my cgroups/a/memory.events",
		},
		{
			name: "v1 of an old kernel",
			files: map[string]string{
				"proc/self/cgroup":                        "4:memory:/\n",
				"proc/self/mountinfo":                     hybrid,
				"sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n",
			},
			reason: "has no oom_kill",
		},
		{
			name: "the root group of v2 has no events",
			files: map[string]string{
				"proc/self/cgroup":    "0::/\n",
				"proc/self/mountinfo": v2Mounts,
			},
			reason: "memory.events",
		},
		{
			name: "not mounted",
			files: map[string]string{
				"proc/self/cgroup":    "0::/a\n",
				"proc/self/mountinfo": "22 1 0:1 / / rw - ext4 /dev/root rw\n",
			},
			reason: "not mounted",
		},
		{
			name: "no groups",
			files: map[string]string{
				"proc/self/cgroup":    "garbage\n\n7::\n",
				"proc/self/mountinfo": "garbage - \n",
			},
			reason: "no memory control group",
		},
		{name: "no proc", reason: "cannot find our control group"},
		{
			name: "counter is not a number",
			files: map[string]string{
				"proc/self/cgroup":              "0::/a\n",
				"proc/self/mountinfo":           v2Mounts,
				"sys/fs/cgroup/a/memory.events": "oom_kill many\n",
			},
			reason: "has no oom_kill",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, source, err := oomKills(tree(t, c.files))
			if got != c.want || source != c.source {
				t.Errorf("got %d from %q, %v; want %d from %q", got, source, err, c.want, c.source)
			}
			if (err != nil) != (c.reason != "") || err != nil && !strings.Contains(err.Error(), c.reason) {
				t.Errorf("error is %v, want %q", err, c.reason)
			}
		})
	}
}

func TestOOMKillsHere(t *testing.T) {
	n, source, err := OOMKills()
	if err == nil && source == "" || err != nil && (n != 0 || source != "") {
		t.Errorf("got %d from %q, %v", n, source, err)
	}
	t.Logf("%d from %q, %v", n, source, err)
}

func FuzzOOMFiles(f *testing.F) {
	f.Add("0::/a\n", "29 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
	f.Add("4:memory:/x\n", "35 31 0:32 /x /m rw - cgroup cgroup rw,memory\n")
	f.Fuzz(func(t *testing.T, groups, mounts string) {
		files, err := oomFiles(groups, mounts)
		if (len(files) == 0) != (err != nil) {
			t.Errorf("%d files, %v", len(files), err)
		}
	})
}
