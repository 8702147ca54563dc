#!/usr/bin/env bash
# What the API costs in front of an upstream: added latency, chunk to wire,
# throughput, and 10,000 slow streams held; prints a markdown block. Needs Go only, and
# a machine that does nothing else.
#
# Usage: scripts/bench-gateway.sh [latency] [wire] [throughput] [held]; all without a name.
#
# QUICK=1   small numbers, half a minute in all: a look, no proof; STREAMS=n holds so many
# UPDATE_DOCS=1  put the block into docs/benchmarks-gateway.md as well, if all of it was measured
#           and nothing was lost
set -euo pipefail
cd "$(dirname "$0")/.."

# Every process of 10,000 streams needs a descriptor for each.
ulimit -n "$(ulimit -Hn)"

bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -trimpath -o "$bin/webchasor" ./cmd/webchasor
go build -trimpath -o "$bin/gateway" ./scripts/gateway
report() { WEBCHASOR="$bin/webchasor" "$bin/gateway" "$@"; }
if [ -z "${UPDATE_DOCS:-}" ]; then
	report "$@"
	exit
fi
[ $# -eq 0 ] && [ -z "${QUICK:-}" ] || { echo "UPDATE_DOCS=1 needs all passes at full size" >&2; exit 2; }
report | tee "$bin/report"
sed '/^<!-- results -->$/q' docs/benchmarks-gateway.md >"$bin/doc"
{ echo; cat "$bin/report"; } >>"$bin/doc"
cp "$bin/doc" docs/benchmarks-gateway.md
