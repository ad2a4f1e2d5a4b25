# SPDX-License-Identifier: Apache-2.0
"""The rivals: a file each. It says what class Rival asks; every subclass with a name is found."""

import importlib
import pkgutil
import shutil
import subprocess


FLOOD_PORTS = 16  # that a frame leaves by


def installed(package):
    """Its version, or None."""
    done = subprocess.run(["dpkg-query", "-W", "-f=${db:Status-Status} ${Version}", package],
                          text=True, capture_output=True, check=False)
    state, _, version = done.stdout.partition(" ")
    return version if state == "installed" else None


class Rival:
    """A switch between lab.ports, in namespace "sw", as a context manager."""

    name = ""
    what = ""                # a line for the tables
    # "l2": a wire, one subnet; "domain": a bridge that learns; "flood": the same, and what is
    # measured goes to all of FLOOD_PORTS; "l3", the last if it is there: a router between two
    kinds = ("l2",)
    packages = ()            # of Debian, that it needs
    programs = ()            # that it needs
    hosts_offloads = True    # False: TCP does not pass unless the hosts turn their offloads off
    own_mac = False          # True: routes with lab.router_mac(n), which the veth ends do not have
    medium = "veth"          # or "memif": its ports are the servers of lab.socket(port)
    queues = 1               # of a memif port, that its peer must have
    optional = False         # True: runs only when named
    has_process = True       # False: the kernel's, without a process to pin or to measure

    def __init__(self, lab, options):
        self.lab, self.options = lab, options
        self.processes = []

    @classmethod
    def missing(cls, options, kind):
        """Why it can't run here, or ""."""
        if kind not in cls.kinds:
            return f"not for {kind}"
        packages = [p for p in cls.packages if not installed(p)]
        if packages:
            return "apt-get install " + " ".join(packages)
        programs = [p for p in cls.programs if not shutil.which(p)]
        return "no program " + " ".join(programs) if programs else ""

    def start(self):
        raise NotImplementedError

    def spawn(self, command, **more):
        """A process of the switch, on the switch's CPU unless `cpu` says otherwise."""
        process = self.lab.spawn("sw", command, **{"cpu": self.options.switch_cpu, **more})
        self.processes.append(process)
        return process

    def pids(self):
        return [p.pid for p in self.processes]

    def check_alive(self):
        return next((f"ended with status {p.returncode}" for p in self.processes
                     if p.poll() is not None), "")

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for process in reversed(self.processes):
            self.lab.end(process)
        self.processes.clear()


def find():
    """All there are, vethway's own first."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    found, left = [], [Rival]
    while left:
        one = left.pop()
        left += one.__subclasses__()
        if one.name:
            found.append(one)
    return sorted(found, key=lambda r: (not r.name.startswith("vethway"), r.name))
