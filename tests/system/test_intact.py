# SPDX-License-Identifier: Apache-2.0
"""The matrix of intactness: what a host sends (intact_rows.py) by which ports (columns). Each cell is a
test, test_COLUMN_ROW; those of a column share a lab."""

import os
from typing import NamedTuple

import intact
import intact_rows as rows
from intact import IntactLab, Path
from lab import METRICS, needs

END = "metrics: {listen: %s:%d}\ncontrol: {socket: '{socket}'}\n" % METRICS
SECOND_END = "control: {socket: '{dir}/second.sock'}\n"
VETH1, VETH2 = "  - {name: p1, veth: p1}\n", "  - {name: p2, veth: p2}\n"
ROUTED = ("ports:\n  - {name: p1, veth: p1, addresses: [10.1.0.1/24]}\n"
          "  - {name: p2, veth: p2, addresses: [10.2.0.1/24]}\n"
          f"neighbours:\n  - {{address: {intact.TARGET_IP}, mac: '{intact.TARGET}', port: p2}}\n" + END)


def wire(one, other, end=END):
    """Two ports, given as YAML, as one wire."""
    names = [port.split("name: ")[1].split(",")[0] for port in (one, other)]
    return f"ports:\n{one}{other}xconnects: [[{names[0]}, {names[1]}]]\n{end}"


def memif(role):
    return f"  - {{name: m0, memif: {{socket: '{{dir}}/m.sock', role: {role}}}}}\n"


# Options of IntactLab by a column's kind.
LABS = {
    "xconnect": {"config": wire(VETH1, VETH2)},
    "xconnect_2_workers": {"config": wire(VETH1, VETH2, "dataplane: {workers: 2}\n" + END)},
    "routed": {"config": ROUTED, "raw": False, "one_subnet": False},
    "memif": {"config": wire(VETH1, memif("server")), "second": wire(VETH2, memif("client"), SECOND_END)},
    "tap": {"config": wire(VETH1, "  - {name: t0, tap: vwtap}\n"), "tap": "vwtap", "hosts": 1},
    "af_packet": {"config": wire(VETH1, "  - {name: p2, af_packet: p2}\n")},
}


H1, H2, TAP = ("h1", "eth0"), ("h2", "eth0"), ("sw", "vwtap")


class Column(NamedTuple):
    name: str
    kind: str
    rows: tuple
    mtu: int = 1500
    source: tuple = H1
    target: tuple = H2
    source_port: str = "p1"
    target_port: str = "p2"
    source_driver: str = "veth"
    whole: bool = False  # what was left to the device arrives so
    routed: bool = False
    workers: int = 1


IP = (rows.tcp_checksum, rows.udp_checksum, rows.sctp_checksum, rows.wrong_checksum, rows.tcp_super_frame,
      rows.udp_super_frame, rows.tcp_stream, rows.udp_gso, rows.fragments, rows.fragmented_datagram, rows.packet_sizes,
      rows.burst, rows.mixed_burst)
WIRE = (*IP, rows.ip6_checksum, rows.ip6_super_frame, rows.vlan, rows.vlan_8021ad, rows.vlan_double,
        rows.vlan_offloads, rows.in_8021q, rows.in_8021ad, rows.in_two_vlans, rows.sizes)
JUMBO_IP = (rows.udp_checksum, rows.tcp_super_frame, rows.tcp_stream, rows.fragments, rows.packet_sizes)
JUMBO = (*JUMBO_IP, rows.sizes)

# Jumbo frames only by drivers that take them: DPDK 22.11's net_memif allows an MTU of 1500, net_tap of 1504.
COLUMNS = (
    Column("xconnect", "xconnect", WIRE, whole=True),
    Column("xconnect_9000", "xconnect", JUMBO, mtu=9000, whole=True),
    Column("xconnect_65535", "xconnect", (rows.sizes, rows.packet_sizes), mtu=65535, whole=True),
    Column("xconnect_2_workers", "xconnect_2_workers", IP, whole=True, workers=2),
    Column("routed", "routed", IP, whole=True, routed=True),
    Column("routed_9000", "routed", JUMBO_IP, mtu=9000, whole=True, routed=True),
    Column("memif", "memif", WIRE, target_port="m0"),
    Column("memif_back", "memif", WIRE, source=H2, target=H1, source_port="m0", target_port="p1",
           source_driver="memif"),
    Column("veth_to_tap", "tap", WIRE, target=TAP, target_port="t0"),
    Column("tap_to_veth", "tap", WIRE, source=TAP, target=H1, source_port="t0", target_port="p1",
           source_driver="tap"),
    Column("veth_to_af_packet", "af_packet", WIRE),
    Column("af_packet_to_veth", "af_packet", WIRE, source=H2, target=H1, source_port="p2", target_port="p1",
           source_driver="af_packet"),
    Column("veth_to_af_packet_9000", "af_packet", JUMBO, mtu=9000),
)

# Cells that fail, and why. They run only when named.
DEFRAGMENTED = "net_af_packet has the kernel put fragments together (PACKET_FANOUT_FLAG_DEFRAG)"
TPID_LOST = "net_af_packet puts each tag back as one of 802.1Q"
NOT_REPAIRED = "rx_repair looks at IPv4 without a tag only"
EMSGSIZE = "packet(7) takes a frame of the MTU and a tag only if that is one of 802.1Q"
TWO_TAGS = "a frame of the MTU and two tags is longer than what a packet socket sends"
LIMITS = {
    "xconnect": {rows.in_8021ad: EMSGSIZE, rows.in_two_vlans: TWO_TAGS},
    "memif": {rows.in_8021ad: EMSGSIZE, rows.in_two_vlans: TWO_TAGS},
    "memif_back": {rows.in_8021ad: EMSGSIZE, rows.in_two_vlans: TWO_TAGS},
    "veth_to_tap": {rows.in_two_vlans: TWO_TAGS},
    "tap_to_veth": {rows.in_8021ad: EMSGSIZE, rows.in_two_vlans: TWO_TAGS,
                    rows.sctp_checksum: "the kernel completes it for its tap as if it were TCP's"},
    "veth_to_af_packet": {rows.in_8021q: NOT_REPAIRED, rows.in_8021ad: TPID_LOST, rows.in_two_vlans: TPID_LOST},
    "af_packet_to_veth": {
        rows.fragments: DEFRAGMENTED, rows.fragmented_datagram: DEFRAGMENTED, rows.vlan_8021ad: TPID_LOST,
        rows.vlan_double: TPID_LOST, rows.in_8021ad: TPID_LOST, rows.in_two_vlans: TPID_LOST,
        rows.ip6_checksum: NOT_REPAIRED, rows.ip6_super_frame: NOT_REPAIRED, rows.vlan_offloads: NOT_REPAIRED,
        rows.in_8021q: NOT_REPAIRED},
}


def cell(column, row):
    options = {"raw": True, **LABS[column.kind], "mtu": column.mtu}

    @needs(kind=IntactLab, shared=f"{column.kind}_{column.mtu}", **options)
    def test(lab):
        row(Path(lab, column))

    test.explicit = row in LIMITS.get(column.name, {})
    return test


if (os.cpu_count() or 1) < 2:
    COLUMNS = tuple(column for column in COLUMNS if column.kind != "xconnect_2_workers")
for _column in COLUMNS:
    for _row in _column.rows:
        globals()[f"test_{_column.name}_{_row.__name__}"] = cell(_column, _row)
