#!/usr/bin/env bash
# The first process of the cluster's namespaces: starts its programs and starts them again if they end.
# All ends with it. It is told nothing and writes to $run alone.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
. "$parts/certificates.sh"
. "$parts/configuration.sh"
. "$parts/images.sh"
export PATH=$programs:$PATH

keep() { # keep NAME COMMAND...: runs it in the background for as long as there is a cluster
  (
    name=$1
    shift
    while :; do
      "$@" >>"$run/log/$name.log" 2>&1 </dev/null &
      echo $! >"$run/pid/$name"
      wait $! || true
      echo "$name ended and is started again"
      sleep 0.5
    done
  ) &
}

wait_for() { # wait_for SECONDS WHAT COMMAND...
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < until)) || { echo "waited in vain for $what"; exit 1; }
    sleep 0.1
  done
  printf '%3d s  %s\n' "$SECONDS" "$what"
}

# What programs keep at fixed places is theirs alone, and gone with them.
own_places() {
  resolv=/etc/resolv.conf
  # A resolver on loopback is no use to pods.
  ! grep -q '^nameserver 127\.' $resolv || resolv=/run/systemd/resolve/resolv.conf
  cp "$resolv" "$run/resolv.conf"
  mount --make-rprivate /
  local place
  for place in /run /usr/libexec /var/lib /var/log; do mount -t tmpfs -o mode=0755 tmpfs $place; done
  mkdir -p /run/lock
}

network() {
  ip link set lo up
  until ip link show node0 >/dev/null 2>&1; do sleep 0.02; done
  ip address add "$node_address/30" dev node0
  ip link set node0 up
  ip route add default via "$host_address"
  # A Service without endpoints is nowhere, and not on the internet.
  ip route add unreachable "$services"
  sysctl -qw net.ipv4.ip_forward=1
  sysctl -qw net.bridge.bridge-nf-call-iptables=1 2>/dev/null || true
}

control_plane() {
  keep etcd "$programs/etcd" --name node --data-dir "$run/etcd" --logger zap \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
    --initial-cluster node=http://127.0.0.1:2380
  keep apiserver "$programs/kube" kube-apiserver --etcd-servers=http://127.0.0.1:2379 \
    --bind-address="$node_address" --advertise-address="$node_address" --secure-port=16443 \
    --service-cluster-ip-range="$services" --authorization-mode=Node,RBAC \
    --enable-admission-plugins=NodeRestriction --allow-privileged=true --profiling=false \
    --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" \
    --tls-private-key-file="$pki/apiserver.key" \
    --kubelet-client-certificate="$pki/apiserver-kubelet.crt" \
    --kubelet-client-key="$pki/apiserver-kubelet.key" \
    --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$pki/accounts.key" \
    --service-account-signing-key-file="$pki/accounts.key"
  wait_for 120 "API server" kubectl get --raw /readyz
  local common=(--leader-elect=false --bind-address=127.0.0.1 --profiling=false
    --kube-api-qps=200 --kube-api-burst=400)
  keep controllers "$programs/kube" kube-controller-manager "${common[@]}" \
    $(as_user controllers) --use-service-account-credentials --root-ca-file="$pki/ca.crt" \
    --service-account-private-key-file="$pki/accounts.key" \
    --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key"
  keep scheduler "$programs/kube" kube-scheduler "${common[@]}" $(as_user scheduler)
}

as_user() {
  local file=$run/$1.kubeconfig
  echo "--kubeconfig=$file --authentication-kubeconfig=$file --authorization-kubeconfig=$file"
}

containers_up() {
  keep containerd "$programs/containerd" --config "$run/containerd.toml"
  keep registry "$programs/docker-registry" serve "$run/registry.yaml"
  wait_for 60 containerd containers version
  forget_containers
  for name in pause coredns busybox registry base; do import "$name" "$images/$name.tar"; done
  import binder "$images"/binder-*.tar
  containers images push --plain-http "$base_image" >/dev/null
  printf '%3d s  %s\n' "$SECONDS" images
}

# Images stay from one time to the next; containers of a cluster that ended, and what it pulled, do not.
forget_containers() {
  local ours old
  ours=$(containers images ls | awk '/\/binder-at-home\// {print $3}')
  [[ -n $ours ]] || return 0
  old=$(containers images ls | awk 'NR > 1 {print $1, $3}' | grep -vF "$ours" | cut -d' ' -f1 || true)
  for name in $old; do containers images rm "$name" >/dev/null; done
  for name in $(containers containers ls -q); do
    containers containers rm "$name"
    old+=" $name"
  done
  [[ -n $old ]] || return 0
  kill "$(<"$run/pid/containerd")"
  sleep 1
  wait_for 60 "containerd, emptied" containers version
}

node_up() {
  keep kubelet "$programs/kube" kubelet --config="$run/kubelet.yaml" --root-dir="$run/kubelet" \
    --kubeconfig="$run/kubelet.kubeconfig" --hostname-override="$node" --node-ip="$node_address"
  keep proxy "$programs/kube" kube-proxy --config="$run/proxy.yaml"
  keep volumes "$programs/kube" node-dir "$kubeconfig" "$run/volumes"
  NODE_NAME=$node keep policies "$programs/kube" netpol "$kubeconfig" "$node" "$services"
  wait_for 90 node kubectl wait --for=condition=Ready "node/$node" --timeout=1s
  cluster_objects | kubectl apply -f - >/dev/null
  wait_for 90 "name resolution" kubectl -n kube-system wait --for=condition=Available deployment/coredns --timeout=1s
}

own_places
network
certificates
write_configuration
containers_up &
runtime=$!
control_plane
wait "$runtime"
node_up
: >"$run/ready"
# Orphans of containers are ours to reap.
while :; do wait -n || sleep 1; done
