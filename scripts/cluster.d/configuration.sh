# What the cluster's programs read.
# shellcheck shell=bash disable=SC2154  # settings.sh, certificates.sh

write_configuration() {
  mkdir -p "$run"/{cni,certs.d/"$registry"}
  network_configuration >"$run/cni/10-bridge.conflist"
  containerd_configuration >"$run/containerd.toml"
  registry_hosts >"$run/certs.d/$registry/hosts.toml"
  registry_configuration >"$run/registry.yaml"
  kubelet_configuration >"$run/kubelet.yaml"
  proxy_configuration >"$run/proxy.yaml"
}

network_configuration() {
  cat <<JSON
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "pods0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$run/cni-addresses",
            "ranges": [[{"subnet": "$pods"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
}

# Machines of CI lack systemd, AppArmor and the right to lower a process's chance to be ended for memory.
containerd_configuration() {
  cat <<TOML
version = 2
root = "$state/containerd"
state = "/run/containerd-state"
oom_score = 0
[grpc]
  address = "$containerd_socket"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/binder-at-home/pause:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  max_container_log_line_size = 262144
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$run/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$run/certs.d"
TOML
}

registry_hosts() {
  printf 'server = "http://%s"\n[host."http://%s"]\n  capabilities = ["pull", "resolve"]\n' \
    "$registry" "$registry"
}

registry_configuration() {
  cat <<YAML
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $run/registry}, delete: {enabled: true}}
http: {addr: "$registry"}
YAML
}

# Images are imported by hand, so none is ever collected: neither by age nor for room on a disk that is
# the whole machine's.
kubelet_configuration() {
  cat <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $node_address
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $pki/kubelet-server.crt
tlsPrivateKeyFile: $pki/kubelet-server.key
containerRuntimeEndpoint: unix://$containerd_socket
cgroupDriver: cgroupfs
cgroupRoot: /$group
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
maxOpenFiles: $(ulimit -Hn)
clusterDNS: [$dns_service]
clusterDomain: cluster.local
resolvConf: $run/resolv.conf
podLogsDir: $run/pod-logs
volumePluginDir: $run/volume-plugins
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi}
enforceNodeAllocatable: [pods]
maxPods: 200
podPidsLimit: 1000
registryPullQPS: 0
eventRecordQPS: 0
serializeImagePulls: false
nodeStatusReportFrequency: 1m
YAML
}

proxy_configuration() {
  cat <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
hostnameOverride: $node
clientConnection: {kubeconfig: $run/proxy.kubeconfig}
clusterCIDR: $pods
oomScoreAdj: 0
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
iptables: {minSyncPeriod: 0.1s}
YAML
}

cluster_objects() { sed "s/DNS_SERVICE/$dns_service/" "$parts/objects.yaml"; }
