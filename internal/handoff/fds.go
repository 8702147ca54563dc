package handoff

// RoleEnv names the environment variable that turns a re-executed image into
// a worker. Its value is [RoleWorker].
const (
	RoleEnv    = "WEBCHASOR_ROLE"
	RoleWorker = "worker"
)

// Descriptors a worker is born with. 0 is /dev/null; 1 and 2 are one pipe that
// the master reads for the worker's last words.
const (
	FDControl  = 3  // SEQPACKET control channel and lifeline
	FDBoard    = 4  // this incarnation's scoreboard (memfd)
	FDCrash    = 5  // memfd for debug.SetCrashOutput, held by the master too
	FDLog      = 6  // the master's stderr, for whole-line logging
	FDAccess   = 7  // the master's stdout, for an access log of "-"
	FDLedger   = 8  // the service's counters (memfd), shared by all workers
	FDBox      = 9  // the last log lines (memfd), read by the master after our death
	FDPermits  = 10 // the limits' permits (memfd), shared by all workers
	FDBells    = 11 // permits.Lanes event descriptors for those who wait for permits; closed where there are none
	FDTLS      = 19 // certs.Material as JSON (memfd), to be closed when it was read; closed where nothing speaks TLS
	FDListener = 20 // first listening socket; one per [Boot.Listeners] entry
)

// ExitBoot and ExitLoad are a worker's exit statuses when it dies before it is
// ready. The values are Gunicorn's. 2 is never used: Go's own panics exit 2.
const (
	ExitOK   = 0
	ExitBoot = 3 // the worker could not start (descriptors, settings, listeners)
	ExitLoad = 4 // the application's setup failed
)
