#!/usr/bin/env bash
# Runs this program beside its peers and prints markdown; docs/peers.md says how it measures.
# What is missing is installed from Debian's packages where there is an apt-get;
# what is still missing then is named in the report. About 12 minutes.
#
# QUICK=1        short rounds: a look, no proof
# UPDATE_DOCS=1  puts the report into docs/peers.md as well
# PEERS          e.g. "webchasor nginx puma"; an unknown name lists them
# MEASURES       of throughput reload kill stop boot
# ROUNDS (3), DURATION (4, seconds), WORKERS (4), CONNECTIONS (64) and THREADS (1) of wrk
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A package=(
	[wrk]=wrk [nginx]=nginx [haproxy]=haproxy [gunicorn]=gunicorn [uwsgi]=uwsgi [puma]=puma [node]=nodejs
)
missing=()
for program in "${!package[@]}"; do
	command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
# Plugins and modules that have no program of their own.
if command -v dpkg-query >/dev/null; then
	for name in uwsgi-plugin-python3 python3-uvicorn python3-uvloop python3-httptools; do
		dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
	done
fi
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null; then
	sudo=
	if [ "$(id -u)" != 0 ]; then sudo=sudo; fi
	$sudo apt-get update -qq >&2 || true
	for name in "${missing[@]}"; do # one by one: what a release lacks must not keep the others away
		$sudo apt-get install -y -qq "$name" >&2 || echo "bench-peers.sh: cannot install $name" >&2
	done
fi
if ! command -v wrk >/dev/null; then
	echo "bench-peers.sh: wrk is missing; install it from your system's packages" >&2
	exit 1
fi

bin=$(mktemp -d)
peers=
finish() {
	if [ -n "$peers" ]; then
		kill "$peers" 2>/dev/null || true
		wait "$peers" 2>/dev/null || true
	fi
	rm -rf "$bin"
}
trap finish EXIT
trap 'exit 130' INT TERM
go build -trimpath -o "$bin/peers" ./scripts/peers
"$bin/peers" >"$bin/report.md" & # in the background, so that a signal is handled while it runs
peers=$!
status=0
wait "$peers" || status=$?
peers=
cat "$bin/report.md"
if [ "$status" = 0 ] && [ -n "${UPDATE_DOCS:-}" ]; then
	sed '/^<!-- results -->$/q' docs/peers.md >"$bin/peers.md"
	{ echo; cat "$bin/report.md"; } >>"$bin/peers.md"
	cp "$bin/peers.md" docs/peers.md
fi
exit "$status"
