#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A runtime for Docker: runc, for a container that is given whatever there is (--privileged) on a machine whose root
lacks CAP_SYS_RESOURCE. runc can't give what it has not, and fails; so that capability is taken out of what Docker asks
for, of a container (create --bundle) and of what is run in it (exec --process).

  dockerd --add-runtime without=/…/docker/runc_without.py;  docker run --runtime without --privileged …
"""

import json
import os
import sys

LACKING = "CAP_SYS_RESOURCE"


def take_out(file):
    with open(file) as f:
        spec = json.load(f)
    for names in spec.get("process", spec).get("capabilities", {}).values():
        names[:] = [name for name in names if name != LACKING]
    with open(file, "w") as f:
        json.dump(spec, f)


def main(arguments):
    for option, value in zip(arguments, arguments[1:]):
        if option in ("--bundle", "-b"):
            take_out(os.path.join(value, "config.json"))
        elif option in ("--process", "-p"):
            take_out(value)
    os.execvp("runc", ["runc", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
