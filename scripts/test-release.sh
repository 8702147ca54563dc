#!/usr/bin/env bash
# Builds a release twice, in two folders and with two build caches, and compares
# the checksums: the same commit must give the same binaries, packages and bill of
# materials. Then looks into the Debian package and installs it below a scratch root.
# Needs Go, the module proxy, git, dpkg.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
export TOOLS=$work/tools VERSION=${VERSION:-1.2.3}
TOOLS_GOCACHE=$(go env GOCACHE)
export TOOLS_GOCACHE

# Two clones of what is committed: the tree here may have files of somebody's own.
git clone -q --no-hardlinks . "$work/one"
git clone -q --no-hardlinks "$work/one" "$work/a-folder-of-another-name" # not of here: HEAD may have moved

# What we did not write is compiled once: that the same source of a dependency gives the same
# object is Go's promise, and most of the work. Our own packages are compiled twice.
begin=$SECONDS
cd "$work/one"
for arch in amd64 arm64; do
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch go list -deps \
		-f '{{with .Module}}{{if not .Main}}{{$.ImportPath}}{{end}}{{end}}' ./cmd/webchasor |
		CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOAMD64=v1 GOCACHE=$work/cache.first \
			xargs go build -trimpath -buildvcs=false
done
cp -a "$work/cache.first" "$work/cache.second"
echo "dependencies compiled, $((SECONDS - begin)) s"

build() { # build FOLDER NAME
	begin=$SECONDS
	GOCACHE=$work/cache.$2 DIST=$work/$2 "$work/$1/scripts/release.sh" >"$work/log" 2>&1 ||
		{ tail -n 30 "$work/log" >&2; exit 1; }
	echo "the $2 build, $((SECONDS - begin)) s"
}
(umask 022 && build one first)
(umask 077 && build a-folder-of-another-name second)
diff "$work/first/SHA256SUMS" "$work/second/SHA256SUMS" || { echo "the two builds differ" >&2; exit 1; }
cat "$work/first/SHA256SUMS"

package=$work/first/webchasor_${VERSION}_amd64.deb
dpkg-deb --contents "$package" >"$work/contents"
# has MODE PATH: owner is root, the mode does not depend on who built.
has() {
	grep -q "^-$1 root/root .* \.$2\$" "$work/contents" ||
		{ echo "the package has no $2 with mode $1:" >&2; cat "$work/contents" >&2; exit 1; }
}
has rwxr-xr-x /usr/bin/webchasor
for path in /usr/lib/systemd/system/webchasor.service /usr/lib/systemd/system/webchasor.socket \
	/etc/webchasor/webchasor.yaml /usr/share/doc/webchasor/copyright /usr/share/man/man1/webchasor.1.gz \
	/usr/share/bash-completion/completions/webchasor /usr/share/zsh/vendor-completions/_webchasor \
	/usr/share/fish/vendor_completions.d/webchasor.fish; do
	has rw-r--r-- "$path"
done

# dpkg itself unpacks, configures and removes. It runs the package's scripts outside of the
# scratch root, and so they must leave this machine's systemd alone.
root=$work/root
mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info" "$work/bin"
: >"$root/var/lib/dpkg/status"
printf '#!/bin/sh\necho "systemctl $*" >>%s\n' "$work/asked" >"$work/bin/systemctl"
chmod 755 "$work/bin/systemctl"
in_root() {
	PATH=$work/bin:$PATH:/usr/sbin:/sbin dpkg --root="$root" --log=/dev/null \
		--force-script-chrootless --force-architecture --force-not-root "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
	[ ! -e "$work/asked" ] || { echo "dpkg $1: the package's scripts asked this machine's systemd: $(cat "$work/asked")" >&2; exit 1; }
}
dpkg-deb --ctrl-tarfile "$package" | tar -t >"$work/control"
for script in postinst prerm postrm; do
	grep -q "^\./$script\$" "$work/control" || { echo "the package has no $script" >&2; exit 1; }
	sh -n "scripts/release/$script"
done
in_root --install "$package"
version=$("$root/usr/bin/webchasor" version)
case $version in *"$VERSION"*) ;; *) echo "the program calls itself $version, not $VERSION" >&2; exit 1 ;; esac
gzip -dc "$root/usr/share/man/man1/webchasor.1.gz" | grep -q '^\.TH webchasor 1' || { echo "the manual page is none" >&2; exit 1; }
bash -n "$root/usr/share/bash-completion/completions/webchasor"
grep -q webchasor "$root/usr/share/bash-completion/completions/webchasor"
"$root/usr/bin/webchasor" check -c "$root/etc/webchasor/webchasor.yaml" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
in_root --remove webchasor
[ ! -e "$root/usr/bin/webchasor" ] || { echo "the removed package left its program" >&2; exit 1; }
[ -e "$root/etc/webchasor/webchasor.yaml" ] || { echo "the removed package took the settings along; only a purge may" >&2; exit 1; }
in_root --purge webchasor
echo "ok: reproducible, package complete, $version"
