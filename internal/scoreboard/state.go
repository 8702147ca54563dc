package scoreboard

// State is the worker's own idea of its life. The zero value means that it has not begun.
type State uint8

// The states, in order.
const (
	StateNew State = iota
	StateBooting
	StateReady
	StateDraining
	StateGone
)

// String names the state for logs; unknown values too.
func (s State) String() string {
	switch s {
	case StateNew:
		return "new"
	case StateBooting:
		return "booting"
	case StateReady:
		return "ready"
	case StateDraining:
		return "draining"
	case StateGone:
		return "gone"
	}
	return "unknown"
}
