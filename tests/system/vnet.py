# SPDX-License-Identifier: Apache-2.0
"""Frames with what their sender left to the device (PACKET_VNET_HDR), and what they mean: a second
implementation of checksum completion and segmentation, for the tests to judge by."""

import ctypes
import select
import socket
import struct
import time
from typing import NamedTuple

from support import SLOW, inside

NEEDS_CSUM = 1                             # include/uapi/linux/virtio_net.h
TCP4, TCP6, UDP_L4, ECN = 1, 4, 5, 0x80
HEADER = struct.Struct("=BBHHHH")
TCP_FIELD, UDP_FIELD, SCTP_FIELD = 16, 6, 8
SOL_PACKET, AUXDATA, VNET_HDR, IGNORE_OUTGOING = 263, 8, 15, 23
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
VLAN_VALID, TPID_VALID = 0x10, 0x40


class Packet(NamedTuple):
    frame: bytes
    needs_csum: bool = False
    start: int = 0      # where the checksum begins
    offset: int = 0     # of its field, from there
    gso: int = 0        # 0, TCP4, TCP6 or UDP_L4
    size: int = 0       # of payload in each segment but the last

    def header(self):
        payload = self.start + l4_header(self) if self.gso else 0
        return HEADER.pack(NEEDS_CSUM if self.needs_csum else 0, self.gso, payload, self.size, self.start,
                           self.offset)


def fold(data):
    """The ones' complement sum of 16-bit words."""
    value = int.from_bytes(data + b"\0" * (len(data) & 1), "big")
    return value % 0xffff or (0xffff if value else 0)


def put16(data, at, value):
    return data[:at] + value.to_bytes(2, "big") + data[at + 2:]


def get16(data, at):
    return int.from_bytes(data[at:at + 2], "big")


def _crc_table():
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        yield n


CRC_TABLE = list(_crc_table())


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


def l3_of(frame):
    """Where the network header begins: behind all tags."""
    at = 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    return at + 2


def pseudo_sum(frame, l4):
    at, size = l3_of(frame), len(frame) - l4
    if frame[at] >> 4 == 4:
        return fold(frame[at + 12:at + 20] + bytes([0, frame[at + 9]]) + size.to_bytes(2, "big"))
    return fold(frame[at + 8:at + 40] + size.to_bytes(4, "big") + bytes([0, 0, 0, frame[at + 6]]))


def l4_of(frame):
    at = l3_of(frame)
    return at + (frame[at] & 15) * 4 if frame[at] >> 4 == 4 else at + 40


def l4_header(packet):
    return 8 if packet.gso == UDP_L4 else (packet.frame[packet.start + 12] >> 4) * 4


def partial(frame, offset, gso=0, size=0):
    """The frame as a host hands it to a device that computes checksums."""
    l4 = l4_of(frame)
    if offset == SCTP_FIELD:
        frame = frame[:l4 + offset] + b"\0\0\0\0" + frame[l4 + offset + 4:]
    else:
        frame = put16(frame, l4 + offset, pseudo_sum(frame, l4))
    return Packet(frame, True, l4, offset, gso, size)


def complete(packet):
    at = packet.start + packet.offset
    if packet.offset == SCTP_FIELD:
        bare = packet.frame[:at] + b"\0\0\0\0" + packet.frame[at + 4:]
        return bare[:at] + crc32c(bare[packet.start:]).to_bytes(4, "little") + bare[at + 4:]
    return put16(packet.frame, at, 0xffff - fold(packet.frame[packet.start:]) or 0xffff)


def ip_checksummed(frame):
    at = l3_of(frame)
    bare = put16(frame, at + 10, 0)
    return put16(bare, at + 10, 0xffff - fold(bare[at:at + (frame[at] & 15) * 4]))


