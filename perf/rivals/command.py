# SPDX-License-Identifier: Apache-2.0
"""Any command as a rival: --command "NAME[,l3][,no-offloads]=CMD"."""

import shlex

from rivals import Rival


def from_option(text):
    """A class, as a file here would have it."""
    head, equals, command = text.partition("=")
    name, *flags = head.split(",")
    if not (equals and name and command) or set(flags) - {"l3", "no-offloads"}:
        raise ValueError(f'{text}: expected "NAME[,l3][,no-offloads]=CMD"')

    def start(self):
        values = {"dir": self.lab.dir, "cpu": self.options.switch_cpu}
        values |= {port: port for port in self.lab.ports}
        self.spawn(shlex.split(command.format(**values)))

    return type("Command", (Rival,), {
        "name": name, "what": f"`{command}`", "start": start,
        "kinds": ("l3",) if "l3" in flags else ("l2",),
        "hosts_offloads": "no-offloads" not in flags})
