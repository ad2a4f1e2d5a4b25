# SPDX-License-Identifier: Apache-2.0
"""What becomes of a valid frame when somebody means harm."""

from frames import patched

CHANGES = (lambda b: 0, lambda b: 0xff, lambda b: b ^ 0x80, lambda b: b ^ 1)


def with_header_sum(frame):
    """The same with the IPv4 header's checksum right, where there is a header, so that more looks at the rest."""
    size = (frame[14] & 15) * 4 if len(frame) > 14 else 0
    if frame[12:14] != b"\x08\x00" or not 20 <= size <= len(frame) - 14:
        return frame
    header = patched(frame, 24, b"\0\0")[14:14 + size]
    total = sum(int.from_bytes(header[i:i + 2], "big") for i in range(0, size, 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return patched(frame, 24, (~total & 0xffff).to_bytes(2, "big"))


def harmful(frame):
    """All of them, each once."""
    made = {frame[:size] for size in range(14, len(frame))}
    for at in range(min(len(frame), 100)):
        for change in CHANGES:
            made.add(patched(frame, at, bytes((change(frame[at]),))))
    return sorted(made | {with_header_sum(f) for f in made})