def _segment(packet, number, payload, skipped, is_last):
    headers, l3, l4 = packet.frame[:packet.start + l4_header(packet)], l3_of(packet.frame), packet.start
    frame = headers + payload
    if frame[l3] >> 4 == 4:
        frame = put16(frame, l3 + 2, len(frame) - l3)
        frame = ip_checksummed(put16(frame, l3 + 4, (get16(frame, l3 + 4) + number) & 0xffff))
    else:
        frame = put16(frame, l3 + 4, len(frame) - l3 - 40)
    if packet.gso == UDP_L4:
        frame = put16(frame, l4 + 4, len(frame) - l4)
    else:
        sequence = int.from_bytes(frame[l4 + 4:l4 + 8], "big") + skipped
        frame = frame[:l4 + 4] + (sequence & 0xffffffff).to_bytes(4, "big") + frame[l4 + 8:]
        flags = frame[l4 + 13] & (0xff if is_last else ~0x09) & (0xff if number == 0 else ~0x80)
        frame = frame[:l4 + 13] + bytes([flags]) + frame[l4 + 14:]
    return complete(partial(frame, packet.offset))


def on_the_wire(packet):
    """The frames that the sender meant: what a cable without offloads would carry."""
    if not packet.gso:
        return [complete(packet) if packet.needs_csum else packet.frame]
    payload = packet.frame[packet.start + l4_header(packet):]
    cuts = range(0, len(payload), packet.size)
    return [_segment(packet, n, payload[at:at + packet.size], at, at + packet.size >= len(payload))
            for n, at in enumerate(cuts)]


class _Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("size", ctypes.c_size_t)]


class _Header(ctypes.Structure):  # struct msghdr
    _fields_ = [("name", ctypes.c_void_p), ("name_size", ctypes.c_uint32), ("iov", ctypes.POINTER(_Iovec)),
                ("iov_count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_size", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class _Message(ctypes.Structure):  # struct mmsghdr
    _fields_ = [("header", _Header), ("sent", ctypes.c_uint)]


_libc = ctypes.CDLL(None, use_errno=True)


class VnetSocket:
    """A packet socket on an interface of namespace `ns`, with the header before each frame."""

    def __init__(self, ns, interface):
        with inside(ns):
            self.socket = s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            for option in (AUXDATA, VNET_HDR, IGNORE_OUTGOING):
                s.setsockopt(SOL_PACKET, option, 1)
            for option in (SO_SNDBUFFORCE, SO_RCVBUFFORCE):
                s.setsockopt(socket.SOL_SOCKET, option, 32 << 20)
            s.bind((interface, 3))  # ETH_P_ALL

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, packets):
        """By one sendmmsg, as far as it goes."""
        parts = [_Iovec(p.header() + p.frame, HEADER.size + len(p.frame)) for p in packets]
        messages = (_Message * len(parts))(*[_Message(_Header(iov=ctypes.pointer(part), iov_count=1))
                                               for part in parts])
        done = 0
        while done < len(parts):
            left = ctypes.byref(messages, done * ctypes.sizeof(_Message))
            sent = _libc.sendmmsg(self.socket.fileno(), left, len(parts) - done, 0)
            if sent < 0:
                raise OSError(ctypes.get_errno(), f"sendmmsg of a frame of {len(packets[done].frame)} bytes")
            done += sent

    def receive(self, want, timeout=1.0):
        """The next Packet whose frame `want` says yes to, as a whole with its tag; None: none came."""
        deadline = time.monotonic() + timeout * SLOW
        while select.select([self.socket], [], [], max(0.0, deadline - time.monotonic()))[0]:
            data, extra, _, _ = self.socket.recvmsg(HEADER.size + (1 << 17), 64)
            flags, gso, _, size, start, offset = HEADER.unpack_from(data)
            frame, tag = data[HEADER.size:], b""
            for _, _, aux in extra:  # struct tpacket_auxdata
                status, tci, tpid = int.from_bytes(aux[0:4], "little"), aux[17:15:-1], aux[19:17:-1]
                if status & VLAN_VALID:
                    tag = (tpid if status & TPID_VALID else b"\x81\x00") + tci
            frame = frame[:12] + tag + frame[12:]
            if not want(frame):
                continue
            needs = bool(flags & NEEDS_CSUM)
            return Packet(frame, needs, start + len(tag) if needs else 0, offset if needs else 0, gso, size)
        return None
