// Package clients holds the tests of the API with OpenAI's own Go client against
// real processes. They have a package of their own because the test binary is
// also the program under test, and the client is large.
package clients
