#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./dev test docker: builds the image of this commit, brings docker/compose.yaml up, and takes it down again; then runs
# the image by itself, by Docker and by Podman. The engine is one of the test's own, in a network namespace of its own;
# the base image is made by mmdebstrap, and Prometheus is Debian's, so that no registry is asked. Grafana is not started.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# shellcheck source=docker/engine.sh
. docker/engine.sh

# shellcheck source=docker/wired.sh
. docker/wired.sh

net=vwk$$
export DOCKER_HOST=$engine PROMETHEUS_IMAGE=vethway-prometheus BASE=vethway-base COMPOSE_PROJECT_NAME=vethway
compose() { docker-compose -f "$work/tree/docker/compose.yaml" "$@"; }
at_the_end() {
  docker rm -f matrix 2>/dev/null
  remove_wired docker
  stop_podman
  [ -z "$dockerd_pid" ] || compose down -v -t 1 >/dev/null 2>&1
  ip netns del "$net" 2>/dev/null
  [ -z "${pages_before:-}" ] || echo "$pages_before" >$pages/nr_hugepages
}
in_net() { nsenter --net="/run/netns/$net" "$@"; }
switch() { docker exec vethway_switch_1 "$@"; }
left() { docker exec vethway_left_1 "$@"; }
size_mib() { echo $(($(docker image inspect -f '{{.Size}}' "$1") >> 20)); }

# As README.md says, in a clean checkout. Where Debian's archive has moved on from versions.lock, which is nobody's
# fault here, by what it has now.
build_images() {
  export VERSIONS=locked
  ./dev image-versions --check || VERSIONS=newest
  mkdir "$work/tree"
  git -c safe.directory="$PWD" archive HEAD | tar -x -C "$work/tree"
  PATH=/usr/bin:$PATH DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1 compose build switch left right >"$work/build.log" 2>&1 ||
    { tail -n 20 "$work/build.log"; exit 1; }
  printf 'FROM %s\nRUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends prometheus\n' \
    $BASE | docker build -q --network=host -t $PROMETHEUS_IMAGE - >/dev/null
}

# The image has all of versions.lock, and beside it only what its base has.
packages_of() {
  docker run --rm --network none --entrypoint dpkg-query "$1" -W -f '${Package}=${Version}\n'
}
has_locked_versions() {
  [ "$VERSIONS" = locked ] || { echo "versions.lock is behind; the archive's newest were taken"; return 0; }
  grep -v '^#' docker/versions.lock | sort >"$work/locked"
  packages_of vethway | sort >"$work/installed"
  { cat "$work/locked" && packages_of $BASE; } | sort -u >"$work/allowed"
  { comm -23 "$work/locked" "$work/installed" && comm -13 "$work/allowed" "$work/installed"; } | tee "$work/differs"
  [ ! -s "$work/differs" ]
}

