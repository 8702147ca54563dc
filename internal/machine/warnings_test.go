package machine

import (
	"slices"
	"testing"
	"time"
)

func TestWarnings(t *testing.T) {
	facts := Facts{CPUs: 2, Memory: 1 << 30, Somaxconn: 4096, FileLimit: 1100}
	plan := Plan{
		Workers: 5, WorkerConnections: 1000, Backlog: 2048,
		GracefulTimeout: 30 * time.Second, StreamTimeout: 300 * time.Second,
	}
	for _, c := range []struct {
		name   string
		change func(*Plan, *Facts)
		want   []string
	}{
		{"all fits, just", func(p *Plan, _ *Facts) { p.Workers, p.Backlog = 8, 4096 }, nil},
		{"nothing is known", func(p *Plan, f *Facts) { *p, *f = Plan{Workers: 1000, WorkerConnections: 1e6, Backlog: 1e6}, Facts{} }, nil},
		{"backlog", func(p *Plan, _ *Facts) { p.Backlog = 8192 }, []string{
			"backlog 8192 is cut to net.core.somaxconn 4096 by the kernel: run `sysctl -w net.core.somaxconn=8192` or lower backlog",
		}},
		{"files", func(p *Plan, _ *Facts) { p.WorkerConnections = 1001 }, []string{
			"worker_connections 1001 needs about 1101 file descriptors in each worker, RLIMIT_NOFILE is 1100: raise it " +
				"(`ulimit -n 1101`, LimitNOFILE=1101 in systemd) or lower worker_connections",
		}},
		{"max_memory", func(p *Plan, _ *Facts) { p.MaxMemory = 256 << 20 }, []string{
			"workers 5 x 256 MiB (max_memory) is 1280 MiB, the memory limit is 1024 MiB: set workers to at most 4 or lower max_memory, or raise the limit",
		}},
		{"memory without max_memory", func(_ *Plan, f *Facts) { f.Memory = 128 << 20 }, []string{
			"workers 5 x 32 MiB (an estimate per worker) is 160 MiB, the memory limit is 128 MiB: set workers to at most 4, or raise the limit",
		}},
		{"memory for none", func(p *Plan, f *Facts) { f.Memory, p.MaxMemory = 1<<20, 1<<40 }, []string{
			"workers 5 x 1048576 MiB (max_memory) is 5242880 MiB, the memory limit is 1 MiB: set workers to at most 1 or lower max_memory, or raise the limit",
		}},
		{"CPU", func(p *Plan, _ *Facts) { p.Workers = 9 }, []string{
			"workers 9 is more than 4 per CPU (2 CPU): set workers to at most 8, or give the service more CPUs",
		}},
		{"fraction of a CPU", func(p *Plan, f *Facts) { f.CPUs = 0.5 }, []string{
			"workers 5 is more than 4 per CPU (0.5 CPU): set workers to at most 4, or give the service more CPUs",
		}},
		{"pod", func(_ *Plan, f *Facts) { f.Kubernetes = true }, []string{
			"a stop may take stream_timeout = 5m0s while Kubernetes kills a pod after 30 s by default: set terminationGracePeriodSeconds to at least 310",
		}},
		{"pod with a long graceful_timeout", func(p *Plan, f *Facts) { f.Kubernetes, p.GracefulTimeout = true, 10*time.Minute }, []string{
			"a stop may take graceful_timeout = 10m0s while Kubernetes kills a pod after 30 s by default: set terminationGracePeriodSeconds to at least 610",
		}},
		{"pod that drains fast", func(p *Plan, f *Facts) { f.Kubernetes, p.StreamTimeout = true, 30*time.Second }, nil},
	} {
		p, f := plan, facts
		c.change(&p, &f)
		if got := Warnings(p, f); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}
