# What the machine itself gets while the cluster is up, and how it is taken away again.
# shellcheck shell=bash disable=SC2154  # settings.sh

rule=(-m comment --comment binder-at-home-cluster)

started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# The namespaces' first process, and when it started: a number alone may be another's by now.
is_up() {
  local pid at
  [[ -s $run/init ]] && read -r pid at <"$run/init" && [[ -n $at && $(started "$pid") = "$at" ]]
}

init_pid() { cut -d' ' -f1 "$run/init"; }

start_inside() {
  local outer init=
  setsid unshare --mount --net --pid --fork --kill-child --mount-proc \
    "$BASH" "$parts/inside.sh" >"$run/log/cluster.log" 2>&1 </dev/null &
  outer=$!
  until init=$(pgrep -P "$outer"); do
    kill -0 "$outer" 2>/dev/null || fail "could not be started" "$run/log/cluster.log"
    sleep 0.02
  done
  printf '%s %s\n' "$init" "$(started "$init")" >"$run/init"
}

end_inside() {
  is_up || return 0
  local pid
  pid=$(init_pid)
  kill -KILL "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}

inside() { nsenter --target "$(init_pid)" --mount --net --pid "$@"; }

runs_inside() { inside kill -0 "$1" 2>/dev/null; }

signal_inside() {
  is_up || { say "no cluster is up"; exit 1; }
  [[ -s $run/pid/$2 ]] || { say "there is no $2; there are: $(ls "$run/pid")"; exit 1; }
  inside kill "-$1" "$(<"$run/pid/$2")"
}

# One cable to the node, without link-local addresses: browsers drop what they load when one appears.
connect() {
  ip link add "$host_interface" type veth peer name node0 netns "$(init_pid)"
  echo 1 >"/proc/sys/net/ipv6/conf/$host_interface/disable_ipv6" 2>/dev/null || true
  ip address add "$host_address/30" dev "$host_interface"
  ip link set "$host_interface" up
  ip route add "$pods" via "$node_address"
  iptables -w -t nat -A POSTROUTING -s "$link" ! -o "$host_interface" "${rule[@]}" -j MASQUERADE
  iptables -w -I FORWARD -i "$host_interface" "${rule[@]}" -j ACCEPT
  iptables -w -I FORWARD -o "$host_interface" -m conntrack --ctstate RELATED,ESTABLISHED \
    "${rule[@]}" -j ACCEPT
}

disconnect() {
  ip link delete "$host_interface" 2>/dev/null || true
  local table line
  for table in nat filter; do
    while read -r line; do
      # shellcheck disable=SC2086  # words of a rule
      iptables -w -t "$table" $line
    done < <(iptables -w -t "$table" -S 2>/dev/null |
      sed -n '/--comment binder-at-home-cluster/s/^-A/-D/p')
  done
}

settings=(net.ipv4.ip_forward fs.inotify.max_user_instances)

make_room() {
  mkdir -p "$state/before"
  local name
  for name in "${settings[@]}"; do
    [[ -e $state/before/$name ]] || sysctl -n "$name" >"$state/before/$name"
  done
  sysctl -qw net.ipv4.ip_forward=1
  [[ $(sysctl -n fs.inotify.max_user_instances) -ge 1024 ]] ||
    sysctl -qw fs.inotify.max_user_instances=1024
  local controller file
  for controller in $(control_groups); do
    mkdir -p "$controller/$group"
    # Beside what else runs here, pods count as a node, and not as one process.
    [[ ! -e $controller/$group/cpu.shares ]] || echo $((1024 * $(nproc))) >"$controller/$group/cpu.shares"
    [[ ! -e $controller/$group/cpu.weight ]] || echo $((100 * $(nproc))) >"$controller/$group/cpu.weight"
    # A new group of processors has none.
    for file in cpuset.cpus cpuset.mems; do
      [[ ! -e $controller/$file ]] || cat "$controller/$file" >"$controller/$group/$file"
    done
  done
}

take_room_back() {
  local name
  for name in "${settings[@]}"; do
    [[ -e $state/before/$name ]] || continue
    # A Docker daemon that came later forwards too.
    [[ $name = net.ipv4.ip_forward && -e /sys/class/net/docker0 ]] ||
      sysctl -qw "$name=$(<"$state/before/$name")" || true
  done
  rm -rf "$state/before"
}

control_groups() {
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
    echo /sys/fs/cgroup
  else
    find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d ! -name unified
  fi
}

remove_groups() {
  local tries controller left
  for ((tries = 0; tries < 50; tries++)); do
    left=
    for controller in $(control_groups) /sys/fs/cgroup/unified; do
      [[ ! -d $controller/$group ]] || find "$controller/$group" -depth -type d -exec rmdir {} + 2>/dev/null || left=1
    done
    [[ -n $left ]] || return 0
    sleep 0.1
  done
  say "control groups are left: $(control_groups | sed "s|\$|/$group|")"
}
