#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./dev test docker: builds the image of this commit, and has two hosts talk through a container that has
# no more capabilities than it needs. The Docker engine is one of its own, started and ended here; the
# base image is made by mmdebstrap, so that no registry is asked.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

work=$(mktemp -d /tmp/vethway-docker.XXXXXX)
engine=unix://$work/docker.sock
h1=vwk$$-h1 h2=vwk$$-h2
dockerd_pid="" passed=0 failed=0
docker() { /usr/bin/docker -H "$engine" "$@"; }

finish() {
  local rc=$?
  trap - EXIT
  set +e
  for id in $([ -n "$dockerd_pid" ] && docker ps -aq 2>/dev/null); do docker rm -f "$id" >/dev/null; done
  if [ -n "$dockerd_pid" ]; then kill "$dockerd_pid"; wait "$dockerd_pid" 2>/dev/null; fi
  for ns in $h1 $h2; do ip netns del "$ns" 2>/dev/null; done
  umount -l "$work"/exec/netns/* 2>/dev/null  # the engine leaves it
  rm -rf "$work"
  exit $rc
}
trap finish EXIT
trap 'exit 130' INT TERM

check() {  # check NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    passed=$((passed + 1)) && echo "ok       $name"
  else
    failed=$((failed + 1)) && echo "FAILED   $name" && sed 's/^/    /' "$work/out"
  fi
}
in_host() { ip netns exec "$@"; }
wait_for() {  # wait_for SECONDS COMMAND...
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $until ] || return 1
    sleep 0.1
  done
}

start_engine() {
  dockerd --host "$engine" --pidfile "$work/docker.pid" --data-root "$work/data" --exec-root "$work/exec" \
    --bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
    --storage-driver overlay2 --exec-opt native.cgroupdriver=cgroupfs >"$work/dockerd.log" 2>&1 &
  dockerd_pid=$!
  wait_for 30 docker info || { tail -n 5 "$work/dockerd.log"; echo "no Docker engine"; exit 1; }
}

build_image() {
  mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$work/base.tar" >/dev/null
  docker import "$work/base.tar" vethway-base >/dev/null
  rm "$work/base.tar"
  git -c safe.directory="$PWD" archive HEAD |
    docker build -q --network=host --build-arg BASE=vethway-base -f docker/Dockerfile -t vethway - >/dev/null
}

# The container starts before its interfaces are there, as containers do: it waits for the last one.
start_container() {
  cat >"$work/vethway.yaml" <<'Y'
ports:
  - {name: p1, veth: p1, addresses: [10.1.0.1/24]}
  - {name: p2, veth: p2, addresses: [10.2.0.1/24]}
metrics: {listen: 127.0.0.1:9464}
Y
  docker run -d --name switch --network none --cap-drop ALL --cap-add NET_ADMIN --cap-add NET_RAW \
    --cap-add SYS_ADMIN --cap-add IPC_LOCK --cap-add SYS_NICE \
    -v "$work/vethway.yaml:/etc/vethway.yaml:ro" --entrypoint sh vethway -c \
    'until [ -e /sys/class/net/p2 ]; do sleep 0.1; done; exec vethwayd --config /etc/vethway.yaml' >/dev/null
  pid=$(docker inspect -f '{{.State.Pid}}' switch)
}

connect_hosts() {
  local n ns
  n=0
  for ns in $h1 $h2; do
    n=$((n + 1))
    ip netns add "$ns"
    ip -n "$ns" link add eth0 type veth peer name p$n netns "$pid"
    ip -n "$ns" link set eth0 up
    ip -n "$ns" address add 10.$n.0.2/24 dev eth0
    ip -n "$ns" route add default via 10.$n.0.1
  done
}

tcp() {
  in_host $h2 iperf3 -s -1 -D
  wait_for 5 in_host $h2 sh -c "ss -Hltn | grep -q :5201"
  in_host $h1 iperf3 -c 10.2.0.2 -t 2 --connect-timeout 3000
}
stops_in_time() {  # as process 1: SIGTERM, and nothing but it
  local began=$SECONDS
  docker stop -t 5 switch && [ $((SECONDS - began)) -le 3 ] &&
    [ "$(docker inspect -f '{{.State.ExitCode}}' switch)" = 0 ]
}

start_engine
build_image
echo "image: $(($(docker image inspect -f '{{.Size}}' vethway) >> 20)) MiB, of which the base is $(($(docker image inspect -f '{{.Size}}' vethway-base) >> 20)) MiB"
start_container
connect_hosts
check "forwards within 5 s" wait_for 5 in_host $h1 ping -n -c 1 -W 1 10.2.0.2
check "ping, no loss, no duplicate" sh -c "ip netns exec $h1 ping -n -c 10 -i 0.1 10.2.0.2 | grep -q '10 received, 0% packet loss'"
check "TCP with the hosts' offloads as they are" tcp
check "process 1 in its container" sh -c "/usr/bin/docker -H $engine exec switch vethway status --json | grep -q '\"pid\": 1,'"
check "by AF_XDP, behind the BPF shield" sh -c "/usr/bin/docker -H $engine exec switch vethway show ports | grep -c net_af_xdp | grep -qx 2"
check "books balance" sh -c "/usr/bin/docker -H $engine exec switch vethway status | grep -q balanced"
check "metrics are served" sh -c "nsenter -t $pid -n curl -sf http://127.0.0.1:9464/metrics | grep -q '^vethway_accounting_imbalance 0'"
check "SIGTERM ends it, status 0" stops_in_time
[ $failed -eq 0 ] || docker logs switch 2>&1 | tail -n 20
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
