# SPDX-License-Identifier: Apache-2.0
"""Frames made comparable, and made readable.

Only what must differ between two routers is taken out of a frame: the IP id of packets of their own (kept:
which of them share one), the time of day that a router writes. A checksum is made anew only where it was
right, so a wrong one is still seen."""

import time

import topology
from frames import is_arp, is_ip, parse
from scapy.utils import checksum

DAY_MS = 86_400_000
NEAR_MS = 5_000
TIME = b"TIME"
OPTION_TIMESTAMP, ICMP_TIMESTAMP_REPLY = 68, 14
ICMP_ERRORS = (3, 11, 12)
OWN = {bytes(int(x) for x in a.split(".")) for a in topology.OWN_ADDRESSES}


class Normaliser:
    """For what one router sent in one case."""

    def __init__(self):
        self.ids = {}
        self.now_ms = int(time.time() * 1000) % DAY_MS

    def frame(self, frame):
        if not is_ip(frame) or len(frame) < 34 or frame[14] >> 4 != 4:
            return frame
        header = (frame[14] & 15) * 4
        ip, rest = bytearray(frame[14:14 + header]), frame[14 + header:]
        if checksum(bytes(ip)):
            return frame
        own = bytes(ip[12:16]) in OWN
        if own:
            ip[4:6] = self.ids.setdefault(bytes(ip[4:6]), len(self.ids) + 1).to_bytes(2, "big")
            rest = self.own_timestamps(ip, self.quoted_timestamps(ip, rest))
        self.option_timestamps(ip)
        ip[10:12] = bytes(2)
        ip[10:12] = checksum(bytes(ip)).to_bytes(2, "big")
        return frame[:14] + bytes(ip) + rest

    def is_now(self, word):
        apart = (int.from_bytes(word, "big") - self.now_ms) % DAY_MS
        return min(apart, DAY_MS - apart) < NEAR_MS

    def option_timestamps(self, ip):
        at = 20
        while at + 1 < len(ip) and ip[at] != 0:
            if ip[at] == 1:
                at += 1
                continue
            if ip[at] == OPTION_TIMESTAMP:
                # In line with what comes next; a pointer may be odd.
                first = at + 4 + (ip[at + 2] - 5) % 4 if at + 2 < len(ip) else at + 4
                for word in range(first, min(at + ip[at + 1], len(ip)) - 3, 4):
                    if self.is_now(ip[word:word + 4]):
                        ip[word:word + 4] = TIME
            at += max(2, ip[at + 1])

    def quoted_timestamps(self, ip, rest):
        """An error quotes the packet with what the router has written into its options."""
        if ip[9] != 1 or len(rest) < 28 or rest[0] not in ICMP_ERRORS or rest[8] < 0x46 or checksum(rest):
            return rest
        header = (rest[8] & 15) * 4
        quoted = bytearray(rest[8:8 + header])
        self.option_timestamps(quoted)
        made = bytearray(rest[:2] + bytes(2) + rest[4:8] + quoted + rest[8 + header:])
        made[2:4] = checksum(bytes(made)).to_bytes(2, "big")
        return bytes(made)

    def own_timestamps(self, ip, rest):
        if ip[9] != 1 or len(rest) < 20 or rest[0] != ICMP_TIMESTAMP_REPLY or checksum(rest):
            return rest
        words = [TIME if at >= 12 and self.is_now(rest[at:at + 4]) else rest[at:at + 4] for at in (8, 12, 16)]
        made = bytearray(rest[:2] + bytes(2) + rest[4:8] + b"".join(words) + rest[20:])
        made[2:4] = checksum(bytes(made)).to_bytes(2, "big")
        return bytes(made)


def normal(found):
    """{port: [frame, …]} in a form that two routers can agree on."""
    one = Normaliser()
    return {port: [one.frame(f) for f in many] for port, many in sorted(found.items())}


# --- For people
def decoded(frame):
    """One line, in scapy's own words; a long payload is shortened."""
    if not frame:
        return "(a marker did not come out)"
    try:
        packet = parse(frame)
        layer, shown = packet, []
        while layer and layer.name not in ("Raw", "Padding", "NoPayload"):
            fields = ", ".join(f"{k}={v!r}" for k, v in layer.fields.items() if v not in (None, []))
            shown.append(f"{type(layer).__name__}({fields})")
            layer = layer.payload
        if data := bytes(layer):
            shown.append(f"{data[:24].hex()}{'…' if len(data) > 24 else ''}[{len(data)}]")
        return f"{' / '.join(shown)}  [{len(frame)}]"
    except Exception:  # scapy gives up on what was broken on purpose
        return f"{frame[:64].hex()} [{len(frame)}]"


ICMP_NAMES = {0: "echo reply", 8: "echo request", 14: "timestamp reply"}


def short_ip(frame):
    header, flags = (frame[14] & 15) * 4, int.from_bytes(frame[20:22], "big")
    body, protocol = frame[14 + header:], frame[23]
    if flags & 0x1FFF:
        what = f"proto {protocol}"
    elif protocol == 1 and len(body) >= 2:
        what = ICMP_NAMES.get(body[0], f"icmp {body[0]}/{body[1]}")
    elif protocol == 6 and len(body) >= 14:
        what = "tcp " + "".join(c for i, c in enumerate("FSRPAU") if body[13] >> i & 1)
    else:
        what = {17: "udp"}.get(protocol, f"proto {protocol}")
    shown = [what, "from " + ".".join(str(x) for x in frame[26:30]), f"len {int.from_bytes(frame[16:18], 'big')}"]
    if frame[15]:
        shown.append(f"tos 0x{frame[15]:02x}")
    if flags & 0x3FFF:
        shown.append(f"frag {flags & 0x1FFF}{'+' if flags & 0x2000 else ''}")
    if header > 20:
        shown.append(f"options {frame[34:14 + header].hex()}")
    return " ".join(shown)


def short_arp(frame):
    operation = {1: "request", 2: "reply"}.get(int.from_bytes(frame[20:22], "big"), "?")
    sender, target = (".".join(str(x) for x in frame[at:at + 4]) for at in (28, 38))
    return f"arp {operation} {sender} > {target}"


def short(frame):
    if not frame:
        return "marker lost"
    if is_arp(frame) and len(frame) >= 42:
        return short_arp(frame)
    if is_ip(frame) and len(frame) >= 34:
        return short_ip(frame)
    return f"frame {frame[12:14].hex()} [{len(frame)}]"


def outcome(found):
    """What came out, in a line that a list of differences can name: "p1: icmp 3/3 from 10.1.0.1 …"."""
    return "; ".join(f"p{port}: {short(f)}" for port, many in sorted(found.items()) for f in many) or "nothing"
