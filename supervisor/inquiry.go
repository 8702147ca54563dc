package supervisor

import (
	"context"
	"errors"
	"fmt"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/supervisor/journal"
)

// inquiry is a question or an order from outside the loop: the control socket,
// the admin address. do runs on the loop's goroutine like everything else, so
// it must not block; what it answers with has to be a copy.
type inquiry struct{ do func(m *master) }

func (h inquiry) apply(m *master) { h.do(m) }

// errLeaving: the loop has ended, or ended before it came to the inquiry.
var errLeaving = &control.Error{Code: control.CodeLeaving, Message: "this master is about to end; ask again in a moment if another one takes over"}

// desk is where other goroutines meet the loop. It answers while every worker
// hangs, because the loop never waits for one.
type desk struct {
	happenings chan<- happening
	gone       <-chan struct{} // closed when the loop has ended
	journal    *journal.Journal
	scales     *scales
}

func (m *master) desk() desk {
	return desk{happenings: m.happenings, gone: m.gone, journal: m.journal, scales: m.scales}
}

// ask runs f on the loop and returns its answer.
func ask[T any](ctx context.Context, d desk, f func(m *master) T) (T, error) {
	return await(ctx, d, func(m *master, reply chan<- T) { reply <- f(m) })
}

// await runs begin on the loop and waits for the answer, which may come much
// later. The loop sends at most one, and never waits for its reader to take it.
func await[T any](ctx context.Context, d desk, begin func(m *master, reply chan<- T)) (answer T, err error) {
	reply := make(chan T, 1)
	select {
	case d.happenings <- inquiry{func(m *master) { begin(m, reply) }}:
	case <-d.gone:
		return answer, errLeaving
	case <-ctx.Done():
		return answer, gaveUp(ctx)
	}
	select {
	case answer = <-reply:
		return answer, nil
	case <-d.gone:
		select {
		case answer = <-reply: // the last thing it did
			return answer, nil
		default:
			return answer, errLeaving
		}
	case <-ctx.Done():
		return answer, gaveUp(ctx)
	}
}

func gaveUp(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("cannot wait for the master any longer: %w", err)
	}
	return context.Canceled
}
