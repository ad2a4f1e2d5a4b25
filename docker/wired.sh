# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The image in a container without networks of the engine's, wired by hand between two hosts in namespaces; sourced by
# test.sh. COMMAND is docker or podman, the functions: what differs between them is how they were started.
# shellcheck disable=SC2154  # $work and $net are test.sh's
capabilities="NET_ADMIN NET_RAW SYS_ADMIN IPC_LOCK SYS_NICE"
listed=(--cap-drop ALL)
for one in $capabilities; do listed+=(--cap-add "$one"); done

remove_wired() {  # remove_wired COMMAND
  "$1" rm -f wired >/dev/null 2>&1
  ip netns del "$net-1" 2>/dev/null
  ip netns del "$net-2" 2>/dev/null
  return 0
}
run_wired() {  # run_wired COMMAND FLAGS...: those of its run
  local command=$1 pid n
  shift
  remove_wired "$command"
  printf 'ports: [{match: "port*", adopt: addresses}]\n' >"$work/wired.yaml"
  "$command" run -d --name wired --network none -v "$work/wired.yaml:/etc/vethway.yaml:ro" "$@" vethway || return 1
  pid=$("$command" inspect -f '{{.State.Pid}}' wired)
  for n in 1 2; do
    ip netns add "$net-$n"
    ip -n "$net-$n" link add eth0 type veth peer name "port$n" netns "$pid"
    nsenter -t "$pid" -n ip address add "10.$n.0.1/24" dev "port$n"
    nsenter -t "$pid" -n ip link set "port$n" up
    ip -n "$net-$n" address add "10.$n.0.2/24" dev eth0
    ip -n "$net-$n" link set eth0 up
    ip -n "$net-$n" route add default via "10.$n.0.1"
  done
}
ping_wired() { ip netns exec "$net-1" ping -n -W 1 "$@" 10.2.0.2; }
# forwards_wired COMMAND MEMORY USER FLAGS...: whether it forwards, in `hugepages` or `plain` memory, as that user.
forwards_wired() {
  local command=$1 memory=$2 user=$3
  shift 3
  [ "$memory" = plain ] || provide_pages
  run_wired "$command" "$@" && wait_for 8 ping_wired -c 1 && ping_wired -c 5 -i 0.1 | tee /dev/stderr | grep -q ' 0% packet loss' &&
    "$command" exec wired vethway status | tee /dev/stderr | grep -q "in hugepages ($memory: " &&
    "$command" exec wired grep '^Uid:' /proc/1/status | tee /dev/stderr | grep -q "^Uid:[[:space:]]*${user}[[:space:]]"
}

# --- Podman, with storage of its own. It would raise limits and use crun and systemd, which not every machine allows;
# what is asked for here is less, and enough.
podman() {
  CONTAINERS_CONF=$work/containers.conf /usr/bin/podman --root "$work/podman" --runroot "$work/podman-run" \
    --storage-driver overlay "$@"
}
start_podman() {  # with Docker's image
  cat >"$work/containers.conf" <<'C'
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
C
  docker save vethway | podman load -q
}
stop_podman() {
  [ -d "$work/podman" ] || return 0
  remove_wired podman
  podman rmi -af >/dev/null 2>&1
  umount -l "$work/podman/overlay" 2>/dev/null
  return 0
}
