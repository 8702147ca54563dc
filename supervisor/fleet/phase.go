package fleet

// Phase is what the fleet as a whole is doing.
type Phase string

// The phases. Starting, reloading and rolling back are serving, looked at more closely.
const (
	PhaseNew       Phase = "new"
	PhaseStarting  Phase = "starting" // serving, but Up was not said yet
	PhaseServing   Phase = "serving"
	PhaseReloading Phase = "reloading"
	PhaseRollback  Phase = "rolling_back"
	PhaseParked    Phase = "parked"
	PhaseStopping  Phase = "stopping"
	PhaseExited    Phase = "exited"
)

// refuses says why an event makes no sense in this phase; empty if it does.
func (p Phase) refuses(e Event) string {
	switch e.(type) {
	case nil:
		return "no event"
	case Tick, Sampled, Hold:
		return ""
	case Start:
		if p != PhaseNew {
			return "the fleet was already started"
		}
		return ""
	}
	switch p {
	case PhaseExited:
		return "the fleet has ended"
	case PhaseNew:
		if _, stop := e.(Stop); !stop {
			return "the fleet was not started"
		}
	case PhaseStopping:
		switch e.(type) {
		case Reload, Scale, Park:
			return "the fleet is stopping"
		}
	}
	return ""
}

// visible is the phase with the detail an operator wants.
func (f *Fleet) visible() Phase {
	switch {
	case f.phase != PhaseServing:
		return f.phase
	case f.reload != nil:
		return PhaseReloading
	case f.rollingBack():
		return PhaseRollback
	case !f.up:
		return PhaseStarting
	}
	return PhaseServing
}
