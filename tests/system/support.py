# SPDX-License-Identifier: Apache-2.0
"""What all parts of the harness use."""

import contextlib
import ctypes
import os
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.realpath(os.environ.get("VETHWAY_BUILD", os.path.join(ROOT, "build")))
SLOW = float(os.environ.get("VETHWAY_SLOW", "1"))  # a sanitizer build takes its time: factor of waits
METRICS = ("127.0.0.1", 9464)

_libc = ctypes.CDLL(None, use_errno=True)


class Failure(AssertionError):
    pass


def needs(**options):
    """Decorator: the Lab that the test gets is made with these."""
    def mark(function):
        function.lab_options = options
        return function
    return mark


class Skip(Exception):
    """Only for what the kernel does not have."""


def wait_for(check, timeout=2.0, what="condition", interval=0.02):
    """The first true value of check(); Failure when there was none in time."""
    deadline = time.monotonic() + timeout * SLOW
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"not within {timeout * SLOW:g} s: {what() if callable(what) else what}")
        time.sleep(interval)


@contextlib.contextmanager
def inside(ns):
    """This thread in namespace `ns`, and back again."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    other = os.open(f"/run/netns/{ns}", os.O_RDONLY)
    try:
        if _libc.setns(other, 0x40000000):
            raise OSError(ctypes.get_errno(), f"setns {ns}")
        yield
    finally:
        if _libc.setns(own, 0x40000000):
            os._exit(99)  # never go on in the wrong namespace
        os.close(own)
        os.close(other)


def difference(before, after, path=""):
    if isinstance(before, dict) and isinstance(after, dict):
        return "; ".join(filter(None, (difference(before.get(k), after.get(k), f"{path}/{k}")
                                       for k in sorted({*before, *after}))))
    if isinstance(before, list) and isinstance(after, list) and before != after:
        return f"{path}: -{[x for x in before if x not in after]} +{[x for x in after if x not in before]}"
    return "" if before == after else f"{path}: {before} -> {after}"
