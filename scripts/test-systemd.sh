#!/usr/bin/env bash
# Starts, reloads, upgrades, kills and stops webchasor under a real systemd, in a
# container, with configs/webchasor.service. Needs root and Debian's packages
# debootstrap and systemd-container, which it installs. The container's files are
# kept for the next run in CACHE (default: a folder below the user's cache).
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ]; then
	echo "scripts/test-systemd.sh: needs root, for a container" >&2
	exit 1
fi
cache=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/webchasor/systemd}
machine=webchasor-$$
work=$(mktemp -d)

cleanup() {
	if [ -n "${container:-}" ] && kill -0 "$container" 2>/dev/null; then
		kill "$container"
		wait "$container" || true
	fi
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT

missing=()
command -v debootstrap >/dev/null || missing+=(debootstrap)
command -v systemd-nspawn >/dev/null || missing+=(systemd-container)
if [ ${#missing[@]} != 0 ]; then
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if [ ! -e "$cache/root.ok" ]; then
	echo "building the container's files, about a minute"
	rm -rf "$cache"
	mkdir -p "$cache"
	# awk complains of the files that are not there; a machine has one kind or the other.
	mirror=$(awk '/^(URIs:|deb )/ { for (i = 1; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } }' \
		/etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true)
	debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus bookworm "$cache/root" \
		"${mirror:-http://deb.debian.org/debian}" >"$cache/debootstrap.log" 2>&1 || {
		tail -n 20 "$cache/debootstrap.log" >&2
		exit 1
	}
	touch "$cache/root.ok"
fi
cp -a "$cache/root" "$work/root"
root=$work/root

CGO_ENABLED=0 go build -o "$root/usr/bin/webchasor" ./cmd/webchasor
CGO_ENABLED=0 go build -o "$root/usr/bin/webchasor-scenes" ./scripts/systemd
install -D -m 644 configs/webchasor.service configs/webchasor.socket -t "$root/etc/systemd/system"
mkdir -p "$root/etc/systemd/system/webchasor.service.d" "$root/etc/systemd/system/multi-user.target.wants" "$root/etc/webchasor"
# Only times are other than an operator's: a run should not take minutes.
cat >"$root/etc/systemd/system/webchasor.service.d/pace.conf" <<EOF
[Service]
WatchdogSec=2
TimeoutStopSec=3
EOF
cat >"$root/etc/systemd/system/scenes.service" <<EOF
[Unit]
After=basic.target
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
ExecStart=/usr/bin/webchasor-scenes
TimeoutStartSec=240
StandardOutput=journal+console
EOF
ln -s /etc/systemd/system/scenes.service "$root/etc/systemd/system/multi-user.target.wants/scenes.service"

timeout 300 systemd-nspawn -D "$root" --boot --register=no --keep-unit --private-network \
	-M "$machine" </dev/null >"$work/console.log" 2>&1 &
container=$!
wait "$container" || true
container=

if [ ! -s "$root/result" ]; then
	echo "no result; the console said:" >&2
	tail -n 40 "$work/console.log" >&2
	exit 1
fi
cat "$root/result"
if ! grep -q '^0 of ' "$root/result"; then
	journalctl -D "$root/var/log/journal" -u scenes -o cat --no-pager 2>/dev/null | tail -n 60 >&2 || true
	journalctl -D "$root/var/log/journal" -u webchasor --no-pager 2>/dev/null | tail -n 100 >&2 || true
	exit 1
fi
