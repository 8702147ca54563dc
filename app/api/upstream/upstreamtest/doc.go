// Package upstreamtest is a scriptable OpenAI-compatible upstream for tests: a
// real net/http server on a loopback port, in the test's own process, that
// records what it was asked, how many requests it held at once, and which of
// them their client left.
//
//	up, err := upstreamtest.Start()
//	t.Cleanup(up.Close)
//	up.Script(func(r upstreamtest.Request) upstreamtest.Answer {
//		return upstreamtest.Answer{Status: 429, RetryAfter: "1"}
//	})
//	... point OPENAI_BASE_URL at up.URL() ...
//
// Without a script every request gets a well-formed answer in the shape of its
// endpoint, plain or as a stream.
package upstreamtest
