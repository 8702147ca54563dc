package metrics

import (
	"slices"
	"strings"
)

const prefix = "webchasor_"

// The metrics. docs/metrics.md explains them to operators.
var (
	info             = desc("info", "Always 1; what runs.", "program", "version", "go_version")
	startTime        = desc("start_time_seconds", "When the counters began: at the service's start, over all upgrades.")
	masterStart      = desc("master_start_time_seconds", "When this master began; an upgrade changes it.")
	masterResponsive = desc("master_responsive", "Whether the master answers: 0 is a master that hangs, and its gauges are missing.")
	healthy          = desc("health", "1 for the state of health the service is in, 0 for the others.", "state")
	phase            = desc("phase", "1 for what the service is doing, 0 for the rest.", "phase")
	generation       = desc("generation", "Generation of the settings in force.")
	reloads          = desc("reloads_total", "Reloads by how they ended: done, rejected (nothing was tried), undone (rolled back).", "outcome")
	upgrades         = desc("upgrades_total", "Upgrades by how they ended: done, rejected, undone (the old master serves on).", "outcome")
	wanted           = desc("workers_wanted", "Workers there should be.")
	ready            = desc("workers_ready", "Workers that accept connections.")
	orphans          = desc("orphans", "Workers of masters before the last upgrade that still finish streams.")
	warnings         = desc("warnings", "Things an operator should look at now; status has their words.")

	poisoned = desc("poisoned_shapes", "Kinds of requests that were in flight in several deaths lately; refused are those in quarantine.", "refused")

	certBegin  = desc("certificate_begin_timestamp_seconds", "When the certificate that clients are shown becomes valid (NotBefore).", "file", "subject")
	certExpiry = desc("certificate_expiry_timestamp_seconds", "When the certificate that clients are shown expires (NotAfter).", "file", "subject")

	latency  = desc("request_duration_seconds", "Duration of requests, from the first byte read to the last byte written, streams included.", "route", "class")
	requests = desc("requests_total", "Finished requests by the first digit of the status; none: the client got no answer.", "slot", "class")
	bytesOut = desc("response_bytes_total", "Bytes of responses, headers included.", "slot")
	timeouts = desc("request_timeouts_total", "Requests that were given up because they made no progress.", "slot")
	panics   = desc("handler_panics_total", "Panics in handlers and streams that cost one request.", "slot")
	lost     = desc("requests_lost_total", "Requests that never got an answer: given up, or under way when their worker died.", "slot")
	accepted = desc("connections_accepted_total", "Connections accepted from the kernel.", "slot")
	taken    = desc("connections_taken_over_total", "Connections taken over from a worker that left or was fuller.", "slot")
	exits    = desc("worker_exits_total", "Workers that ended, by cause; the planned ones too.", "slot", "cause")

	processor   = desc("worker_cpu_seconds_total", "Processor time of the slot's workers, user and system.", "slot")
	memory      = desc("worker_memory_bytes", "Proportional share of memory (PSS) of the slot's workers, sampled every 10 s; missing until it is known.", "slot")
	state       = desc("worker_state", "1 for the state the slot's worker is in, 0 for the others.", "slot", "state")
	workerGen   = desc("worker_generation", "Generation of the settings that the slot's worker runs with.", "slot")
	age         = desc("worker_age_seconds", "Age of the slot's worker.", "slot")
	heartbeat   = desc("worker_heartbeat_age_seconds", "Time since the slot's worker gave a sign of life.", "slot")
	connections = desc("worker_connections", "Connections that the slot's workers hold.", "slot")
	capacity    = desc("worker_connections_max", "Connections that the slot's worker may hold.", "slot")
	inFlight    = desc("worker_requests_in_flight", "Requests under way, streams included.", "slot")
	streams     = desc("worker_streams", "Streamed responses and hijacked connections under way.", "slot")
	oldest      = desc("worker_oldest_request_seconds", "Age of the oldest request under way; 0 without.", "slot")
	queue       = desc("worker_queue_depth", "Connections in the slot's own accept queues.", "slot")

	listenDepth   = desc("listen_queue_depth", "Connections that wait to be accepted.", "address")
	listenDeepest = desc("listen_queue_deepest", "Connections in the fullest of the address's queues.", "address")
	listenLimit   = desc("listen_queue_limit", "Connections one queue of the address takes: the backlog in force.", "address")
	overflows     = desc("listen_overflows_total", "Connections the kernel dropped because an accept queue was full; of all programs in this network namespace.")

	upstreamRequests  = desc("upstream_requests_total", "Attempts at an upstream, repeated ones too.", "upstream")
	upstreamFailures  = desc("upstream_failures_total", "Attempts that failed by the upstream: no connection, broken, too slow, 5xx, refused key.", "upstream")
	upstreamLimited   = desc("upstream_limited_total", "Attempts that the upstream answered with 429 or 503.", "upstream")
	upstreamRetries   = desc("upstream_retries_total", "Attempts that were not the first of their call.", "upstream")
	upstreamEjections = desc("upstream_ejections_total", "Decisions of workers to leave the upstream alone for a while.", "upstream")
	upstreamAnswers   = desc("upstream_answers_total", "Attempts with an answer, whatever its status.", "upstream")
	upstreamFirstByte = desc("upstream_first_byte_seconds_total", "Time until the answers began, all together.", "upstream")
	upstreamInFlight  = desc("upstream_requests_in_flight", "Requests under way at an upstream, to the last byte of their answer.", "upstream")
	upstreamWorkers   = desc("upstream_workers", "Workers that have the upstream in their settings.", "upstream")
	upstreamEjected   = desc("upstream_workers_ejected", "Workers that leave the upstream alone for now.", "upstream")

	limitInUse   = desc("limit_in_use", "Permits taken.", "limit")
	limitMax     = desc("limit_max", "Permits there are.", "limit")
	limitWaiting = desc("limit_waiting", "Requests that wait for a permit.", "limit")
	limitQueue   = desc("limit_queue_max", "Requests that may wait for a permit; more are refused.", "limit")
)

// descs are all of them.
var descs = []*family{
	info, startTime, masterStart, masterResponsive, healthy, phase, generation, reloads, upgrades,
	wanted, ready, orphans, warnings, poisoned, certBegin, certExpiry,
	latency, requests, bytesOut, timeouts, panics, lost, accepted, taken, exits,
	processor, memory, state, workerGen, age, heartbeat, connections, capacity, inFlight, streams, oldest, queue,
	listenDepth, listenDeepest, listenLimit, overflows,
	limitInUse, limitMax, limitWaiting, limitQueue,
	upstreamRequests, upstreamFailures, upstreamLimited, upstreamRetries, upstreamEjections,
	upstreamAnswers, upstreamFirstByte, upstreamInFlight, upstreamWorkers, upstreamEjected,
}

// family is one metric: its name, and the labels that tell its series apart.
type family struct {
	name, help string
	labels     []string
	sorted     []int // their places in alphabetical order, as scrapers want them
}

func desc(name, help string, labels ...string) *family {
	f := &family{name: prefix + name, help: help, labels: labels}
	for i := range labels {
		f.sorted = append(f.sorted, i)
	}
	slices.SortFunc(f.sorted, func(a, b int) int { return strings.Compare(labels[a], labels[b]) })
	return f
}
