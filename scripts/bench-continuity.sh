#!/usr/bin/env bash
# Proves that no client notices reloads, recycles, scaling and upgrades, and
# what a dead or stopped worker costs; prints a table for docs/continuity.md.
# Usage: scripts/bench-continuity.sh [SCENARIO...]; without a name all run, an unknown name lists them.
#
# QUICK=1   small numbers, a minute in all: a look, no proof
# NETWORK   tcp or unix; both without it
# ACCEPT    the setting accept (auto)
# WRITE=1   run everything in one go and put it into docs/continuity.md, with the commit
#           and the load of the machine; about 20 minutes. Also when a promise is broken.
set -euo pipefail
cd "$(dirname "$0")/.."

# 64,000 held connections need descriptors in every process.
ulimit -n "$(ulimit -Hn)"

bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -trimpath -o "$bin/continuity" ./scripts/continuity
if [[ -z ${WRITE:-} ]]; then
	"$bin/continuity" "$@"
	exit
fi
if (($#)) || [[ -n ${QUICK:-} ]]; then
	echo "bench-continuity.sh: WRITE is for all scenarios in full; leave out the names and QUICK" >&2
	exit 1
fi
commit=$(git rev-parse --short HEAD)
git diff --quiet HEAD -- || commit+=" with changes"
load=$(cut -d' ' -f1-3 /proc/loadavg)
status=0
"$bin/continuity" >"$bin/table" || status=$?
sed '/^---$/q' docs/continuity.md >"$bin/doc"
{
	printf '\nCommit %s, one run; load average before it %s, after it %s; RLIMIT_NOFILE %s.\n\n' \
		"$commit" "$load" "$(cut -d' ' -f1-3 /proc/loadavg)" "$(ulimit -n)"
	cat "$bin/table"
} >>"$bin/doc"
cat "$bin/doc" >docs/continuity.md
cat "$bin/table"
exit "$status"
