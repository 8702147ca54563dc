#!/usr/bin/env bash
# Validates configs/docker-compose.yaml against Compose's schema and
# configs/kubernetes.yaml against the types of Kubernetes' API. Needs Go and the
# module proxy.
set -euo pipefail
cd "$(dirname "$0")/manifests"
exec env GOFLAGS=-mod=readonly go run .
