#!/usr/bin/env bash
# Checks the API with OpenAI's client for Node: the real program in front of a scripted
# upstream. Needs Go, Node 20 or later, npm and a package registry; installs nothing outside
# a temporary folder. The client for Go is part of `go test ./app/api/clients`.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in node npm; do
	command -v "$tool" >/dev/null || { echo "test-clients.sh: skipped: $tool is missing; on Debian: apt-get install nodejs npm"; exit 0; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp scripts/clients/package.json scripts/clients/package-lock.json scripts/clients/openai.mjs "$dir"
# The lock file names no registry, so the one that npm is set up with is asked; what comes is
# held to the lock file's checksums.
(cd "$dir" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
WEBCHASOR_NODE_CLIENTS=$dir go test ./app/api/clients -run '^TestNodeClient$' -count=1 -v
