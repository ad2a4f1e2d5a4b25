# SPDX-License-Identifier: Apache-2.0
"""One vethwayd: started, asked over its socket, ended."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time

from support import BUILD, SLOW, Failure, wait_for


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class ApiError(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Daemon:
    """One vethwayd. `ns` None: the caller's namespace."""

    def __init__(self, config_file, socket_path, log_file, ns=None, env=None, prefix=(), args=()):
        self.socket, self.log_file = socket_path, log_file
        command = [*(["ip", "netns", "exec", ns] if ns else []), *prefix,
                   os.path.join(BUILD, "vethwayd"), "--config", config_file, *args]
        with open(log_file, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env={**os.environ, **(env or {})})

    @property
    def log(self):
        with open(self.log_file, errors="replace") as f:
            return f.read()

    def running(self):
        return self.process.poll() is None

    def api(self, method, path, body=None, headers=None, timeout=10):
        connection = UnixConnection(self.socket, timeout * SLOW)
        try:
            data = body if body is None or isinstance(body, str) else json.dumps(body)
            connection.request(method, "/v1" + path, data, headers or {})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        kind = answer.getheader("Content-Type") or ""
        value = json.loads(text) if "json" in kind and text else text
        if answer.status >= 400:
            raise ApiError(answer.status, value)
        return value

    def wait_ready(self, timeout=10):
        def ready():
            if not self.running():
                raise Failure(f"vethwayd ended with status {self.process.returncode}:\n{self.log}")
            try:
                return self.api("GET", "/status")
            except (OSError, http.client.HTTPException, ApiError):
                return None

        return wait_for(ready, timeout, "vethwayd is ready")

    def ports(self):
        return {p["name"]: p for p in self.api("GET", "/ports")["ports"]}

    def wait_ports_up(self):
        wait_for(lambda: all(p["state"] == "up" for p in self.ports().values() if p["admin"] == "up"), 5,
                 lambda: f"ports are up: {self.ports()}")

    def cpu_use(self, seconds):
        """The part of a CPU that it uses meanwhile."""
        def cpu_s():
            with open(f"/proc/{self.process.pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        before = cpu_s()
        time.sleep(seconds)
        return (cpu_s() - before) / seconds

    def stop(self, sig=signal.SIGTERM):
        """(status, seconds)"""
        began = time.monotonic()
        if self.running():
            self.process.send_signal(sig)
        try:
            status = self.process.wait(5 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure("vethwayd did not end on SIGTERM within 5 s") from None
        return status, time.monotonic() - began

    def kill(self):
        if self.running():
            self.process.kill()
        self.process.wait()
