#!/bin/sh
# The system below our image, run as root while it is made: Debian 12 with Python, Git and what builds
# images without a daemon; a user without rights.
set -eu

apt-get update -qq
apt-get install -y -qq --no-install-recommends \
    buildah ca-certificates fuse-overlayfs git libcap2-bin python3 python3-venv skopeo uidmap
rm -rf /var/lib/apt/lists/*_*

useradd --uid 1000 --create-home --shell /bin/bash binder
printf 'binder:100000:65536\n' >/etc/subuid
printf 'binder:100000:65536\n' >/etc/subgid
# A pod's user namespaces are refused to programs that are root's; to those with these two rights, not.
for program in newuidmap newgidmap; do chmod u-s "/usr/bin/$program"; done
setcap cap_setuid=ep /usr/bin/newuidmap
setcap cap_setgid=ep /usr/bin/newgidmap

mkdir -p /etc/containers /srv/binder /srv/database
chown 1000:1000 /srv/binder /srv/database
# `FROM python:3` means what it does to Docker; who may sign what is the registry's affair.
printf 'unqualified-search-registries = ["docker.io"]\n' >/etc/containers/registries.conf
printf '{"default": [{"type": "insecureAcceptAnything"}]}\n' >/etc/containers/policy.json
