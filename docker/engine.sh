# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A Docker engine of the test's own, sourced by the tests that want one: without bridges, firewall rules and registry,
# in $work, ended by its pid. `check` counts, and print_result says the last line that ./dev test reads.
work=$(mktemp -d /tmp/vethway-docker.XXXXXX)
engine=unix://$work/docker.sock
dockerd_pid="" passed=0 failed=0
docker() { /usr/bin/docker -H "$engine" "$@"; }
at_the_end() { :; }  # what a test has to take down itself

finish() {
  local rc=$? id
  trap - EXIT
  set +e
  at_the_end
  for id in $([ -n "$dockerd_pid" ] && docker ps -aq 2>/dev/null); do docker rm -f "$id" >/dev/null; done
  if [ -n "$dockerd_pid" ]; then kill "$dockerd_pid"; wait "$dockerd_pid" 2>/dev/null; fi
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
print_result() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
wait_for() {  # wait_for SECONDS COMMAND...
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $until ] || return 1
    sleep 0.1
  done
}

run_engine() {  # run_engine [WRAPPER... --] FLAGS...
  local wrapper=()
  while [[ " $* " = *" -- "* ]]; do
    if [ "$1" = -- ]; then shift && break; fi
    wrapper+=("$1") && shift
  done
  "${wrapper[@]}" dockerd --host "$engine" --pidfile "$work/docker.pid" --data-root "$work/data" --exec-root "$work/exec" \
    --storage-driver overlay2 --exec-opt native.cgroupdriver=cgroupfs --add-runtime "without=$PWD/docker/runc_without.py" "$@" >"$work/dockerd.log" 2>&1 &
  dockerd_pid=$!
  wait_for 30 docker info || { tail -n 5 "$work/dockerd.log"; echo "no Docker engine"; exit 1; }
}
start_engine() {  # it makes no networks
  run_engine --bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false
}
start_engine_in() {  # start_engine_in NETNS: with networks, whose bridges and rules are there. nsenter leaves /sys alone
  run_engine nsenter --net="/run/netns/$1" -- --bip 198.18.100.1/24 --default-address-pool base=198.19.0.0/16,size=24
}
stop_engine() {
  kill "$dockerd_pid" && wait "$dockerd_pid" 2>/dev/null || true
  dockerd_pid=""
}

# --privileged gives all capabilities there are: where root has not all, it takes another runtime (runc_without.py).
privileged=(--privileged)
if ! ((0x$(sed -n 's/^CapBnd:\t//p' /proc/self/status) >> 24 & 1)); then privileged+=(--runtime without); fi

# make_base IMAGE [PACKAGE,PACKAGE...]: a root of Debian 12, so that no registry is asked.
make_base() {
  mmdebstrap --quiet --variant=minbase --include="ca-certificates${2:+,$2}" bookworm "$work/base.tar" >/dev/null
  docker import "$work/base.tar" "$1" >/dev/null
  rm "$work/base.tar"
}
