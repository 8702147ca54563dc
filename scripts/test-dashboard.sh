#!/usr/bin/env bash
# Opens the dashboard of a live service in a real Chromium, as an operator at a
# desk and on a phone would, and checks what it shows and does. Screenshots go to
# $ARTIFACTS (default: a temporary directory, which stays). Needs Go and chromium;
# root on Debian gets it installed, others are told and the test is skipped, unless
# CI=true: there it has to run.
set -euo pipefail
cd "$(dirname "$0")/.."
browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
if ! browser >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null || true
fi
if ! browser >/dev/null; then
	if [ "${CI:-}" = true ]; then
		echo "test-dashboard.sh: no chromium here, and with CI=true that is a failure; on Debian: apt-get install chromium fonts-dejavu-core" >&2
		exit 1
	fi
	echo "SKIPPED: no chromium here; on Debian: apt-get install chromium fonts-dejavu-core" >&2
	exit 0
fi
shots=$(realpath -m "${ARTIFACTS:-$(mktemp -d)}")
mkdir -p "$shots"
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
go build -o "$build/webchasor" ./cmd/webchasor
(cd scripts/dashboard && GOFLAGS=-mod=readonly go build -o "$build/dashboard" .)
echo "screenshots: $shots"
"$build/dashboard" "$build/webchasor" "$shots"
