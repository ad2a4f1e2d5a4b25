# SPDX-License-Identifier: Apache-2.0
"""What a number depends on besides the switch: the record at the head of a report."""

import contextlib
import glob
import hashlib
import os
import platform
import statistics
import subprocess
import time

from lab import die_with_the_bench
from rivals import installed

PACKAGES = ("dpdk-dev", "openvswitch-switch", "openvswitch-switch-dpdk", "iperf3", "iputils-ping",
            "iproute2")

CALM = 0.05


def read(path, default=""):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read().strip()
    except OSError:
        return default


def first_line(*command):
    try:
        done = subprocess.run(command, text=True, capture_output=True, check=False)
        return (done.stdout or done.stderr).strip().split("\n")[0]
    except OSError:
        return ""


def digest(path):
    """Names a binary, which may come from any source tree."""
    try:
        with open(path, "rb") as f:
            return "sha256 " + hashlib.sha256(f.read()).hexdigest()[:16]
    except OSError:
        return "none"


def cpu_model():
    for line in read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def mitigations():
    """Only what costs: "Not affected" does not."""
    found = []
    for path in sorted(glob.glob("/sys/devices/system/cpu/vulnerabilities/*")):
        text = read(path)
        if text.startswith("Mitigation"):
            found.append(f"{os.path.basename(path)} ({text.split(':', 1)[1].strip()})")
    return "; ".join(found) or "none"


def hugepages():
    values = dict(line.split(":", 1) for line in read("/proc/meminfo").splitlines())
    return "{} of {} free, {} each".format(*(values[k].strip() for k in (
        "HugePages_Free", "HugePages_Total", "Hugepagesize")))


def busy(seconds=0.3):
    """The part of all CPUs that is in use, whoever uses it."""
    def sample():
        values = [int(v) for v in read("/proc/stat").split("\n")[0].split()[1:9]]
        return sum(values), values[3] + values[4]

    total, unused = sample()
    time.sleep(seconds)
    total_now, unused_now = sample()
    return 1 - (unused_now - unused) / max(1, total_now - total)


def wait_calm(patience):
    """Until others leave the machine alone, but no longer; returns what was in use at last."""
    deadline = time.monotonic() + patience
    while (used := busy()) > CALM and time.monotonic() < deadline:
        time.sleep(0.5)
    return used


@contextlib.contextmanager
def awake(wanted):
    """No CPU halts meanwhile: a loop on each takes what nobody else wants (SCHED_IDLE)."""
    loops = [subprocess.Popen(["taskset", "-c", str(cpu), "chrt", "--idle", "0", "sh", "-c", "while :; do :; done"],
                              preexec_fn=die_with_the_bench) for cpu in sorted(os.sched_getaffinity(0)) if wanted]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def wake_us(waker, sleeper, times=50):
    """Median of how long a process that sleeps on another CPU takes to run, from the write that wakes it. What a
    switch that sleeps can't answer sooner than."""
    wake, told = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        die_with_the_bench()
        os.sched_setaffinity(0, {sleeper})
        os.close(wake[1])
        while os.read(wake[0], 1):
            os.write(told[1], time.monotonic_ns().to_bytes(8, "little"))
        os._exit(0)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {waker})
    took = []
    for _ in range(times):
        time.sleep(0.01)
        began = time.monotonic_ns()
        os.write(wake[1], b"x")
        took.append((int.from_bytes(os.read(told[0], 8), "little") - began) / 1e3)
    os.sched_setaffinity(0, allowed)
    for end in (*wake, *told):
        os.close(end)
    os.waitpid(child, 0)
    return statistics.median(took)


def record(options):
    root = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..")
    daemon = os.path.join(options.build, "vethwayd")
    rows = {
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "kernel": platform.release(),
        "CPU": f"{os.cpu_count()} x {cpu_model()}",
        "hypervisor": first_line("systemd-detect-virt", "--vm") or "unknown",
        "governor": read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "not exposed"),
        "mitigations": mitigations(),
        "waking a CPU that sleeps": f"{wake_us(options.host_cpu, options.switch_cpu):.0f} us",
        "hugepages": hugepages(),
        "load before": read("/proc/loadavg"),
        "CPUs": f"hosts' sender {options.host_cpu}, switch {options.switch_cpu}; iperf3 not pinned",
        "vethwayd": f"{first_line(daemon, '--version')}, {digest(daemon)}, {daemon}",
        "the bench's source": first_line("git", "-c", "safe.directory=*", "-C", root,
                                         "describe", "--always", "--dirty"),
    }
    rows |= {p: v for p in PACKAGES if (v := installed(p))}
    return rows
