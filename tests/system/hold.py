# SPDX-License-Identifier: Apache-2.0
"""One thread of the daemon stands still while the others go on: what it would empty fills up, for certain."""

import contextlib
import ctypes
import os

from support import Failure

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17  # include/uapi/linux/ptrace.h
WALL = 0x40000000                              # __WALL: threads, too

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(what, thread):
    if _libc.ptrace(what, thread, None, None) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace request {what:#x} of thread {thread}")


@contextlib.contextmanager
def held(thread):
    """The thread of this id stands still during the block, and no other."""
    _ptrace(SEIZE, thread)
    try:
        _ptrace(INTERRUPT, thread)
        _, status = os.waitpid(thread, WALL)
        if not os.WIFSTOPPED(status):
            raise Failure(f"thread {thread} ended with {status:#x} instead of standing still")
        yield
    finally:
        with contextlib.suppress(OSError):  # it has been killed meanwhile
            _ptrace(DETACH, thread)


def control_thread(daemon):
    return daemon.process.pid


def worker_thread(daemon, number=0):
    """Workers are EAL's threads, in the order of their lcores (dataplane/dataplane.cpp)."""
    found = []
    for thread in sorted(map(int, os.listdir(f"/proc/{daemon.process.pid}/task"))):
        with open(f"/proc/{daemon.process.pid}/task/{thread}/comm") as f:
            if "worker-" in (name := f.read().strip()):
                found.append((int(name.rsplit("-", 1)[1]), thread))
    return sorted(found)[number][1]
