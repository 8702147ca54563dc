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
#           DOC names another file, for a try with QUICK.
#           With names only their rows are written, to the single runs at its end.
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
doc=${DOC:-docs/continuity.md}
if [[ -n ${QUICK:-} && $doc == docs/continuity.md ]]; then
	echo "bench-continuity.sh: WRITE is for scenarios in full; leave out QUICK" >&2
	exit 1
fi
commit=$(git rev-parse --short HEAD)
git diff --quiet HEAD -- || commit+=" with changes"
load=$(cut -d' ' -f1-3 /proc/loadavg)
status=0
"$bin/continuity" "$@" >"$bin/table" || status=$?
after=$(cut -d' ' -f1-3 /proc/loadavg)
if (($#)); then
	title='Single runs, each with its day, commit, and the load average before and after it.'
	grep -qxF "$title" "$doc" || printf '\n%s\n\n%s\n%s\n' "$title" \
		'| scenario | over | done | requests | failed | reconnects | figures | promise | run |' \
		'| --- | --- | --- | --- | --- | --- | --- | --- | --- |' >>"$doc"
	grep -E '^\| [a-z0-9-]+ \| (tcp|unix) \|' "$bin/table" | while IFS= read -r row; do
		# Below the title a row takes the place of the one before it.
		awk -v title="$title" -v key="$(cut -d'|' -f1-3 <<<"$row")|" \
			'$0 == title { below = 1 } !(below && index($0, key) == 1)' "$doc" >"$bin/doc"
		printf '%s %s, %s, %s, %s |\n' "$row" "$(date -u +%F)" "$commit" "$load" "$after" >>"$bin/doc"
		cat "$bin/doc" >"$doc"
	done
	cat "$bin/table"
	exit "$status"
fi
sed '/^---$/q' "$doc" >"$bin/doc"
{
	printf '\nCommit %s, one run; load average before it %s, after it %s; RLIMIT_NOFILE %s.\n\n' \
		"$commit" "$load" "$after" "$(ulimit -n)"
	cat "$bin/table"
} >>"$bin/doc"
cat "$bin/doc" >"$doc"
cat "$bin/table"
exit "$status"
