// Package testproc runs the program under test as real processes and talks to
// it as a client would.
//
// The test binary is the program: [Start] executes it again with [AppEnv] set,
// and TestMain calls the program's main when it sees that variable. Workers
// inherit it, so they are the test binary too.
//
// Everything a test starts lives in a session of its own. When the test ends,
// the session is searched through /proc and whatever is left is killed by pid,
// so no test leaves a process behind, also when it fails. A failed test keeps
// its directory (log, state, race reports) under [EvidenceEnv] or the
// system's temporary directory.
//
// Nothing here sleeps towards a state: [Eventually] is the only poll and
// [Holds] the only wait that is a wait for time.
package testproc

// Environment variables of the test harness.
const (
	// AppEnv makes a test binary run as the program; its value picks the application.
	AppEnv = "WEBCHASOR_TEST_APP"
	// EvidenceEnv names the directory that receives what failed tests leave.
	EvidenceEnv = "WEBCHASOR_EVIDENCE"
)

// T is what the helpers need of *testing.T; their own tests pass a recorder.
type T interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
	Cleanup(func())
	TempDir() string
}
