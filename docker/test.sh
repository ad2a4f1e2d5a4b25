#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./dev test docker: builds the image of this commit, brings docker/compose.yaml up, and takes it down again. The
# engine is one of the test's own, in a network namespace of its own; the base image is made by mmdebstrap, and
# Prometheus is Debian's, so that no registry is asked. Grafana is not started.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# shellcheck source=docker/engine.sh
. docker/engine.sh

net=vwk$$
export DOCKER_HOST=$engine PROMETHEUS_IMAGE=vethway-prometheus BASE=vethway-base COMPOSE_PROJECT_NAME=vethway
compose() { docker-compose -f "$work/tree/docker/compose.yaml" "$@"; }
at_the_end() {
  docker rm -f matrix 2>/dev/null
  [ -z "$dockerd_pid" ] || compose down -v -t 1 >/dev/null 2>&1
  ip netns del "$net" 2>/dev/null
  [ -z "${pages_before:-}" ] || echo "$pages_before" >$pages/nr_hugepages
}
in_net() { nsenter --net="/run/netns/$net" "$@"; }
switch() { docker exec vethway_switch_1 "$@"; }
left() { docker exec vethway_left_1 "$@"; }
size_mib() { echo $(($(docker image inspect -f '{{.Size}}' "$1") >> 20)); }

# As README.md says, in a clean checkout.
build_images() {
  mkdir "$work/tree"
  git -c safe.directory="$PWD" archive HEAD | tar -x -C "$work/tree"
  PATH=/usr/bin:$PATH DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1 compose build switch left right >"$work/build.log" 2>&1 ||
    { tail -n 20 "$work/build.log"; exit 1; }
  printf 'FROM %s\nRUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends prometheus\n' \
    $BASE | docker build -q --network=host -t $PROMETHEUS_IMAGE - >/dev/null
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
# Where too few hugepages are free at its start, it does without.
with_plain_memory() {
  local rc=0
  docker stop -t 5 vethway_switch_1 || return 1
  local wanted
  wanted=$(($(<$pages/nr_hugepages) - $(<$pages/free_hugepages)))
  local now
  now=$(<$pages/nr_hugepages)
  echo "$wanted" >$pages/nr_hugepages
  docker start vethway_switch_1 || rc=1
  wait_for 10 adopted || rc=1
  echo "$now" >$pages/nr_hugepages
  [ $rc = 0 ] && pings && tcp && memory_is plain
}

# Without that capability, one line ends the start and names it.
all_capabilities="NET_ADMIN NET_RAW SYS_ADMIN IPC_LOCK SYS_NICE"
run_without() {  # run_without CAPABILITY CONFIG
  local one capabilities=()
  for one in $all_capabilities; do [ "$one" = "$1" ] || capabilities+=(--cap-add "$one"); done
  printf '%s\n' "$2" >"$work/matrix.yaml"
  docker rm -f matrix >/dev/null 2>&1 || true
  docker run -d --name matrix --network vethway_left --cap-drop ALL "${capabilities[@]}" \
    -v "$work/matrix.yaml:/etc/vethway.yaml:ro" vethway >/dev/null
}
refused() {  # refused CAPABILITY CONFIG
  run_without "$@"
  [ "$(timeout 10 /usr/bin/docker -H "$engine" wait matrix)" = 1 ] || return 1
  docker logs matrix 2>&1 | grep -v ' info \|^mbind:' | tee "$work/said"
  [ "$(wc -l <"$work/said")" = 1 ] && grep -q "$1" "$work/said"
}
starts_and_says() {  # starts_and_says CAPABILITY CONFIG WORDS
  run_without "$1" "$2"
  wait_for 10 docker exec matrix vethway status && docker logs matrix 2>&1 | tee /dev/stderr | grep -q "$3"
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
echo "image: $(size_mib vethway) MiB, of which the base is $(size_mib $BASE) MiB"
stop_engine

pages=/sys/kernel/mm/hugepages/hugepages-2048kB pages_before=""
if [ "$(<$pages/free_hugepages)" -lt 80 ]; then
  pages_before=$(<$pages/nr_hugepages)
  echo $((pages_before + 80)) >$pages/nr_hugepages
fi
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
check "without SYS_ADMIN, veth: the shield is another" starts_and_says SYS_ADMIN "ports: [$veth]" "shield by sysctl"
check "without IPC_LOCK, AF_XDP" refused IPC_LOCK "ports: [$xdp]"
check "without SYS_NICE, hugepages required" refused SYS_NICE "{dataplane: {hugepages: required}, ports: [$veth]}"
check "without SYS_NICE, hugepages auto: plain memory" starts_and_says SYS_NICE "ports: [$veth]" "plain memory (hugepages need the capability SYS_NICE"
docker rm -f matrix >/dev/null 2>&1 || true
check "without hugepages" with_plain_memory
[ $failed -eq 0 ] || docker logs vethway_switch_1 2>&1 | tail -n 20
check "SIGTERM ends it, status 0" stops_in_time
check "compose down leaves nothing" gone
print_result
