package config

import "github.com/webchasor/webchasor/internal/machine"

// Plan is what these settings ask of the machine; see machine.Warnings.
func (s *Settings) Plan() machine.Plan {
	return machine.Plan{
		Workers:           s.Workers,
		WorkerConnections: s.WorkerConnections,
		Backlog:           s.Backlog,
		MaxMemory:         s.MaxMemory,
		GracefulTimeout:   s.GracefulTimeout,
		StreamTimeout:     s.StreamTimeout,
		LameDuck:          s.LameDuck,
	}
}
