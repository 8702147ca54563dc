package upstreamtest

import (
	"strings"
)

// stamp is the creation time in every answer, so that answers compare equal.
const stamp = 1767225600

func (e *exchange) model() string {
	if e.seen.Model == "" {
		return "test-model"
	}
	return e.seen.Model
}

func (e *exchange) text() string {
	if e.answer.Text != "" {
		return e.answer.Text
	}
	return "Hello from the upstream"
}

func (e *exchange) arguments() string {
	if e.answer.Arguments != "" {
		return e.answer.Arguments
	}
	return "{}"
}

// whole is the plain answer. Each carries a field that no client knows,
// because unknown fields have to survive the way through a gateway.
func (e *exchange) whole() []byte {
	usage := map[string]any{"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
	switch path := e.seen.Path; {
	case strings.HasSuffix(path, "/models"):
		return mustJSON(map[string]any{"object": "list", "data": []any{
			map[string]any{"id": "test-model", "object": "model", "created": stamp, "owned_by": "upstreamtest"},
			map[string]any{"id": "test-model-large", "object": "model", "created": stamp, "owned_by": "upstreamtest", "x_upstream": true},
		}})
	case strings.HasSuffix(path, "/embeddings"):
		return mustJSON(map[string]any{"object": "list", "model": e.model(), "x_upstream": true, "usage": usage, "data": []any{
			map[string]any{"object": "embedding", "index": 0, "embedding": []float64{0.25, -0.5, 1}},
		}})
	case strings.HasSuffix(path, "/responses"):
		return mustJSON(map[string]any{
			"id": "resp_test", "object": "response", "created_at": stamp, "status": "completed", "model": e.model(),
			"x_upstream": true, "output": []any{map[string]any{
				"type": "message", "id": "msg_test", "status": "completed", "role": "assistant",
				"content": []any{map[string]any{"type": "output_text", "text": e.text(), "annotations": []any{}}},
			}},
		})
	case strings.HasSuffix(path, "/chat/completions"):
		message, finish := map[string]any{"role": "assistant", "content": e.text(), "refusal": nil}, "stop"
		if e.answer.Tool != "" {
			finish = "tool_calls"
			message["content"] = nil
			message["tool_calls"] = []any{e.toolCall()}
		}
		return mustJSON(map[string]any{
			"id": "chatcmpl-test", "object": "chat.completion", "created": stamp, "model": e.model(), "x_upstream": true,
			"choices": []any{map[string]any{"index": 0, "message": message, "logprobs": nil, "finish_reason": finish}}, "usage": usage,
		})
	default:
		return mustJSON(map[string]any{
			"id": "cmpl-test", "object": "text_completion", "created": stamp, "model": e.model(), "x_upstream": true,
			"choices": []any{map[string]any{"index": 0, "text": e.text(), "logprobs": nil, "finish_reason": "stop"}}, "usage": usage,
		})
	}
}

func (e *exchange) toolCall() map[string]any {
	return map[string]any{"id": "call_test", "type": "function", "function": map[string]any{"name": e.answer.Tool, "arguments": e.arguments()}}
}

// events is the answer as a stream, the end mark included.
func (e *exchange) events() [][]byte {
	words := strings.SplitAfter(e.text(), " ")
	if n := e.answer.Tokens; n > 0 {
		all := make([]string, 0, n)
		for i := range n {
			all = append(all, words[i%len(words)])
		}
		words = all
	}
	switch path := e.seen.Path; {
	case strings.HasSuffix(path, "/responses"):
		return e.responseEvents(words)
	case strings.HasSuffix(path, "/chat/completions"):
		return e.chatEvents(words)
	default:
		var all [][]byte
		for _, word := range words {
			all = append(all, e.chunk("cmpl-test", "text_completion", map[string]any{"index": 0, "text": word, "finish_reason": nil}))
		}
		all = append(all, e.chunk("cmpl-test", "text_completion", map[string]any{"index": 0, "text": "", "finish_reason": "stop"}))
		return append(all, []byte("data: [DONE]\n\n"))
	}
}

func (e *exchange) chatEvents(words []string) [][]byte {
	chunk := func(delta map[string]any, finish any) []byte {
		return e.chunk("chatcmpl-test", "chat.completion.chunk", map[string]any{"index": 0, "delta": delta, "finish_reason": finish})
	}
	all := [][]byte{chunk(map[string]any{"role": "assistant", "content": ""}, nil)}
	finish := "stop"
	if e.answer.Tool != "" {
		finish = "tool_calls"
		call := e.toolCall()
		call["index"] = 0
		all = append(all, chunk(map[string]any{"tool_calls": []any{call}}, nil))
	} else {
		for _, word := range words {
			all = append(all, chunk(map[string]any{"content": word}, nil))
		}
	}
	all = append(all, chunk(map[string]any{}, finish))
	if strings.Contains(string(e.seen.Body), `"include_usage":true`) {
		all = append(all, event("", map[string]any{
			"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": stamp, "model": e.model(),
			"choices": []any{}, "usage": map[string]any{"prompt_tokens": 3, "completion_tokens": len(words), "total_tokens": 3 + len(words)},
		}))
	}
	return append(all, []byte("data: [DONE]\n\n"))
}

func (e *exchange) chunk(id, object string, choice map[string]any) []byte {
	return event("", map[string]any{"id": id, "object": object, "created": stamp, "model": e.model(), "x_upstream": true, "choices": []any{choice}})
}

// responseEvents has named events and, as OpenAI's, no [DONE].
func (e *exchange) responseEvents(words []string) [][]byte {
	shell := map[string]any{"id": "resp_test", "object": "response", "created_at": stamp, "model": e.model(), "status": "in_progress", "output": []any{}}
	all := [][]byte{event("response.created", map[string]any{"type": "response.created", "sequence_number": 0, "response": shell})}
	for i, word := range words {
		all = append(all, event("response.output_text.delta", map[string]any{
			"type": "response.output_text.delta", "sequence_number": i + 1,
			"item_id": "msg_test", "output_index": 0, "content_index": 0, "delta": word,
		}))
	}
	return append(all, event("response.completed", map[string]any{
		"type": "response.completed", "sequence_number": len(words) + 1,
		"response": map[string]any{"id": "resp_test", "object": "response", "created_at": stamp, "model": e.model(), "status": "completed", "output": []any{}},
	}))
}

func event(name string, v any) []byte {
	var b []byte
	if name != "" {
		b = append(b, "event: "+name+"\n"...)
	}
	b = append(b, "data: "...)
	b = append(b, mustJSON(v)...)
	return append(b, "\n\n"...)
}
