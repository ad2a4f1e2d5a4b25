#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./dev test package: builds the package, and has it installed, started, upgraded, removed and purged where systemd
# runs: in a container, whose process 1 it is.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# shellcheck source=docker/engine.sh
. docker/engine.sh

package() { echo build/package/vethway_*.deb; }
inside() { docker exec machine "$@"; }
asks_as() { inside setpriv --reuid "$1" --regid "$1" "${@:2}"; }

# What the package depends on is in the image, so that the machine needs no network.
start_machine() {
  local depends
  depends=$(dpkg-deb -f "$(package)" Depends | tr ',' '\n' | sed -E 's/\(.*|\|.*//; s/ //g' | paste -sd,)
  make_base machine "systemd,systemd-sysv,dbus,iproute2,iputils-ping,libcap2-bin,man-db,$depends"
  # systemd writes below its own cgroup. No SYS_RESOURCE, which not every root has.
  local cgroups=()
  if [ -d /sys/fs/cgroup/systemd ]; then
    cgroups=(-v /sys/fs/cgroup/systemd:/sys/fs/cgroup/systemd)
  else
    cgroups=(--cgroupns private -v /sys/fs/cgroup:/sys/fs/cgroup)
  fi
  docker run -d --name machine --network none --cap-drop ALL $(printf -- '--cap-add %s ' SYS_ADMIN NET_ADMIN NET_RAW \
      IPC_LOCK SYS_NICE SETUID SETGID SETPCAP CHOWN DAC_OVERRIDE FOWNER KILL SYS_CHROOT MKNOD) \
    --security-opt seccomp=unconfined --tmpfs /run --tmpfs /tmp:exec "${cgroups[@]}" -e container=docker \
    machine /sbin/init >/dev/null
  wait_for 20 inside systemctl is-system-running --wait
  inside mount --make-rshared /  # as systemd has it on a machine, but not in a container
}

