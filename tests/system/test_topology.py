# SPDX-License-Identifier: Apache-2.0
"""The networks of docker/lab, without Docker."""

import os
import subprocess

from lab import BUILD, ROOT


def test_triangle_of_namespaces():
    script = os.path.join(ROOT, "docker", "lab", "namespaces.sh")
    done = subprocess.run([script, "test"], capture_output=True, text=True, check=False, timeout=60,
                          env={**os.environ, "VETHWAY_LAB": f"vwt{os.getpid()}", "VETHWAY_BUILD": BUILD})
    assert done.returncode == 0 and done.stdout.count("ok  ") == 3, done.stdout + done.stderr
