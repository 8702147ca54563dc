#!/usr/bin/env bash
# Builds a release twice, in two folders and with two build caches, and compares
# the checksums: the same commit must give the same bytes. Then looks into the
# Debian package. Needs Go, the module proxy, git and dpkg-deb.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
export TOOLS=$work/tools VERSION=${VERSION:-1.2.3}

# Two clones of what is committed: the tree here may have files of somebody's own.
git clone -q --no-hardlinks . "$work/one"
git clone -q --no-hardlinks "$work/one" "$work/a-folder-of-another-name" # not of here: HEAD may have moved
DIST=$work/first "$work/one/scripts/release.sh" >"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; exit 1; }
GOCACHE=$work/cache DIST=$work/second "$work/a-folder-of-another-name/scripts/release.sh" >"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; exit 1; }
diff "$work/first/SHA256SUMS" "$work/second/SHA256SUMS" || { echo "the two builds differ" >&2; exit 1; }
cat "$work/first/SHA256SUMS"

package=$work/first/webchasor_${VERSION}_amd64.deb
dpkg-deb --contents "$package" >"$work/contents"
for path in /usr/bin/webchasor /usr/lib/systemd/system/webchasor.service /usr/lib/systemd/system/webchasor.socket \
	/etc/webchasor/webchasor.yaml /usr/share/doc/webchasor/copyright; do
	grep -q " \.$path\$" "$work/contents" || { echo "the package has no $path" >&2; exit 1; }
done
dpkg-deb --extract "$package" "$work/root"
version=$("$work/root/usr/bin/webchasor" version)
case $version in *"$VERSION"*) ;; *) echo "the program calls itself $version, not $VERSION" >&2; exit 1 ;; esac
echo "ok: reproducible, package complete, $version"
