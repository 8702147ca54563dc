// Package adminhttp is what the admin address answers: metrics, probes, the
// dashboard and the control API. Reading is free for whoever reaches the
// address; what changes something, or costs a worker time, needs the token.
//
// Nothing here asks a worker, so it all answers while every worker hangs.
package adminhttp
