# SPDX-License-Identifier: Apache-2.0
"""VLAN interfaces for kernels that have none: programs on a host's interface that tag all it sends, as a
VLAN interface does (the tag beside the frame, not in it), and untag all it receives."""

import contextlib
import ctypes
import os
import platform
import socket
import struct

from support import inside

_libc = ctypes.CDLL(None, use_errno=True)
BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]  # the syscall's number
PROG_LOAD, PROG_QUERY, LINK_CREATE = 5, 16, 28             # enum bpf_cmd
SCHED_CLS, INGRESS, EGRESS = 3, 46, 47                     # BPF_PROG_TYPE_, BPF_TCX_
VLAN_PUSH, VLAN_POP = 18, 19                               # enum bpf_func_id


def _bpf(command, attributes):
    """(what the call returns, the attributes after it)"""
    buffer = ctypes.create_string_buffer(attributes.ljust(120, b"\0"), 120)
    result = _libc.syscall(BPF, command, buffer, 120)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {command}")
    return result, buffer.raw


def tcx_programs(ns, interface):
    """How many programs are on it, in both directions."""
    with inside(ns):
        index = socket.if_nametoindex(interface)
        answers = [_bpf(PROG_QUERY, struct.pack("=II", index, where))[1] for where in (INGRESS, EGRESS)]
    return sum(int.from_bytes(answer[24:28], "little") for answer in answers)


def _program(calls):
    """calls: (helper, arguments behind the skb)"""
    def code(op, registers=0, value=0):
        return struct.pack("=BBhi", op, registers, 0, value)

    text = code(0xbf, 0x16)                                       # r6 = r1
    for helper, *arguments in calls:
        text += code(0xbf, 0x61)                                  # r1 = r6
        for n, value in enumerate(arguments):
            text += code(0xb4, 2 + n, value)                      # w2 = …, w3 = …
        text += code(0x85, 0, helper)                             # call
    text += code(0xb7, 0, -1) + code(0x95)                        # return TCX_NEXT
    insns, license = ctypes.create_string_buffer(text), ctypes.create_string_buffer(b"GPL")
    return _bpf(PROG_LOAD, struct.pack("=IIQQ", SCHED_CLS, len(text) // 8, ctypes.addressof(insns),
                                       ctypes.addressof(license)))[0]


@contextlib.contextmanager
def tagging(ends, tags):
    """ends: (namespace, interface); tags: (TPID, TCI), the outermost first."""
    push = _program([(VLAN_PUSH, socket.htons(tpid), tci) for tpid, tci in reversed(tags)])
    pop = _program([(VLAN_POP,)] * len(tags))
    fds = [push, pop]
    try:
        for ns, interface in ends:
            with inside(ns):
                index = socket.if_nametoindex(interface)
                for program, where in ((push, EGRESS), (pop, INGRESS)):
                    fds.append(_bpf(LINK_CREATE, struct.pack("=IIII", program, index, where, 0))[0])
        yield
    finally:
        for fd in reversed(fds):
            os.close(fd)
