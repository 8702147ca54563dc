#!/usr/bin/env bash
# Builds what is released, below DIST (default: dist): static binaries for Linux on amd64 and
# arm64, Debian packages with the systemd units, a software bill of materials, checksums.
# The same commit gives the same bytes anywhere: no paths, no times, no host in them.
# VERSION defaults to the one that git describes. TOOLS is where the packaging tools are
# kept, when several builds shall share them.
set -euo pipefail
cd "$(dirname "$0")/.."

nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.4
sbom=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

dist=${DIST:-dist}
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo 0.0.0)}
# Debian's versions begin with a digit.
package=${version#v}
case $package in [0-9]*.*) ;; *) package=0.0.0~$package ;; esac
# What nfpm writes as modification time.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

rm -rf "$dist"
mkdir -p "$dist"
tools=${TOOLS:-$(mktemp -d)}
[ -n "${TOOLS:-}" ] || trap 'rm -rf "$tools"' EXIT
[ -x "$tools/nfpm" ] || GOBIN=$tools go install "$nfpm"
[ -x "$tools/cyclonedx-gomod" ] || GOBIN=$tools go install "$sbom"
for arch in amd64 arm64; do
	binary=$dist/webchasor-linux-$arch
	echo "building $binary, $version"
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOAMD64=v1 \
		go build -trimpath -buildvcs=false -o "$binary" \
		-ldflags "-s -w -buildid= -X github.com/webchasor/webchasor/internal/build.released=$version" ./cmd/webchasor
	ARCH=$arch VERSION=$package BINARY=$binary \
		"$tools/nfpm" package --config scripts/release/nfpm.yaml --packager deb --target "$dist/"
done
"$tools/cyclonedx-gomod" app -json -noserial -main cmd/webchasor -output "$dist/webchasor.cdx.json" .
(cd "$dist" && sha256sum -- * >SHA256SUMS)
cat "$dist/SHA256SUMS"