adopted() { [ "$(switch vethway show ports | grep -cE '^port[01] +up +veth .*10\.81\.[12]\.2/24')" = 2 ]; }
pings() { left ping -n -c 10 -i 0.1 -W 1 10.81.2.10 | tee /dev/stderr | grep -q '10 received, 0% packet loss'; }
tcp() { left iperf3 -c 10.81.2.10 -t 2 --connect-timeout 3000; }
memory_is() { switch vethway status | tee /dev/stderr | grep -q "in hugepages ($1: "; }
balanced() { switch vethway status | grep -q balanced; }
healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' vethway_switch_1)" = healthy ]; }
prometheus_has() {
  in_net curl -sfG http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$1" | tee /dev/stderr | grep -q '"metric"'
}
rules_are_loaded() { in_net curl -sf http://127.0.0.1:9090/api/v1/rules | grep -q '"health":"ok"' ; }
pages=/sys/kernel/mm/hugepages/hugepages-2048kB pages_before=""
provide_pages() {  # as many as are wanted, for both switches; others on this machine take away what they have added
  local short=$((80 - $(<$pages/free_hugepages)))
  [ $short -le 0 ] || echo $(($(<$pages/nr_hugepages) + short)) >$pages/nr_hugepages
}
# without_pages COMMAND...: meanwhile no hugepage is free.
without_pages() {
  local rc=0 all
  all=$(<$pages/nr_hugepages)
  echo $((all - $(<$pages/free_hugepages))) >$pages/nr_hugepages
  "$@" || rc=1
  echo "$all" >$pages/nr_hugepages
  return $rc
}
start_again() { docker start vethway_switch_1 && wait_for 10 adopted; }
with_plain_memory() {
  docker stop -t 5 vethway_switch_1 && without_pages start_again && pings && tcp && memory_is plain
}
not_root() {  # user 991, with five capabilities
  switch cat /proc/1/status | grep -E '^(Uid|CapEff)' | tee "$work/said" | tr -s '\t' ' ' | grep -qx 'Uid: 991 991 991 991' &&
    grep -q 0000000000a07000 "$work/said"
}

# Without that capability, one line ends the start and names it.
run_without() {  # run_without CAPABILITY CONFIG [FLAGS...]
  local one without=$1 config=$2 others=()
  shift 2
  for one in $capabilities; do [ "$one" = "$without" ] || others+=(--cap-add "$one"); done
  printf '%s\n' "$config" >"$work/matrix.yaml"
  docker rm -f matrix >/dev/null 2>&1 || true
  provide_pages
  docker run -d --name matrix --network vethway_left --cap-drop ALL "${others[@]}" "$@" \
    -v "$work/matrix.yaml:/etc/vethway.yaml:ro" vethway >/dev/null
}
refused() {  # refused CAPABILITY CONFIG [FLAGS...]
  run_without "$@"
  [ "$(timeout 10 /usr/bin/docker -H "$engine" wait matrix)" = 1 ] || return 1
  docker logs matrix 2>&1 | grep -v ' info \|^mbind:' | tee "$work/said"
  [ "$(wc -l <"$work/said")" = 1 ] && grep -q "$1" "$work/said"
}
starts_and_says() {  # starts_and_says WORDS CAPABILITY CONFIG [FLAGS...]
  local words=$1
  shift
  run_without "$@"
  wait_for 10 docker exec matrix vethway status && docker logs matrix 2>&1 | tee /dev/stderr | grep -q "$words"
}
names_root() {  # no-new-privileges keeps a user's capabilities away
  ! refused no-capability "ports: [$veth]" --security-opt no-new-privileges && grep -q -- '--user 0' "$work/said"
}

stops_in_time() {  # as process 1: SIGTERM, and nothing but it
  local began=$SECONDS
  docker stop -t 5 vethway_switch_1 && [ $((SECONDS - began)) -le 3 ] &&
    [ "$(docker inspect -f '{{.State.ExitCode}}' vethway_switch_1)" = 0 ]
}
gone() { compose down -v -t 1 && [ -z "$(docker ps -aq)" ] && ! in_net ip -br link | grep -q 'veth'; }

start_engine
make_base $BASE
build_images
check "its packages are those of versions.lock" has_locked_versions
echo "image: $(size_mib vethway) MiB, of which the base is $(size_mib $BASE) MiB"
stop_engine

pages_before=$(<$pages/nr_hugepages)
provide_pages
ip netns add "$net"
ip -n "$net" link set lo up
start_engine_in "$net"
check "compose up" compose up -d --no-build switch left right prometheus
check "adopts what Docker wired" wait_for 10 adopted
check "forwards within 5 s" wait_for 5 left ping -n -c 1 -W 1 10.81.2.10
check "ping, no loss" pings
check "TCP with the containers' offloads as they are" tcp
check "in hugepages, with no mount" memory_is hugepages
check "process 1 in its container" sh -c "/usr/bin/docker -H $engine exec vethway_switch_1 vethway status --json | grep -q '\"pid\": 1,'"
check "not root, with five capabilities" not_root
check "healthy" wait_for 20 healthy
check "Prometheus has what it counts" wait_for 10 prometheus_has 'vethway_port_rx_packets_total{port="port0"} > 10'
check "recorded rates" wait_for 15 prometheus_has 'instance_port:vethway_rx_packets:rate1m'
check "rules are evaluated" wait_for 15 rules_are_loaded
check "books balance" balanced
veth='{name: p0, veth: port0}' xdp='{name: p0, af_xdp: port0}'
check "without NET_ADMIN" refused NET_ADMIN "ports: [$veth]"
check "without NET_RAW" refused NET_RAW "ports: [$veth]"
check "without SYS_ADMIN, AF_XDP" refused SYS_ADMIN "ports: [$xdp]"
check "without SYS_ADMIN, another namespace" refused SYS_ADMIN "ports: [{name: p0, veth: {interface: port0, netns: '1'}}]"
check "without SYS_ADMIN, veth: the shield is another" starts_and_says "shield by sysctl" SYS_ADMIN "ports: [$veth]"
check "without IPC_LOCK, AF_XDP" refused IPC_LOCK "ports: [$xdp]"
check "with all of them, AF_XDP" starts_and_says "ready in" - "ports: [$xdp]"
check "without SYS_NICE, hugepages required" refused SYS_NICE "{dataplane: {hugepages: required}, ports: [$veth]}"
check "without SYS_NICE, hugepages auto: plain memory" starts_and_says "plain memory (hugepages need the capability SYS_NICE" SYS_NICE "ports: [$veth]"
left ip link add wire0 type veth peer name wire1
wire="ports: [{name: p0, veth: {interface: wire0, netns: '1'}}]" theirs=(--pid container:vethway_left_1)
check "without SYS_PTRACE, another container's namespace" refused SYS_PTRACE "$wire" "${theirs[@]}"
check "with SYS_PTRACE, another container's namespace" starts_and_says "ready in" - "$wire" "${theirs[@]}" --cap-add SYS_PTRACE
check "with no-new-privileges, a user that is not root" names_root
docker rm -f matrix >/dev/null 2>&1 || true
check "without hugepages" with_plain_memory
[ $failed -eq 0 ] || docker logs vethway_switch_1 2>&1 | tail -n 20
check "SIGTERM ends it, status 0" stops_in_time
check "compose down leaves nothing" gone

check "Docker, --privileged" forwards_wired docker hugepages 991 "${privileged[@]}"
check "Docker, root, no-new-privileges, read-only" forwards_wired docker hugepages 0 "${listed[@]}" --user 0 \
  --security-opt no-new-privileges --read-only --tmpfs /run/vethway
check "Podman has the image" start_podman
remove_wired docker
check "Podman, the listed capabilities" forwards_wired podman hugepages 991 "${listed[@]}"
check "Podman, without hugepages" without_pages forwards_wired podman plain 991 "${listed[@]}"
check "Podman, --privileged" forwards_wired podman hugepages 991 --privileged
check "Podman, root, no-new-privileges, read-only" forwards_wired podman hugepages 0 "${listed[@]}" --user 0 \
  --security-opt no-new-privileges --read-only --tmpfs /run/vethway
print_result
