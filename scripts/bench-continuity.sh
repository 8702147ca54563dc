#!/usr/bin/env bash
# Proves that no client notices reloads, recycles, scaling and upgrades, and
# what a dead or stopped worker costs; prints a table for docs/continuity.md.
# Usage: scripts/bench-continuity.sh [SCENARIO...]; without a name all run, an unknown name lists them.
#
# QUICK=1   small numbers, a minute in all: a look, no proof
# NETWORK   tcp or unix; both without it
# ACCEPT    the setting accept (auto)
set -euo pipefail
cd "$(dirname "$0")/.."

# 64,000 held connections need descriptors in every process.
ulimit -n "$(ulimit -Hn)"

bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -trimpath -o "$bin/continuity" ./scripts/continuity
"$bin/continuity" "$@"
