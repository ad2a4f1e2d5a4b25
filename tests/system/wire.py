# SPDX-License-Identifier: Apache-2.0
"""One end of a veth cable, frame by frame."""

import select
import socket
import time

import frames
from support import SLOW, Failure, inside


class Wire:
    """The host's end of a cable, frame by frame: what is sent here the switch receives."""

    def __init__(self, ns, interface):
        self.interface, self.log = interface, []
        with inside(ns):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.setsockopt(263, 23, 1)  # SOL_PACKET, PACKET_IGNORE_OUTGOING
            self.socket.setsockopt(263, 8, 1)   # PACKET_AUXDATA: the VLAN tag that the kernel takes off
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
            self.socket.bind((interface, 3))    # ETH_P_ALL

    def send(self, *many):
        for frame in many:
            self.log.append((">", frame))
            self.socket.send(frame)

    def receive(self, timeout=1.0, want=lambda frame: True):
        """The next frame that `want` says yes to, or None."""
        deadline = time.monotonic() + timeout * SLOW
        while True:
            left = max(0.0, deadline - time.monotonic())  # what is there already counts, however late
            if not select.select([self.socket], [], [], left)[0]:
                return None
            frame, extra, _, _ = self.socket.recvmsg(65536, 64)
            for _, _, data in extra:  # struct tpacket_auxdata: status … vlan_tci, vlan_tpid
                if int.from_bytes(data[0:4], "little") & 0x10:
                    frame = frame[:12] + data[18:20][::-1] + data[16:18][::-1] + frame[12:]
            self.log.append(("<", frame))
            if want(frame):
                return frame

    def expect(self, timeout=2.0, want=frames.is_ip):
        """The same, parsed; Failure when none came."""
        frame = self.receive(timeout, want)
        if frame is None:
            raise Failure(f"{self.interface}: no such frame came")
        return frames.parse(frame)

    def drain(self, quiet=0.2, want=lambda frame: True):
        """All frames until none came for `quiet` seconds."""
        found = []
        while (frame := self.receive(quiet)) is not None:
            if want(frame):
                found.append(frame)
        return found

    def expect_nothing(self, quiet=0.25, want=lambda frame: True):
        found = self.drain(quiet, want)
        if found:
            raise Failure(f"{self.interface}: unexpected {frames.parse(found[0]).summary()}")

    def close(self):
        self.socket.close()
