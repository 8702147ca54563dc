package api

import (
	"context"
	"strings"
	"time"
)

// echoNotice goes with every answer of the echo provider.
const echoNotice = "echo provider: no language model is behind this answer"

// echo is the built-in provider: it repeats the last user message at the pace
// of [Request.Echo]. The same request always has the same answer.
type echo struct{}

// Models returns the one model, echo.
func (echo) Models() []Model {
	// The date is fixed because the model does not change.
	created := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()
	return []Model{{ID: "echo", Created: created, OwnedBy: "webchasor", Fingerprint: "echo", Notice: echoNotice}}
}

// Complete takes as long as streaming the answer would.
func (e echo) Complete(ctx context.Context, r *Request) (Answer, error) {
	var text strings.Builder
	a, err := e.Stream(ctx, r, func(piece string) error {
		text.WriteString(piece)
		return nil
	})
	a.Text = text.String()
	return a, err
}

// Stream emits one token at a time.
func (echo) Stream(ctx context.Context, r *Request, emit func(string) error) (Answer, error) {
	a := Answer{FinishReason: "stop"}
	for _, m := range r.Messages {
		a.PromptTokens += countTokens(m.Text)
	}
	var p pacer
	defer p.stop()
	if err := p.wait(ctx, r.Echo.FirstTokenDelay); err != nil {
		return a, err
	}
	all := newTokens(r.lastUser(), r.Echo.Tokens)
	for {
		token, ok := all.next()
		if !ok {
			return a, nil
		}
		if r.MaxTokens > 0 && a.CompletionTokens == r.MaxTokens {
			a.FinishReason = "length"
			return a, nil
		}
		if a.CompletionTokens > 0 {
			if err := p.wait(ctx, r.Echo.TokenDelay); err != nil {
				return a, err
			}
		}
		if err := emit(token); err != nil {
			return a, err
		}
		a.CompletionTokens++
	}
}

// pacer waits again and again with one timer. The zero value is ready.
type pacer struct {
	timer *time.Timer
}

// wait returns nil after d, or the cause of ctx as soon as that ends.
func (p *pacer) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return causeOf(ctx, nil)
	}
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	select {
	case <-p.timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *pacer) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}