knows_unit() {
  local said
  said=$(inside systemd-analyze verify vethway.service 2>&1 | grep -v "Command 'man ") || true
  echo "$said" && [ -z "$said" ]
}
install_it() {
  docker cp "$(package)" machine:/root/vethway.deb && inside dpkg -i /root/vethway.deb
}
# The same with a higher version.
next_version() {
  dpkg-deb -R "$(package)" "$work/next" && sed -i 's/^Version: .*/&+next/' "$work/next/DEBIAN/control" &&
    dpkg-deb --root-owner-group -b "$work/next" "$work/next.deb" && docker cp "$work/next.deb" machine:/root/next.deb
}
active() { inside systemctl is-active vethway; }
main_pid() { inside systemctl show -P MainPID vethway; }
runs_without_root() {
  [ "$(inside stat -c %U "/proc/$(main_pid)")" = vethway ] || return 1
  inside getpcaps "$(main_pid)" | tee /dev/stderr | grep -q 'cap_ipc_lock,cap_net_admin\|cap_net_admin'
  ! inside getpcaps "$(main_pid)" | grep -q 'cap_sys_ptrace\|cap_dac_override\|cap_setuid'
}
make_hosts() {
  inside sh -euc 'for n in 1 2; do
    ip netns add h$n; ip -n h$n link add eth0 type veth peer name p$n netns 1; ip -n h$n link set eth0 up
    ip -n h$n address add 10.$n.0.2/24 dev eth0; ip -n h$n route add default via 10.$n.0.1; done
    sed -n "s/^# \{0,1\}\(ports\|  - {name\)/\1/p" /etc/vethway/vethway.yaml >/root/new
    cat /root/new >>/etc/vethway/vethway.yaml'
}
ping_through() { wait_for 5 inside ip netns exec h1 ping -n -c 1 -W 1 10.2.0.2; }
shielded() {  # by a BPF program, or show ports would say what is in its place
  inside vethway show ports >"$work/ports" && [ "$(grep -c "^p[12]  *up" "$work/ports")" = 2 ] && ! grep -i shield "$work/ports"
}
a_port_elsewhere() {  # a namespace by name, made after the service has started
  inside sh -euc 'ip netns add other; ip -n other link add p9 type veth peer name p9x
    cp /etc/vethway/vethway.yaml /root/good; echo "  - {name: p9, veth: {netns: other}}" >>/etc/vethway/vethway.yaml
    systemctl reload vethway; vethway show ports | grep p9
    cp /root/good /etc/vethway/vethway.yaml; systemctl reload vethway'
}
traces() {  # what compiles filters runs in the sandbox, too
  inside sh -c '(sleep 0.5; ip netns exec h1 ping -n -c 3 -i 0.2 -W 1 10.2.0.2 >/dev/null) &
    timeout 5 vethway trace -n 1 icmp' | grep -q forwarded
}
refuses_bad_reload() {
  inside sh -c 'cp /etc/vethway/vethway.yaml /root/good; echo "nonsense: 1" >>/etc/vethway/vethway.yaml
    if systemctl reload vethway; then exit 1; fi; cp /root/good /etc/vethway/vethway.yaml' || return 1
  active && inside journalctl -u vethway --no-pager | grep -q 'unknown key "nonsense"'
}
only_the_group_may_ask() {
  ! asks_as nobody vethway status && inside usermod -aG vethway games && inside runuser -u games -- vethway status
}
upgrade() {
  local before
  before=$(main_pid)
  inside dpkg -i /root/next.deb && active && [ "$(main_pid)" != "$before" ] && ping_through &&
    inside grep -q '^  - {name: p2' /etc/vethway/vethway.yaml
}
removed() {
  inside dpkg -r vethway && ! active && ! inside test -e /usr/sbin/vethwayd && inside test -e /etc/vethway/vethway.yaml &&
    inside ip link show p1 && ! inside test -e /run/vethway/vethway.sock
}
purged() {
  inside dpkg -P vethway && ! inside test -e /etc/vethway && ! inside systemctl cat vethway &&
    [ -z "$(inside sh -c 'find / -xdev -path /proc -prune -o -path "*/systemd/*vethway*" -print')" ]
}
man_pages() {
  local page
  for page in 8:vethwayd 1:vethway 5:vethway.yaml; do
    inside sh -c "gunzip -c /usr/share/man/man${page%:*}/${page#*:}.${page%:*}.gz" >"$work/page" || return 1
    mandoc -T lint -W error "$work/page" && [ "$(man -l --warnings=w "$work/page" 2>&1 >/dev/null | wc -l)" = 0 ] || return 1
  done
}
completes() {  # the packaged scripts, in their shells, with the command of the build
  local at=build/package/source/obj
  PATH=$PWD/$at:$PATH bash -c ". $at/completion/vethway; COMP_WORDS=(vethway show p); COMP_CWORD=2; _vethway; echo \${COMPREPLY[@]}" |
    grep -q 'ports.*paths\|paths.*ports' || return 1
  PATH=$PWD/$at:$PATH fish -c "source $at/completion/vethway.fish; complete -C 'vethway show p'" | grep -qx ports || return 1
  zsh -n "$at/completion/_vethway"
}

./dev package
start_engine
start_machine
check "lintian finds no error" sh -c "! grep '^E:' build/package/lintian.log"
check "installs" install_it
check "systemd knows every word of the unit" knows_unit
check "starts, and says when it is ready" wait_for 10 active
check "as a user of its own, with five capabilities" runs_without_root
make_hosts
check "reloads" inside systemctl reload vethway
check "ping through it" ping_through
check "behind the BPF shield" shielded
check "a port in a namespace made later" a_port_elsewhere
check "traces" traces
check "refuses a bad reload, and the journal says why" refuses_bad_reload
check "only the group vethway may ask" only_the_group_may_ask
next_version >/dev/null
check "survives an upgrade, with its configuration" upgrade
check "manual pages" man_pages
check "completion in bash, zsh, fish" completes
check "is removed; the interfaces and the configuration stay" removed
check "is purged without a trace" purged
[ $failed -eq 0 ] || inside journalctl --no-pager | tail -n 40
print_result
