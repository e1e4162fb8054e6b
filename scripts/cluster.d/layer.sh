#!/usr/bin/env bash
# Run a script in a system, in a mount namespace of its own; what it changes is the new layer.
# layer.sh LOWER[:LOWER…] UPPER SCRIPT WHEEL [NAME=VALUE…]
set -euo pipefail
below=$1 layer=$2 script=$3 wheel=$4
shift 4
root=$layer.work/root
mkdir -p "$root" "$layer.work/work" "$layer.work/given"
mount -t overlay overlay -o "lowerdir=$below,upperdir=$layer,workdir=$layer.work/work" "$root"
cp "$script" "$layer.work/given/script"
[[ -z $wheel ]] || cp "$wheel" "$layer.work/given/"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mkdir "$root/tmp/given"
mount --bind "$layer.work/given" "$root/tmp/given"
mount --bind -o ro /etc/resolv.conf "$root/etc/resolv.conf"
exec chroot "$root" env -i HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" sh /tmp/given/script /tmp/given
