# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The distribution's docker-registry on a free port of the loopback interface."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Optional

from .commands import run

_PATIENCE = 60.0
# The kernel gives those above to connections and to whoever asks for any port, between our look at one and its use too.
_PORTS = range(10_000, 32_768)


@dataclass(frozen=True)
class Registry:
    """A running registry. ``host`` is ``127.0.0.1:port``; ``log`` is the file that it writes its requests to."""

    host: str
    storage: str
    log: str
    ca_file: Optional[str] = None

    def reference(self, name: str) -> str:
        return f"{self.host}/{name}"

    def requests(self) -> list[str]:
        """``METHOD /path`` of every request answered so far."""
        found = []
        with open(self.log, encoding="utf-8", errors="replace") as log:
            for line in log:
                if line.startswith("{") and '"http.request.method"' in line and '"response completed' in line:
                    entry = json.loads(line)
                    found.append(f"{entry['http.request.method']} {entry['http.request.uri']}")
        return found


@dataclass(frozen=True)
class Login:
    """A user of the registry."""

    username: str
    password: str


@contextmanager
def running_registry(
    directory: str,
    login: Optional[Login] = None,
    tls: bool = False,
    *,
    client_certificates: bool = False,
    mirror_of: Optional[str] = None,
    token: Optional[Mapping[str, str]] = None,
    address: str = "127.0.0.1",
    names: Sequence[str] = (),
    schema1: bool = False,
) -> Iterator[Registry]:
    """A registry that keeps its blobs in ``directory``, without authentication or with basic authentication of ``login``.

    With ``tls`` it speaks https with a certificate for 127.0.0.1, localhost and ``names`` that ``ca_file`` signs; with
    ``client_certificates`` it serves only those who show one of that authority's. ``mirror_of`` is the address of a
    registry for which it is a pull-through cache; ``token`` has the settings of a token service. ``address`` is one of
    this host's. With ``schema1`` it takes Docker's old manifests too.
    """
    os.makedirs(directory, exist_ok=True)
    host = f"{address}:{free_port(address)}"
    storage = os.path.join(directory, "data")
    settings: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "info", "formatter": "json"},
        "storage": {"filesystem": {"rootdirectory": storage}, "delete": {"enabled": True}},
        "http": {"addr": host},
        "compatibility": {"schema1": {"enabled": schema1}},
    }
    if login:
        settings["auth"] = {"htpasswd": {"realm": "tests", "path": _htpasswd(directory, login)}}
    ca_file = None
    if tls:
        alternatives = ["IP:127.0.0.1", "DNS:localhost", *(f"DNS:{name}" for name in names)]
        ca_file, certificate, key = make_certificates(directory, ",".join(alternatives))
        clients = {"clientcas": [ca_file]} if client_certificates else {}
        settings["http"] = {"addr": host, "tls": {"certificate": certificate, "key": key, **clients}}
    if token:
        settings["auth"] = {"token": dict(token)}
    if mirror_of:
        settings["proxy"] = {"remoteurl": mirror_of}
    config = os.path.join(directory, "config.yml")
    with open(config, "w", encoding="utf-8") as stream:
        json.dump(settings, stream)  # JSON is YAML
    log = os.path.join(directory, "log")
    with open(log, "ab") as output:
        # It is not to outlive a test run that is killed.
        command = ["setpriv", "--pdeathsig", "TERM", "docker-registry", "serve", config]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _wait_until_up(host, process, log)
        yield Registry(host, storage, log, ca_file)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)


def free_port(address: str = "127.0.0.1") -> int:
    """A port of the loopback interface (or of another ``address`` of this host) that nobody listens on."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((address, port))
            return port


def make_certificates(directory: str, names: str = "IP:127.0.0.1,DNS:localhost", days: int = 2) -> tuple[str, str, str]:
    """A new authority and a certificate of its for 127.0.0.1: the files of authority, certificate and key.

    ``names`` are other alternative names of the subject; with ``days`` of -1 the certificate expired yesterday.
    """

    def path(name: str) -> str:
        return os.path.join(directory, name)

    run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests"]
        + ["-keyout", path("ca.key"), "-out", path("ca.crt")]
    )
    run(
        ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
        + ["-keyout", path("server.key"), "-out", path("server.csr")]
    )
    with open(path("san"), "w", encoding="utf-8") as stream:
        stream.write(f"subjectAltName={names}\n")
    run(
        ["openssl", "x509", "-req", "-days", str(days), "-in", path("server.csr"), "-CA", path("ca.crt")]
        + ["-CAkey", path("ca.key"), "-CAcreateserial", "-extfile", path("san"), "-out", path("server.crt")]
    )
    return path("ca.crt"), path("server.crt"), path("server.key")


def _htpasswd(directory: str, login: Login) -> str:
    path = os.path.join(directory, "htpasswd")
    line = run(["htpasswd", "-nbB", login.username, login.password])
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(line)
    return path


def _wait_until_up(host: str, process: subprocess.Popen[bytes], log: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            connection = HTTPConnection(host, timeout=1)
            connection.request("GET", "/v2/")
            connection.getresponse()
            return
        except (OSError, HTTPException):
            time.sleep(0.05)
    with open(log, encoding="utf-8", errors="replace") as stream:
        raise RuntimeError(f"docker-registry did not start: {stream.read()[-2000:]}")


def remove(directory: str) -> None:
    """Removes what a registry kept."""
    shutil.rmtree(directory, ignore_errors=True)
