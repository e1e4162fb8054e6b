# Images, made of layers without any registry. A layer is what a script adds to the layers below it,
# kept as a directory and as an archive under the name of all that it was made from.
# shellcheck shell=bash disable=SC2154  # settings.sh

layers=$state/layers
recipe=$checkout/helm/image
# With the machine's own authorities, where it has any.
authorities=(
  SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
  PIP_CERT=/etc/ssl/certs/ca-certificates.crt
  REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
  NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
)

need_images() {
  small_image pause --add "$programs/pause:/pause" --command /pause --user 65534
  small_image coredns --add "$programs/coredns:/coredns" --entrypoint /coredns
  small_image busybox --add /bin/busybox:/bin/busybox --busybox
  # Debian's, with the libraries it asks for, by the name that the project's own image gives it.
  small_image registry --add "$programs/docker-registry:/bin/registry" $(libraries "$programs/docker-registry")
  need_base_layer
  need_our_layers
}

key_of() { cat "$@" | sha256sum | cut -c1-12; }

archive() { python3 "$parts/archive.py" "$@"; }

libraries() { ldd "$1" | grep -o '/[^ ]*' | sed 's/.*/--add=&:&/'; }

small_image() { # small_image NAME ARGUMENTS OF archive.py...
  local name=$1
  shift
  [[ $images/$name.tar -nt $programs/$name ]] || archive "$images/$name.tar" "docker.io/binder-at-home/$name:1" "$@"
}

# What images of people are built from, and the lowest layer of ours.
need_base_layer() {
  base_layer=base-$(key_of "$parts/base.sh")
  if [[ ! -e $layers/$base_layer.tar ]]; then
    say "making the base of all images"
    rm -rf "$layers"/base-* && mkdir -p "$layers/$base_layer"
    sh "$parts/base.sh" "$layers/$base_layer" >"$state/log/base.log" 2>&1 ||
      fail "the base could not be made" "$state/log/base.log"
    as_archive "$base_layer"
  fi
  [[ $images/base.tar -nt $layers/$base_layer.tar ]] ||
    archive "$images/base.tar" "$base_image" --layer "$layers/$base_layer.tar" "${authorities[@]/#/--env=}"
}

# The system seldom changes, dependencies do sometimes, our own code always.
need_our_layers() {
  local wheel code
  code=$(cd "$checkout" && find setup.cfg pyproject.toml MANIFEST.in README.md binderhub_ext templates static \
    -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 cat | sha256sum | cut -c1-12)
  system_layer=system-$(key_of <(echo "$base_layer") "$recipe/system.sh")
  python_layer=python-$(key_of <(echo "$system_layer") "$recipe/python.sh" <(requirements) \
    "$checkout/binderhub_ext/up/node/package-lock.json")
  client_layer=client-$(sources "$parts/buildkit")
  code_layer=code-$(key_of <(echo "$python_layer" "$client_layer" "$code") "$recipe/code.sh")
  [[ ! -e $images/binder-$code_layer.tar ]] || return 0
  wheel=$(our_wheel)
  need_client_layer
  layer "$system_layer" "$recipe/system.sh" "" "$base_layer"
  layer "$python_layer" "$recipe/python.sh" "$wheel" "$system_layer" "$base_layer"
  layer "$code_layer" "$recipe/code.sh" "$wheel" "$python_layer" "$system_layer" "$base_layer"
  rm -rf "$(dirname "$wheel")" "$images"/binder-*.tar
  archive "$images/binder-$code_layer.tar" "$our_image" --user 1000:1000 --directory /srv \
    --layer "$layers/$base_layer.tar" --layer "$layers/$client_layer.tar" --layer "$layers/$system_layer.tar" \
    --layer "$layers/$python_layer.tar" --layer "$layers/$code_layer.tar" "${authorities[@]/#/--env=}" \
    --env=PATH=/opt/binder/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
}

# BuildKit's client, which Debian has not.
need_client_layer() {
  [[ ! -e $layers/$client_layer.tar ]] || return 0
  rm -rf "$layers"/client-*
  install -D --mode 755 "$programs/buildctl" "$layers/$client_layer/usr/local/bin/buildctl"
  as_archive "$client_layer"
}

requirements() { sed -n '/^install_requires/,/^\[options.entry_points/p' "$checkout/setup.cfg"; }

# Built from a copy: setuptools leaves folders where it builds, and takes in what is left in them.
our_wheel() {
  local folder
  folder=$(mktemp -d)
  "$checkout/scripts/install" dev
  (
    cd "$checkout"
    cp -rp setup.cfg pyproject.toml MANIFEST.in README.md LICENSE binderhub_ext templates static "$folder/"
    UV_SYSTEM_CERTS=true .venv/bin/uv build --quiet --wheel --out-dir "$folder" "$folder"
  ) >&2
  echo "$folder"/*.whl
}

layer() { # layer NAME SCRIPT WHEEL LOWER...: what running a script as root adds, the highest below first
  local name=$1 script=$2 wheel=$3 below
  shift 3
  [[ ! -e $layers/$name.tar ]] || return 0
  below=$(printf ":$layers/%s" "$@")
  say "making the layer ${name%%-*} of our image"
  rm -rf "$layers/${name%%-*}"-* && mkdir -p "$layers/$name" "$layers/$name.work"
  unshare --mount --propagation private "$BASH" "$parts/layer.sh" "${below#:}" "$layers/$name" \
    "$script" "$wheel" "${authorities[@]}" >"$state/log/layer.log" 2>&1 ||
    fail "the layer ${name%%-*} could not be made" "$state/log/layer.log"
  rm -rf "$layers/$name.work"
  [[ -z $(find "$layers/$name" -type c) ]] || { say "$script removed files of the layers below"; exit 1; }
  as_archive "$name"
}

# File capabilities, as of newuidmap, belong to a file.
as_archive() {
  tar --create --file "$layers/$1.tar.new" --directory "$layers/$1" --sort=name --numeric-owner \
    --xattrs --xattrs-include=security.capability .
  mv "$layers/$1.tar.new" "$layers/$1.tar"
}

# ---- in the cluster

imported() { # imported NAME ARCHIVE: whether the node has just this archive
  [[ $(cat "$state/imported-$1" 2>/dev/null) = "$(stat -c '%s %Y' "$2")" ]] &&
    containers images ls -q | grep -q "/binder-at-home/$1:"
}

import() { # import NAME ARCHIVE
  ! imported "$1" "$2" || return 0
  containers images import "$2" >/dev/null
  stat -c '%s %Y' "$2" >"$state/imported-$1"
}

put_image() {
  need_base_layer
  need_our_layers
  import binder "$images/binder-$code_layer.tar"
}
