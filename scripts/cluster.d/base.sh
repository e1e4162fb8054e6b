#!/bin/sh
# The base of all images, as a directory: Debian with Python and Git, and the machine's own certificate
# authorities.
set -eu
authorities='
mkdir -p "$1/usr/local/share/ca-certificates"
cp /usr/local/share/ca-certificates/*.crt "$1/usr/local/share/ca-certificates/" 2>/dev/null || :
chroot "$1" update-ca-certificates'
# A place where whoever runs it mounts its own.
resolver=': >"$1/etc/resolv.conf"'
exec mmdebstrap --quiet --variant=minbase --include=ca-certificates,git,python3,python3-venv \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook="$authorities" --customize-hook="$resolver" \
    --customize-hook='rm -rf "$1"/var/cache/apt/*.bin "$1"/var/lib/apt/lists/*_*' bookworm "$1"
