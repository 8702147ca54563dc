package config

import "reflect"

// KeepRunning returns a copy of next in which every setting of class [Upgrade]
// has the value of running: those belong to descriptors that a running master
// cannot exchange. Use [Diff] first to tell the operator.
func KeepRunning(next, running *Resolved) *Resolved {
	kept := *next
	for _, s := range Table() {
		if s.Class == Upgrade {
			from := reflect.ValueOf(s.at(&running.Settings)).Elem()
			reflect.ValueOf(s.at(&kept.Settings)).Elem().Set(from)
		}
	}
	return &kept
}
