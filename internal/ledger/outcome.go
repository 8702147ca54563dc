package ledger

// Kind is an order that ends well or not.
type Kind int

// The kinds.
const (
	Reload Kind = iota
	Upgrade
	Kinds = 2
)

// Outcome is how it ended.
type Outcome int

// The outcomes.
const (
	Done     Outcome = iota
	Rejected         // nothing was tried
	Undone           // rolled back, or failed with the old one serving on
	Outcomes = 3
)

// String names the outcome as a label's value.
func (o Outcome) String() string {
	return [Outcomes]string{"done", "rejected", "undone"}[o]
}

// Ended counts the end of an order. A nil Ledger counts nothing.
func (l *Ledger) Ended(k Kind, o Outcome) {
	if l != nil {
		l.head.outcomes[k][o].Add(1)
	}
}

// Outcome is how often that happened.
func (l *Ledger) Outcome(k Kind, o Outcome) uint64 { return l.head.outcomes[k][o].Load() }
