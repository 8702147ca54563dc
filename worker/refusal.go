package worker

import "fmt"

// refusal identifies one of the responses that the worker itself gives.
type refusal struct {
	status int
	cause  error
}

// refusals are complete responses: OpenAI's error envelope, and the connection
// closes after them.
var refusals = map[refusal]string{
	{503, ErrTimeout}:  refuse("503 Service Unavailable", "The request made no progress within the server's timeout. Please try again.", "timeout", "request_timeout"),
	{408, ErrTimeout}:  refuse("408 Request Timeout", "The request did not arrive completely within the server's timeout.", "invalid_request_error", "request_timeout"),
	{503, ErrDraining}: refuse("503 Service Unavailable", "The server is restarting. Please try again.", "server_error", "server_shutting_down"),
}

func refuse(status, message, kind, code string) string {
	body := envelope(message, kind, code)
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nRetry-After: 1\r\nConnection: close\r\n\r\n%s",
		status, len(body), body)
}

// envelope is OpenAI's error body. The texts are ours and need no escaping.
func envelope(message, kind, code string) string {
	return fmt.Sprintf(`{"error":{"message":"%s","type":"%s","param":null,"code":"%s"}}`, message, kind, code)
}

// panicBody answers a request whose handler panicked.
var panicBody = envelope("The server had an error while processing the request.", "server_error", "internal_error")
