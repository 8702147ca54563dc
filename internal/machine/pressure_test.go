package machine

import (
	"testing"
	"time"
)

func TestPressure(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  Pressure
	}{
		{"nothing can be read", nil, Pressure{CPUs: 2}},
		{"version 2", map[string]string{
			"proc/pressure/cpu":    "some avg10=22.10 avg60=16.51 avg300=6.14 total=71947230\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
			"proc/pressure/memory": "some avg10=3.50 avg60=0.17 avg300=0.32 total=5\nfull avg10=1.25 avg60=0.12 avg300=0.28 total=4\n",
			"proc/loadavg":         "7.31 2.00 1.00 1/2 3\n",
			"proc/meminfo":         meminfo + "MemAvailable:    1048576 kB\n",
			"proc/self/cgroup":     "0::/pod/app\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/pod/app/memory.current": "1000\n",
			"sys/fs/cgroup/pod/app/cpu.stat":       "usage_usec 5\nnr_periods 9\nnr_throttled 0\nthrottled_usec 0\n",
			"sys/fs/cgroup/pod/cpu.stat":           "usage_usec 5\nnr_periods 9\nnr_throttled 4\nthrottled_usec 2500000\n",
		}, Pressure{
			CPU: Stall{true, 22.1, 0}, Memory: Stall{true, 3.5, 1.25}, Load: 7.31, CPUs: 2,
			Available: 1 << 30, Total: 8 << 30, Used: 1000, Throttled: 4, ThrottledFor: 2500 * time.Millisecond,
		}},
		{"version 1 beside an empty version 2", map[string]string{
			"proc/self/cgroup":                             "5:memory:/x\n4:cpu,cpuacct:/x\n0::/\n",
			"proc/self/mountinfo":                          mountV1 + mountV2,
			"sys/fs/cgroup/memory/x/memory.usage_in_bytes": "77\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "4096\n",
			"sys/fs/cgroup/cpu,cpuacct/x/cpu.stat": "nr_periods 3\nnr_throttled 2\nthrottled_time 1500000000\n",
		}, Pressure{CPUs: 2, Used: 77, Limit: 4096, Throttled: 2, ThrottledFor: 1500 * time.Millisecond}},
	} {
		if got := readPressure(tree(t, c.files), 2); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
	}
}
