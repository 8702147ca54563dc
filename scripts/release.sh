#!/usr/bin/env bash
# Builds what is released, below DIST (default: dist): static binaries for Linux on amd64 and
# arm64, Debian packages with the systemd units, manual page and shell completions, a software
# bill of materials, checksums.
# The same commit gives the same bytes anywhere: no paths, no times, no host in them.
# VERSION defaults to the one that git describes. TOOLS is where the packaging tools are
# kept, when several builds shall share them; they are built with the cache TOOLS_GOCACHE.
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
made=$(mktemp -d) # what goes into the packages only
trap 'rm -rf "$made"' EXIT
tools=${TOOLS:-$made/tools}
# -trimpath, because the bill of materials has the checksum of the tool that wrote it.
tool() {
	[ -x "$tools/$1" ] || CGO_ENABLED=0 GOBIN=$tools GOCACHE=${TOOLS_GOCACHE:-$(go env GOCACHE)} go install -trimpath "$2"
}
tool nfpm "$nfpm"
tool cyclonedx-gomod "$sbom"

build() { # build OS ARCH FILE
	echo "building $3, $version"
	CGO_ENABLED=0 GOOS=$1 GOARCH=$2 GOAMD64=v1 \
		go build -trimpath -buildvcs=false -o "$3" \
		-ldflags "-s -w -buildid= -X github.com/webchasor/webchasor/internal/build.released=$version" ./cmd/webchasor
}
for arch in amd64 arm64; do
	build linux $arch "$dist/webchasor-linux-$arch"
done

# The program itself knows its manual page and its completions; the one for this machine tells.
here=$dist/webchasor-linux-$(go env GOHOSTARCH)
if [ "$(go env GOHOSTOS)" != linux ] || [ ! -x "$here" ]; then
	here=$made/webchasor
	build "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)" "$here"
fi
ln -s "$(realpath "$here")" "$made/webchasor" 2>/dev/null || true # it calls itself by the name of its file
"$made/webchasor" man | gzip -n9 >"$made/webchasor.1.gz"
for shell in bash zsh fish; do
	"$made/webchasor" completion $shell >"$made/completion.$shell"
done
# nfpm takes modes from its configuration, times from SOURCE_DATE_EPOCH.
for arch in amd64 arm64; do
	ARCH=$arch VERSION=$package BINARY=$dist/webchasor-linux-$arch MADE=$made \
		"$tools/nfpm" package --config scripts/release/nfpm.yaml --packager deb --target "$dist/"
done
# The tool asks git for a version, by a library that knows no worktrees (git-worktree(1)): their
# .git is a file. A clone of what is committed has the same answer.
tree=$PWD
if [ ! -d .git ]; then
	tree=$made/tree
	git clone -q . "$tree"
fi
CGO_ENABLED=0 GOOS=linux GOARCH=amd64 "$tools/cyclonedx-gomod" app -json -noserial -notimestamp -main cmd/webchasor \
	-output "$(realpath "$dist")/webchasor.cdx.json" "$tree"
(cd "$dist" && sha256sum -- * >SHA256SUMS)
cat "$dist/SHA256SUMS"
