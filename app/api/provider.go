package api

import (
	"context"
	"slices"

	"github.com/webchasor/webchasor/internal/config"
)

// Provider answers chat completions. Its methods are called by many goroutines
// at once, each time with a permit of llm_concurrent_limit held.
//
// They must return soon after ctx has ended, with an error; context.Cause(ctx)
// says why. An [*Error] reaches the client as it is.
type Provider interface {
	// Models lists what the provider answers for. It is called once.
	Models() []Model
	// Complete returns the whole answer. It blocks until then.
	Complete(ctx context.Context, r *Request) (Answer, error)
	// Stream calls emit with each piece of text, in order and from the calling
	// goroutine, and returns the answer's end; Text stays empty. emit blocks
	// while the client does not read; its error ends the answer and is returned.
	// The response's status line is out before Stream is called, so that a
	// failure becomes an error event.
	Stream(ctx context.Context, r *Request, emit func(text string) error) (Answer, error)
}

// Request is a chat completion request that was checked. It shares no memory
// with the connection, so it outlives the handler.
type Request struct {
	Model        string
	Messages     []Message
	Stream       bool
	IncludeUsage bool // a stream ends with a usage chunk
	MaxTokens    int  // of the answer; 0 is no limit
	Temperature  *float64
	TopP         *float64
	Echo         config.Echo // the settings, with the request's overrides
}

// Message is one message of a conversation.
type Message struct {
	Role string
	Text string // the text of all parts; parts of other kinds are left out
}

// Answer is what a provider said and what it cost.
type Answer struct {
	Text             string
	FinishReason     string // stop or length
	PromptTokens     int
	CompletionTokens int
}

// lastUser returns the text of the last user message, or of the last message
// if the user said nothing.
func (r *Request) lastUser() string {
	for _, m := range slices.Backward(r.Messages) {
		if m.Role == "user" {
			return m.Text
		}
	}
	if n := len(r.Messages); n > 0 {
		return r.Messages[n-1].Text
	}
	return ""
}
