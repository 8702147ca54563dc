#!/usr/bin/env bash
# Benchmarks of a release build; prints a markdown block for docs/benchmarks.md.
# Parameters by environment: ROUNDS (5), DURATION (8, seconds of load a round),
# WORKERS (4), CONNECTIONS (64) and THREADS (1) of wrk, ONLY (all; one of compare,
# recycling, observation, strictness, boot, memory, replacement).
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v wrk >/dev/null; then
	if ! command -v apt-get >/dev/null; then
		echo "bench.sh: wrk is missing; install it from your system's packages" >&2
		exit 1
	fi
	sudo=
	if [ "$(id -u)" != 0 ]; then sudo=sudo; fi
	$sudo apt-get update -qq >&2
	$sudo apt-get install -y -qq wrk >&2
fi

exec go run ./scripts/bench
