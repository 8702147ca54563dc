package supervisor

import (
	"errors"
	"strings"
	"time"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/control"
)

// waiter is where the end of an order is reported. It has room for one
// result, so the loop never waits for whoever asked.
type waiter chan<- control.Result

type waiters []waiter

func (all waiters) send(r control.Result) {
	for _, to := range all {
		select {
		case to <- r:
		default: // answered already
		}
	}
}

// refusal is the answer to what cannot be done now.
func refusal(order, why string) control.Result {
	now := time.Now()
	return control.Result{Order: order, Outcome: control.OutcomeRejected, Text: why, Began: now, Ended: now}
}

// begun is the answer to whoever does not wait.
func begun(order, text string) control.Result {
	return control.Result{Order: order, Outcome: control.OutcomeBegun, Text: text, Began: time.Now()}
}

// told is a result as the line of an event.
func told(r control.Result) string {
	text := r.Order + " " + strings.ReplaceAll(string(r.Outcome), "_", " ")
	if r.Text != "" {
		text += ": " + r.Text
	}
	return text
}

// oneLine joins all the mistakes in err.
func oneLine(err error) string {
	var lines []string
	for _, e := range config.Errors(err) {
		lines = append(lines, strings.ReplaceAll(e.Error(), "\n", " "))
	}
	if len(lines) == 0 {
		return errors.Join(err).Error()
	}
	return strings.Join(lines, "; ")
}

func changesOf(old, next *config.Resolved) []control.Change {
	changes := []control.Change{}
	for _, c := range config.Diff(old, next) {
		changes = append(changes, control.Change{Name: c.Name, Old: c.Old, New: c.New, Class: string(c.Class)})
	}
	return changes
}

// upgradesIn are the changes that a reload cannot apply.
func upgradesIn(changes []control.Change) (all []control.Change) {
	for _, c := range changes {
		if c.Class == string(config.Upgrade) {
			all = append(all, c)
		}
	}
	return all
}
