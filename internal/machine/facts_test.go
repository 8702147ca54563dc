package machine

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// tree writes files below a fresh root and returns it.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
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

const (
	mountV2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
	mountV1 = "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n" +
		"32 30 0:28 / /sys/fs/cgroup/memory rw shared:11 - cgroup cgroup rw,memory\n"
	meminfo = "MemTotal:        8388608 kB\nMemFree:  100 kB\n"
)

func TestLimitsOfCgroups(t *testing.T) {
	for _, c := range []struct {
		name   string
		files  map[string]string
		cpus   float64 // of 8 cores
		memory int64
	}{
		{"no /proc at all", nil, 8, 0},
		{"no cgroup", map[string]string{"proc/meminfo": meminfo}, 8, 8 << 30},
		{"version 2 without a limit", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/a/cpu.max": "max 100000\n", "sys/fs/cgroup/a/memory.max": "max\n",
		}, 8, 8 << 30},
		{"version 2, container with its own namespace", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/cpu.max": "150000 100000\n", "sys/fs/cgroup/memory.max": "536870912\n",
		}, 1.5, 512 << 20},
		{"version 2, the ancestor is stricter", map[string]string{
			"proc/self/cgroup": "0::/pod/app\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/pod/cpu.max": "200000 100000\n", "sys/fs/cgroup/pod/app/cpu.max": "400000 100000\n",
			"sys/fs/cgroup/pod/memory.max": "1073741824\n", "sys/fs/cgroup/pod/app/memory.max": "max\n",
		}, 2, 1 << 30},
		{"version 2, quota above the cores, limit above the memory", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/a/cpu.max": "6400000 100000\n", "sys/fs/cgroup/a/memory.max": "107374182400\n",
		}, 8, 8 << 30},
		{"version 1", map[string]string{
			"proc/self/cgroup":    "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n0::/\n",
			"proc/self/mountinfo": mountV1,
			"sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us":    "50000\n",
			"sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us":   "100000\n",
			"sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes":    "268435456\n",
			"sys/fs/cgroup/memory/docker/memory.limit_in_bytes":      "9223372036854771712\n",
			"sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us":      "-1\n",
			"sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us":     "100000\n",
			"sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.shares_not_this": "1",
		}, 0.5, 256 << 20},
		{"version 1, container that sees the host's path", map[string]string{
			"proc/self/cgroup": "4:cpu:/docker/x\n",
			"proc/self/mountinfo": "31 30 0:27 /docker/x /sys/fs/cgroup/cpu rw master:10 - cgroup cgroup rw,cpu\n" +
				"broken line\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":  "300000\n",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
		}, 3, 0},
		{"path that only looks as if below the mount's root", map[string]string{
			"proc/self/cgroup":                    "4:cpu:/docker/xy\n",
			"proc/self/mountinfo":                 "31 30 0:27 /docker/x /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":  "300000\n",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
			// Another group, whose limit is not ours.
			"sys/fs/cgroup/cpu/y/cpu.cfs_quota_us":  "100000\n",
			"sys/fs/cgroup/cpu/y/cpu.cfs_period_us": "100000\n",
		}, 3, 0},
		{"version 1 without a limit", map[string]string{
			"proc/self/cgroup": "5:memory:/\n", "proc/self/mountinfo": mountV1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 8, 0},
		{"nonsense in the files", map[string]string{
			"proc/meminfo": "MemTotal: lots\n", "proc/self/cgroup": "x\n0::/a\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/a/cpu.max": "100000 0\n", "sys/fs/cgroup/a/memory.max": "-5\n",
		}, 8, 0},
	} {
		root := tree(t, c.files)
		if got := cpus(root, 8); got != c.cpus {
			t.Errorf("%s: %g CPUs, want %g", c.name, got, c.cpus)
		}
		if got := memoryLimit(root); got != c.memory {
			t.Errorf("%s: memory %d, want %d", c.name, got, c.memory)
		}
	}
}

func TestSomaxconn(t *testing.T) {
	for text, want := range map[string]int{"4096\n": 4096, "": 0, "x": 0} {
		if got := somaxconn(tree(t, map[string]string{"proc/sys/net/core/somaxconn": text})); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// TestRead asks the real machine what it must know about itself.
func TestRead(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
	got := Read()
	if got.CPUs <= 0 || got.CPUs > float64(runtime.NumCPU()) || got.FileLimit == 0 || !got.Kubernetes {
		t.Errorf("facts %+v", got)
	}
	if runtime.GOOS == "linux" && (got.Somaxconn == 0 || got.Memory == 0) {
		t.Errorf("facts %+v", got)
	}
}
