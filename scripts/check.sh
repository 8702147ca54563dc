#!/usr/bin/env bash
# All that a change has to pass. Usage: scripts/check.sh [PASS...]; without a
# name every pass runs, in this order:
#
#   fmt     gofmt has nothing to say
#   mod     go.mod and go.sum are tidy
#   vet     go vet
#   rule    the rules of the tree (internal/house)
#   lint    golangci-lint; its first run downloads and builds it (three minutes
#           on two cores), later ones take seconds
#   darwin  builds and vets for macOS on arm64
#   arm64   builds and vets for Linux on arm64
#   test    go test ./...
#   race    go test -race ./... (needs a C compiler)
#
# GO_TEST_FLAGS is given to go test, for example -v or -short.
set -euo pipefail
cd "$(dirname "$0")/.."

golangci=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
read -ra test_flags <<<"${GO_TEST_FLAGS:-}"
all=(fmt mod vet rule lint darwin arm64 test race)

pass_fmt() {
	local files
	files=$(gofmt -l .)
	if [ -n "$files" ]; then
		echo "not formatted; run gofmt -w on:" >&2
		echo "$files" >&2
		return 1
	fi
}

pass_mod() { go mod tidy -diff; }

pass_vet() { go vet ./...; }

pass_rule() { go test "${test_flags[@]}" ./internal/house; }

pass_lint() { GOFLAGS='' go run "$golangci" run ./...; }

pass_darwin() { build_and_vet darwin arm64; }

pass_arm64() { build_and_vet linux arm64; }

build_and_vet() {
	GOOS=$1 GOARCH=$2 go build ./...
	GOOS=$1 GOARCH=$2 go vet ./...
}

pass_test() { go test "${test_flags[@]}" ./...; }

pass_race() {
	if ! command -v "$(go env CC)" >/dev/null; then
		echo "the race detector needs a C compiler; on Debian: apt-get install gcc libc6-dev" >&2
		return 1
	fi
	CGO_ENABLED=1 go test -race -timeout 15m "${test_flags[@]}" ./...
}

passes=("$@")
if [ $# = 0 ]; then passes=("${all[@]}"); fi
for name in "${passes[@]}"; do
	if [ "$(type -t "pass_$name")" != function ]; then
		echo "check.sh: no pass named $name; there are: ${all[*]}" >&2
		exit 1
	fi
done

# A pass that fails does not hide what the later ones have to say. Each runs in
# a shell of its own, because set -e is off inside an if.
failed=()
for name in "${passes[@]}"; do
	echo "== $name"
	begin=$SECONDS
	set +e
	(
		set -e
		"pass_$name"
	)
	code=$?
	set -e
	if [ "$code" = 0 ]; then
		echo "== $name: ok, $((SECONDS - begin)) s"
	else
		echo "== $name: FAILED, $((SECONDS - begin)) s"
		failed+=("$name")
	fi
done
if [ ${#failed[@]} != 0 ]; then
	echo "failed: ${failed[*]}"
	exit 1
fi
echo "all ok: ${passes[*]}"
