#!/usr/bin/env bash
# A look at the real program: builds it, serves on a free loopback port, asks
# every route once, reloads it and stops it, and says what it saw. Ends with 0
# when all was as it should be.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$(mktemp -d)
log=$dir/serve.log
master=

cleanup() {
	if [ -n "$master" ] && kill -0 "$master" 2>/dev/null; then
		kill -INT "$master"
		wait "$master" || true
	fi
	rm -rf "$dir"
}
trap cleanup EXIT

say() { printf '%-34s %s\n' "$1" "$2"; }

fail() {
	echo "FAILED: $1" >&2
	echo "--- the program's log:" >&2
	tail -n 40 "$log" >&2 || true
	exit 1
}

# await SECONDS COMMAND...: until the command succeeds or the master is gone.
await() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		kill -0 "$master" 2>/dev/null || fail "the master ended while waiting for: $*"
		[ $SECONDS -lt $deadline ] || fail "waited in vain for: $*"
		sleep 0.05
	done
}

# logged N TEXT: TEXT is on at least N lines of the log.
logged() { [ "$(grep -c -F -- "$2" "$log")" -ge "$1" ]; }

# expect NAME TEXT CURL-ARGS...: the answer is a 200 that contains TEXT.
expect() {
	local name=$1 text=$2 answer
	shift 2
	answer=$(curl -sS --fail-with-body --max-time 10 "$@") || fail "$name: $answer"
	grep -qF -- "$text" <<<"$answer" || fail "$name: no $text in: $answer"
	say "$name" "ok  $(head -c 60 <<<"$answer" | tr '\n' ' ')"
}

chat() { # chat STREAM
	printf '{"model":"echo","stream":%s,"messages":[{"role":"user","content":"smoke and mirrors"}]}' "$1"
}

go build -o "$dir/webchasor" ./cmd/webchasor
say build "ok  $("$dir/webchasor" version)"

# An environment of its own: nothing that is set around here counts.
env -i PATH="$PATH" HOME="$dir" WEB_WORKERS=2 LOG_FORMAT=json STATE_DIRECTORY="$dir/state" \
	"$dir/webchasor" serve --bind 127.0.0.1:0 >"$dir/stdout" 2>"$log" &
master=$!
await 20 logged 1 '"msg":"listening"'
await 20 logged 1 '"msg":"ready"'
address=$(sed -n 's/.*"msg":"listening".*"address":"\([^"]*\)".*/\1/p' "$log" | head -n 1)
[ -n "$address" ] || fail "no address in the log line \"listening\""
say "serve (pid $master)" "ok  http://$address"

url=http://$address
expect "GET /" '{' "$url/"
expect "GET /health" '{' "$url/health"
expect "GET /ready" '{' "$url/ready"
expect "GET /v1/models" '"echo"' "$url/v1/models"
expect "POST /v1/chat/completions" 'smoke and mirrors' -H 'Content-Type: application/json' -d "$(chat false)" "$url/v1/chat/completions"
expect "POST the same, streaming" 'data: [DONE]' -N -H 'Content-Type: application/json' -d "$(chat true)" "$url/v1/chat/completions"

before=$(grep -c -F '"msg":"worker ready"' "$log")
kill -HUP "$master"
await 20 logged $((before + 2)) '"msg":"worker ready"'
expect "GET /health after HUP" '{' "$url/health"

kill -TERM "$master"
code=0
wait "$master" || code=$?
master=
[ "$code" = 0 ] || fail "TERM: exit status $code, want 0"
if curl -s --max-time 2 "$url/health" >/dev/null; then fail "something still answers on $address"; fi
say TERM "ok  exit status 0, port free"
echo "all as it should be"
