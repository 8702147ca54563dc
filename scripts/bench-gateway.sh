#!/usr/bin/env bash
# What the API costs in front of an upstream: added latency, chunk to wire,
# throughput, and 10,000 slow streams held; prints a markdown block for
# docs/benchmarks-gateway.md. Needs Go only, and a machine that does nothing else.
#
# Usage: scripts/bench-gateway.sh [latency] [wire] [throughput] [held]; all without a name.
#
# QUICK=1   small numbers, half a minute in all: a look, no proof
set -euo pipefail
cd "$(dirname "$0")/.."

# Every process of 10,000 streams needs a descriptor for each.
ulimit -n "$(ulimit -Hn)"

bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -trimpath -o "$bin/webchasor" ./cmd/webchasor
go build -trimpath -o "$bin/gateway" ./scripts/gateway
WEBCHASOR="$bin/webchasor" "$bin/gateway" "$@"
