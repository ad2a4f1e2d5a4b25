#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./dev demo: two hosts, the switch between them, and what each tool of Linux says about it. Everything
# happens in three network namespaces of its own. Build first; ./dev does.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

state=${TMPDIR:-/tmp}/vethway-demo.$$   # what --down looks for, and where the daemon's files are
h1=vwd$$-h1 sw=vwd$$-sw h2=vwd$$-h2
build=$(readlink -f "${VETHWAY_BUILD:-build}")
socket=$state/vethway.sock
metrics=127.0.0.1:9464
passed=0 failed=0 verdicts=""
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
  bold="" dim="" green="" red="" plain=""
fi

# --- Taking it down --------------------------------------------------------------------------------
is_running() { [ -n "$1" ] && kill -0 "$1" 2>/dev/null; }

take_down() {  # take_down STATE_DIR: the processes by id, then the namespaces and their links
  local dir=$1 pid ns
  [ -d "$dir" ] || return 0
  for pid in $(cat "$dir"/*.pid 2>/dev/null); do
    # The id may belong to somebody else by now: only one that lives in our namespaces is ours.
    ns=$(ip netns identify "$pid" 2>/dev/null || true)
    grep -qxF -- "${ns:--}" "$dir/namespaces" 2>/dev/null || continue
    kill "$pid" 2>/dev/null || true
    for _ in {1..30}; do is_running "$pid" || break; sleep 0.1; done
    if is_running "$pid"; then kill -9 "$pid" 2>/dev/null || true; fi
  done
  for ns in $(cat "$dir/namespaces" 2>/dev/null); do ip netns del "$ns" 2>/dev/null || true; done
  rm -rf "$dir"
}

down_all() {
  local dir found=""
  for dir in "${TMPDIR:-/tmp}"/vethway-demo.*/; do
    [ -f "$dir/keep" ] || continue
    take_down "${dir%/}"
    echo "taken down: ${dir%/}"
    found=1
  done
  [ -n "$found" ] || echo "no demo is up"
}

finish() {
  local rc=$?
  trap - EXIT INT TERM
  if [ $rc -ne 0 ] && [ -s "$state/log" ] && [ ! -f "$state/shown" ]; then
    echo "--- the daemon's log" >&2
    tail -n 30 "$state/log" >&2
  fi
  [ -f "$state/keep" ] || take_down "$state"
  exit $rc
}

# --- Showing ---------------------------------------------------------------------------------------
title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
tell() { printf '%s\n' "$@"; }

# show NS COMMAND...: prints it as one would type it, and its output, which it leaves in $out.
out=""
show() {
  local ns=$1 words="${*:2}" rc=0
  if [ "$2 ${3:-}" = "sh -c" ]; then words=$4; fi
  words=${words//$build\//}
  words=${words//--socket $socket /}
  printf '%s$ %s%s%s\n' "$dim" "${ns:+[${ns##*-}] }" "$words" "$plain"
  out=$(in_ns "$ns" "${@:2}" 2>&1) || rc=$?
  sed 's/^/    /' <<<"$out"
  return $rc
}
in_ns() {
  local ns=$1
  shift
  if [ -n "$ns" ]; then ip netns exec "$ns" "$@"; else "$@"; fi
}
vw() { show "$sw" "$build/vethway" --socket "$socket" "$@"; }

check() {  # check NAME COMMAND...: counts it, and remembers the verdict for the end
  local name=$1
  shift
  if "$@" >/dev/null 2>&1; then
    passed=$((passed + 1)) verdicts+="${green}✓${plain} $name"$'\n'
  else
    failed=$((failed + 1)) verdicts+="${red}✗${plain} $name"$'\n'
  fi
}
out_has() { grep -qE -- "$1" <<<"$out"; }
out_lacks() { ! grep -qE -- "$1" <<<"$out"; }

# --- The network -----------------------------------------------------------------------------------
make_network() {
  local n host port
  mkdir -m 700 "$state"
  printf '%s\n' "$h1" "$sw" "$h2" >"$state/namespaces"
  for n in "$h1" "$sw" "$h2"; do
    ip netns add "$n"
    ip -n "$n" link set lo up
  done
  n=0
  for host in "$h1" "$h2"; do
    n=$((n + 1)) port=p$n
    ip -n "$host" link add eth0 address 02:00:00:00:0$n:02 type veth \
      peer name "$port" address 02:00:00:00:0$n:01 netns "$sw"
    ip -n "$sw" link set "$port" up
    ip -n "$host" link set eth0 up
    ip -n "$host" address add 10.$n.0.2/24 dev eth0
    ip -n "$host" route add default via 10.$n.0.1
  done
  cat >"$state/vethway.yaml" <<Y
ports:
  - {name: p1, veth: p1, addresses: [10.1.0.1/24]}
  - {name: p2, veth: p2, addresses: [10.2.0.1/24]}
routes:
  - {to: 192.0.2.0/24, action: blackhole}
metrics: {listen: $metrics}
control: {socket: $socket}
Y
}

now_ms() { date +%s%3N; }

# Pings from before the daemon starts until one comes back: that is "start to first forwarded packet".
start_daemon() {
  local began log=$state/log rc=0
  # h1 asks for its gateway's MAC every 20 ms: at Linux's own pace of a second, that is what we'd measure.
  ip netns exec "$h1" sysctl -qw net.ipv4.neigh.eth0.retrans_time_ms=20 net.ipv4.neigh.eth0.mcast_solicit=500
  began=$(now_ms)
  setsid ip netns exec "$sw" "$build/vethwayd" --config "$state/vethway.yaml" >"$log" 2>&1 &
  daemon=$!
  echo $daemon >"$state/daemon.pid"
  wait_first_packet "$began" || rc=$?
  ip netns exec "$h1" sysctl -qw net.ipv4.neigh.eth0.retrans_time_ms=1000 net.ipv4.neigh.eth0.mcast_solicit=3
  return $rc
}

wait_first_packet() {  # wait_first_packet BEGAN_MS
  local began=$1
  first_ms=""
  while [ $(($(now_ms) - began)) -lt 10000 ]; do
    is_running $daemon || { echo "vethwayd ended:" >&2; cat "$state/log" >&2; : >"$state/shown"; return 1; }
    if ip netns exec "$h1" ping -n -q -c 1 -i 0.05 -W 0.05 10.2.0.2 >/dev/null 2>&1; then
      first_ms=$(($(now_ms) - began))
      return 0
    fi
  done
  echo "no packet was forwarded within 10 s of vethwayd's start" >&2
  return 1
}

# --- What is shown ---------------------------------------------------------------------------------
show_start() {
  title "Two hosts (h1, h2), each with a veth cable to a switch (sw): three namespaces, nothing else touched"
  tell "    h1 eth0 10.1.0.2 ─── p1 10.1.0.1 [ vethwayd ] p2 10.2.0.1 ─── eth0 10.2.0.2 h2"
  tell "The whole configuration:"
  show "" cat "$state/vethway.yaml"
  start_daemon
  tell "vethwayd runs (pid $daemon). From its start to the first forwarded ping: ${first_ms:-never} ms."
  check "first packet forwarded within 2 s of the start (${first_ms:-never} ms)" test "${first_ms:-99999}" -lt 2000
}

show_ping() {
  title "ARP: h1 asks who has its gateway's address, and the switch answers (the kernel does not: one answer)"
  ip -n "$h1" neigh flush dev eth0
  show "$h1" ping -n -c 1 -W 2 10.1.0.1 || true
  check "ping to the switch" out_has '1 received'
  show "$h1" ip neigh show dev eth0 || true
  check "ARP resolved to the port's MAC" out_has '^10\.1\.0\.1 lladdr 02:00:00:00:01:01'
  title "Ping from host to host: routed by the switch, so the TTL is 63 and no longer 64"
  show "$h1" ping -n -c 3 -i 0.2 -W 2 10.2.0.2 || true
  check "ping from h1 to h2, no loss, no duplicate" out_has '3 received, 0% packet loss'
  check "the TTL went down by one" out_has 'ttl=63'
  title "The switch is a hop like any router"
  show "$h1" traceroute -n -w 2 -q 1 10.2.0.2 || true
  check "traceroute shows the switch, then h2" hops_are 10.1.0.1 10.2.0.2
}
hops_are() { [ "$(awk 'NR>1 {print $2}' <<<"$out" | xargs)" = "$*" ]; }

show_errors() {
  title "Nobody has 10.2.0.99: the switch asks three times for a MAC, then tells h1"
  show "$h1" ping -n -c 1 -W 5 10.2.0.99 || true
  check "host unreachable from 10.1.0.1" out_has 'From 10\.1\.0\.1 .*Destination Host Unreachable'
  title "192.0.2.0/24 is a blackhole in the configuration: dropped without a word, yet counted by its reason"
  show "$h1" ping -n -c 1 -W 1 192.0.2.1 || true
  check "blackhole is silent" out_has '0 received, 100% packet loss'
}

show_tcp() {
  title "TCP with the kernel's offloads as they are: its packets leave h1 without a checksum, and vethway copes"
  show "$h1" sh -c "ethtool -k eth0 | grep -E '^(tx-checksumming|tcp-segmentation-offload)'" || true
  check "offloads of h1 are untouched (tx-checksumming: on)" out_has 'tx-checksumming: on'
  ip netns exec "$h2" iperf3 -s -1 >"$state/iperf3.log" 2>&1 &
  echo $! >"$state/iperf3.pid"

  for _ in {1..50}; do
    ip netns exec "$h2" grep -q ':1451 .* 0A ' /proc/net/tcp /proc/net/tcp6 && break
    sleep 0.1
  done
  show "$h1" iperf3 -c 10.2.0.2 -t 3 --connect-timeout 3000 || true
  check "TCP by iperf3 for 3 s" out_has '[1-9][0-9.]* [KMG]bits/sec.*receiver'
}

show_switch() {
  title "What the switch says: its ports, routes, neighbours, and every packet it dropped, with the reason"
  vw show ports || true
  check "vethway show ports: both ports are there" out_has_all p1 p2
  vw show routes || true
  check "vethway show routes: connected and blackhole" out_has_all 10.1.0.0/24 10.2.0.0/24 blackhole
  vw show neighbours || true
  check "vethway show neighbours: both hosts" out_has_all 10.1.0.2 10.2.0.2 02:00:00:00:02:02
  vw show drops || true
  check "vethway show drops: blackhole and neighbour_failed" out_has_all blackhole neighbour_failed
  local rc=0
  vw status || rc=$?
  check "vethway status: exit status 0" test $rc -eq 0
}
out_has_all() { local word; for word; do grep -qF -- "$word" <<<"$out" || return 1; done; }

show_metrics() {
  title "The same for Prometheus"
  show "$sw" sh -c "curl -s http://$metrics/metrics | grep -E '^vethway_(port_(rx|tx)_packets|drop_packets)_total' | grep -v ' 0\$' | head -n 8" || true
  check "metrics are served" out_has '^vethway_port_rx_packets_total\{.*\} [1-9]'
  if command -v promtool >/dev/null; then
    show "$sw" sh -c "curl -s http://$metrics/metrics | promtool check metrics && echo 'promtool: nothing to say'" || true
    check "promtool finds no fault" test "$out" = "promtool: nothing to say"
  fi
  title "Every packet is accounted for: rx + originated - tx - consumed - dropped - held must be 0"
  sleep 0.3
  show "$sw" sh -c "curl -s http://$metrics/metrics | grep '^vethway_accounting_imbalance'" || true
  check "accounting imbalance is 0" out_has '^vethway_accounting_imbalance[^ ]* -?0$'
}

show_stop() {
  title "A clean end: SIGTERM"
  local began took rc=0
  began=$(now_ms)
  kill "$daemon"
  wait "$daemon" || rc=$?
  took=$(($(now_ms) - began))
  tell "    vethwayd ended after $took ms with status $rc"
  check "SIGTERM ends it in under a second, status 0" test $rc -eq 0 -a $took -lt 1000
}

verdict() {
  title "Verdict"
  printf '%s%d passed, %d failed\n' "$verdicts" "$passed" "$failed"
  [ "$failed" -eq 0 ]
}

keep() {
  : >"$state/keep"
  title "It stays up. Look around:"
  tell "    ip netns exec $h1 ping 10.2.0.2" \
    "    ip netns exec $h2 tcpdump -ni eth0" \
    "    ip netns exec $h1 bash                 # a shell in host h1; or: nsenter --net=/run/netns/$h1" \
    "    $build/vethway --socket $socket show ports" \
    "    ip netns exec $sw curl -s http://$metrics/metrics" \
    "    less $state/log                        # the daemon's log; its configuration is beside it" \
    "Take it down:  ./dev demo --down"
}

main() {
  if [ "${1:-}" = --down ]; then down_all; return; fi
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  make_network
  show_start
  show_ping
  show_errors
  show_tcp
  show_switch
  show_metrics
  if [ "${1:-}" = --keep ]; then keep; else show_stop; fi
  verdict
}
main "$@"
