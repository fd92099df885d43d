# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry on loopback that serves an OCI layout and fails where a test says so, down to the single byte.

It keeps a record of every request, and of how many bytes of each body had reached the kernel of the client.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import socket
import struct
import termios
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Optional

from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.loopback_server import (
    LoopbackHandler,
    LoopbackServer,
)

from .odd_images import ImageLayout

# How a connection ends before the body does: in order, by a reset, or by saying nothing more.
END = "end"
RESET = "reset"
STALL = "stall"

_PIECE = 64 * 1024
_RANGE = re.compile(r"bytes=(\d+)-")


@dataclass
class Fault:
    """What happens to the next ``times`` requests for a path instead of the right answer.

    With a ``status``, that is answered; with ``headers`` and ``body``. Else the right answer breaks off, in the manner of
    ``how``, when ``after`` bytes of its body were sent; with None not even its first line is sent.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    after: Optional[int] = None
    how: str = END
    times: int = 1


@dataclass
class Served:
    """A request, the offset it asked for (0 without a range), and how much of the body was received."""

    method: str
    path: str
    start: int = 0
    received: int = 0
    authorization: str = ""


class FlakyRegistry(LoopbackServer):
    """Serves nothing at first, while its context is open. ``connections`` counts those that were made to it."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.served: list[Served] = []
        self.connections = 0
        self.ranges = True
        self.head_tells_digest = True
        self.over = threading.Event()
        self.lock = threading.Lock()
        self._answers: dict[str, tuple[str, bytes]] = {}
        self._faults: dict[str, list[Fault]] = {}

    def add(self, layout: ImageLayout, image: str, repository: str, tag: str = "1") -> dict[str, Any]:
        """Serves the image of ``layout`` as ``repository:tag``, and all blobs of the layout; returns its manifest."""
        with open(os.path.join(layout.directory, "index.json"), encoding="utf-8") as stream:
            entries = json.load(stream)["manifests"]
        named = [entry for entry in entries if entry["annotations"]["org.opencontainers.image.ref.name"] == image]
        directory = os.path.join(layout.directory, "blobs", "sha256")
        for name in os.listdir(directory):
            with open(os.path.join(directory, name), "rb") as blob:
                data = blob.read()
            self._answers[f"/v2/{repository}/blobs/sha256:{name}"] = ("application/octet-stream", data)
            kind = _manifest_type(data)
            if kind:
                self._answers[f"/v2/{repository}/manifests/sha256:{name}"] = (kind, data)
        answer = self._answers[f"/v2/{repository}/manifests/{named[-1]['digest']}"]
        self._answers[f"/v2/{repository}/manifests/{tag}"] = answer
        return dict(json.loads(answer[1]))

    def serve(self, pages: Mapping[str, tuple[str, bytes]]) -> None:
        """Serves these media types and bytes by path, besides what is there."""
        self._answers.update(pages)

    def remove(self, path: str) -> None:
        """Answers 404 for ``path`` from now on."""
        del self._answers[path]

    def fail(self, path: str, *faults: Fault) -> None:
        """Lets the next requests for ``path`` fail, one after the other."""
        self._faults.setdefault(path, []).extend(faults)

    def heal(self) -> None:
        """Forgets all failures that are still to come."""
        self._faults.clear()

    def paths(self, method: str = "") -> list[str]:
        """``METHOD path`` of every request so far, or of those with ``method``."""
        return [f"{one.method} {one.path}" for one in self.served if method in ("", one.method)]

    def starts(self, path: str) -> list[int]:
        """From which byte on ``path`` was asked for, each time."""
        return [one.start for one in self.served if one.path == path and one.method == "GET"]

    def page(self, path: str) -> Optional[tuple[str, bytes]]:
        return ("application/json", b"{}") if path == "/v2/" else self._answers.get(path)

    def next_fault(self, path: str) -> Optional[Fault]:
        with self.lock:
            for fault in self._faults.get(path, []):
                if fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.over.set()
        super().__exit__(kind, error, trace)


class _Handler(LoopbackHandler):
    server: FlakyRegistry

    def handle(self) -> None:
        # A client speaks TLS first and hangs up; what is not HTTP is no connection of a client that came to stay.
        if self.connection.recv(1, socket.MSG_PEEK) in (b"\x16", b""):
            return
        with self.server.lock:
            self.server.connections += 1
        super().handle()

    def do_any(self) -> None:
        registry = self.server
        matched = _RANGE.fullmatch(self.headers.get("Range", ""))
        served = Served(self.command, self.path, int(matched[1]) if matched else 0)
        served.authorization = self.headers.get("Authorization", "")
        registry.served.append(served)
        fault = registry.next_fault(self.path)
        if fault and fault.status:
            self.answer(fault.status, fault.headers.items(), fault.body)
        elif fault and fault.after is None:
            self._break_off(fault.how)
        else:
            self._send_right_answer(served, fault)

    do_GET = do_HEAD = do_any

    def _send_right_answer(self, served: Served, fault: Optional[Fault]) -> None:
        found = self.server.page(self.path)
        if found is None:
            code = "BLOB_UNKNOWN" if "/blobs/" in self.path else "MANIFEST_UNKNOWN"
            self.answer(404, body=json.dumps({"errors": [{"code": code, "message": ""}]}).encode())
            return
        kind, data = found
        headers = {"Content-Type": kind}
        if "/manifests/" in self.path and (self.command == "GET" or self.server.head_tells_digest):
            headers["Docker-Content-Digest"] = _digest(data)
        status = 200
        if served.start and self.server.ranges:
            headers["Content-Range"] = f"bytes {served.start}-{len(data) - 1}/{len(data)}"
            status = 206
            data = data[served.start :]
        self.begin_answer(status, headers.items(), str(len(data)))
        if self.command == "HEAD":
            return
        self._send_body(served, data if fault is None else data[: fault.after])
        if fault:
            self._break_off(fault.how)

    def _send_body(self, served: Served, data: bytes) -> None:
        view = memoryview(data)
        for position in range(0, len(view), _PIECE):
            self.connection.sendall(view[position : position + _PIECE])
        # The kernel of the client has confirmed every byte when none is left in ours.
        while _unconfirmed(self.connection):
            time.sleep(0.001)
        served.received = len(data)

    def _break_off(self, how: str) -> None:
        self.close_connection = True
        if how == STALL:
            self.server.over.wait(30)
        elif how == RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # The socket is open as long as a file on it is.
            self.rfile.close()
            self.connection.close()

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()


def _unconfirmed(connection: socket.socket) -> int:
    """How many bytes that were sent the other side has not confirmed (tcp(7), SIOCOUTQ)."""
    answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    return int(struct.unpack("i", answer)[0])


def _manifest_type(data: bytes) -> str:
    if not data.startswith(b"{"):
        return ""
    value = json.loads(data)
    return str(value.get("mediaType", "")) if "schemaVersion" in value else ""


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
