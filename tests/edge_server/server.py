# SPDX-License-Identifier: Apache-2.0
"""Starts an edge_server for a test and talks to it. Standard library only."""
import argparse
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import tempfile


def arguments(*more):
    parser = argparse.ArgumentParser()
    for name in ("server", "dotori", "draw", "models"):
        parser.add_argument(f"--{name}", required=True)
    for name in more:
        parser.add_argument(f"--{name}")
    options = parser.parse_args()
    options.work = pathlib.Path(tempfile.mkdtemp())
    options.pictures = options.work / "pictures"
    options.pictures.mkdir()
    subprocess.run([options.draw, options.pictures], check=True, stdout=subprocess.DEVNULL)
    options.folder = options.work / "models"
    shutil.copytree(options.models, options.folder, ignore=lambda folder, names: [n for n in names if not n.endswith(".dtr")])
    return options


class Server:
    def __init__(self, program, *options, env=None, models=None):
        command = [program, "--port", "0", *(["--models", models] if models else []), *options]
        self.process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **(env or {})})
        line = self.process.stdout.readline()
        found = re.search(r"(https?)://([^:]+):(\d+)", line)
        if not found:
            raise AssertionError(f"the server did not start: {line}{self.process.stderr.read()}")
        self.tls, self.port = found.group(1) == "https", int(found.group(3))

    def connect(self, timeout=120):
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, connection=None):
        """Status, headers, body."""
        mine = connection or self.connect()
        mine.request(method, path, body=body, headers=headers or {})
        response = mine.getresponse()
        data = response.read()
        if connection is None:
            mine.close()
        return response.status, dict(response.getheaders()), data

    def json(self, method, path, body=None, headers=None, connection=None):
        status, _, data = self.ask(method, path, body, headers, connection)
        return status, json.loads(data)

    def rss_kb(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))

    def stop(self, how=signal.SIGTERM):
        """The exit code and what it said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
