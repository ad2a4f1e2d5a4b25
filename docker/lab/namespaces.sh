#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The triangle without Docker: namespaces.sh up | down | test. Needs root, iproute2 and ./dev build.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
build=${VETHWAY_BUILD:-$here/../../build}
name=${VETHWAY_LAB:-vethway-triangle} run=/run/${VETHWAY_LAB:-vethway-triangle}

cable() {  # cable NODE PORT ADDRESS NODE PORT ADDRESS
  ip -n "$name-$1" link add "$2" type veth peer name "$5" netns "$name-$4"
  ip -n "$name-$1" address add "$3/24" dev "$2"
  ip -n "$name-$4" address add "$6/24" dev "$5"
  ip -n "$name-$1" link set "$2" up
  ip -n "$name-$4" link set "$5" up
}
ctl() { "$build/vethway" --socket "$run/$1.sock" "${@:2}"; }

up() {
  local n
  mkdir -p "$run"
  for n in h1 h2 s1 s2 s3; do ip netns add "$name-$n"; ip -n "$name-$n" link set lo up; done
  cable h1 eth1 10.82.1.10 s1 port1 10.82.1.2
  cable h2 eth1 10.82.2.10 s2 port1 10.82.2.2
  cable s1 port2 10.82.12.11 s2 port2 10.82.12.12
  cable s1 port3 10.82.13.11 s3 port2 10.82.13.13
  cable s2 port3 10.82.23.12 s3 port3 10.82.23.13
  ip -n "$name-h1" route add 10.82.0.0/16 via 10.82.1.2
  ip -n "$name-h2" route add 10.82.0.0/16 via 10.82.2.2
  for n in s1 s2 s3; do
    # Three that start at once would each count on the same free hugepages.
    { cat "$here/$n.yaml"; printf '%s\n' "control: {socket: $run/$n.sock}" "dataplane: {hugepages: off}"; } >"$run/$n.yaml"
    ip netns exec "$name-$n" "$build/vethwayd" --config "$run/$n.yaml" >"$run/$n.log" 2>&1 &
    echo $! >"$run/$n.pid"
  done
  for n in s1 s2 s3; do wait_for ctl $n status || { tail -n 5 "$run/$n.log" >&2; return 1; }; done
}

down() {
  local n
  for n in s1 s2 s3; do
    [ ! -f "$run/$n.pid" ] || kill "$(<"$run/$n.pid")" 2>/dev/null || true
  done
  for n in s1 s2 s3; do
    [ ! -f "$run/$n.pid" ] || wait_for not_alive "$(<"$run/$n.pid")" || kill -9 "$(<"$run/$n.pid")"
  done
  for n in h1 h2 s1 s2 s3; do ip netns del "$name-$n" 2>/dev/null || true; done
  rm -rf "$run"
}
not_alive() { ! kill -0 "$1" 2>/dev/null; }
wait_for() {  # within 5 s
  local i
  for ((i = 0; i < 100; i++)); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.05
  done
  return 1
}

ttl_is() { ip netns exec "$name-h1" ping -n -c 1 -W 1 10.82.2.10 | grep "ttl=$1 "; }
try() {
  if wait_for ttl_is "$2"; then echo "ok       $1"; else echo "FAILED   $1"; ctl s1 show routes; return 1; fi
}
run_test() {
  trap down EXIT
  up
  try "h1 reaches h2 by s1 and s2" 62
  ip -n "$name-s1" link set port2 down
  try "the link between them is down: by s3" 61
  ip -n "$name-s1" link set port2 up
  try "and straight again" 62
  for n in s1 s2 s3; do wait_for sh -c "'$build/vethway' --socket $run/$n.sock status | grep -q balanced"; done
}

case "${1:-}" in
  up) up && echo "up: ip netns exec $name-h1 ping 10.82.2.10; $build/vethway --socket $run/s1.sock show routes" ;;
  down) down ;;
  test) run_test ;;
  *) echo "usage: $0 up|down|test" >&2 && exit 2 ;;
esac
