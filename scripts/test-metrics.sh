#!/usr/bin/env bash
# Checks what configs/ has for Prometheus with promtool, and the metrics of a
# live service with its linter; every alert has a case in which it fires and one
# in which it does not. Needs promtool (Debian: apt-get install
# prometheus), curl and Go.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v promtool >/dev/null || { echo "test-metrics.sh: promtool is missing; on Debian: apt-get install prometheus" >&2; exit 1; }
promtool check config configs/prometheus.yml
promtool check rules configs/prometheus-rules.yml
promtool test rules scripts/metrics/rules-test.yml
dir=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
pid=
go build -o "$dir/webchasor" ./cmd/webchasor
(cd "$dir" && exec env ADMIN_BIND=0 BIND=127.0.0.1:0 WEB_WORKERS=2 LOG_FORMAT=json STATE_DIRECTORY="$dir" ./webchasor serve) 2>"$dir/log" &
pid=$!
for _ in $(seq 100); do
	admin=$(sed -n 's/.*"admin address".*"address":"\([^"]*\)".*/\1/p' "$dir/log")
	[ -n "$admin" ] && curl -sf "http://$admin/readyz" >/dev/null && break
	sleep 0.1
done
curl -sf "http://$admin/metrics" >"$dir/metrics"
promtool check metrics <"$dir/metrics"
echo "ok: $(grep -c '^webchasor_' "$dir/metrics") series"
