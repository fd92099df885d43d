# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A web server that answers as a test says and remembers every byte it was told: who sent what to which host.

with RecordingServer(registry_of(layout)) as server:
    ...
    assert server.heard[0].method == "GET"
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.loopback_server import (
    LoopbackHandler,
    LoopbackServer,
    tls_of,
)

from .odd_images import ImageLayout

_PIECE = 64 * 1024
_IMAGE_PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs)/(?P<reference>[^/?]+)")


@dataclass(frozen=True)
class Heard:
    """A request as it came. ``connection`` is the port of the client's end; ``target`` has the query."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    connection: int

    def header(self, name: str) -> str:
        """The value of a header, empty where it is missing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def text(self) -> str:
        """All of it, to be searched."""
        lines = [f"{self.method} {self.target}", *(f"{name}: {value}" for name, value in self.headers)]
        return "\n".join([*lines, self.body.decode("utf-8", "replace")])


@dataclass(frozen=True)
class Answer:
    """What the server says. ``pause`` is in seconds before each 64 KiB of the body.

    ``cut`` closes the connection after that many bytes of the body; a ``status`` of 0 closes it without a word.
    """

    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    pause: float = 0.0
    cut: Optional[int] = None


Answering = Callable[[Heard], Optional[Answer]]


class RecordingServer(LoopbackServer):
    """Listens on a free port of ``address`` while its context is open; ``certificate`` is the files of one and its key.

    ``answering`` is called for each request, by several threads; None is 404.
    """

    def __init__(
        self, answering: Answering, *, address: str = "127.0.0.1", certificate: Optional[tuple[str, str]] = None
    ) -> None:
        super().__init__(_Handler, address=address, tls=tls_of(certificate))
        self.heard: list[Heard] = []
        self.answering = answering

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def requests(self) -> list[str]:
        """``METHOD target`` of every request so far."""
        return [f"{heard.method} {heard.target}" for heard in self.heard]

    def text(self) -> str:
        """Everything that was said to this server, to be searched."""
        return "\n\n".join(heard.text() for heard in self.heard)


def registry_of(layout: ImageLayout) -> Answering:
    """Answers as a registry that has the images of ``layout`` in every repository; the name of an image is its tag."""

    def answer(heard: Heard) -> Optional[Answer]:
        path = heard.target.partition("?")[0]
        if path == "/v2/":
            return Answer(body=b"{}", headers=[("Content-Type", "application/json")])
        match = _IMAGE_PATH.fullmatch(path)
        if match is None:
            return None
        if match["kind"] == "blobs":
            return _blob(layout, match["reference"], "application/octet-stream")
        found = _descriptor(layout, match["reference"])
        return _blob(layout, found["digest"], found["mediaType"]) if found else None

    return answer


def registry_error(status: int, code: str, message: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """A refusal in the form that the distribution-spec gives it."""
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return Answer(status, [("Content-Type", "application/json"), *headers], body)


def _descriptor(layout: ImageLayout, reference: str) -> Optional[dict[str, Any]]:
    with open(os.path.join(layout.directory, "index.json"), encoding="utf-8") as stream:
        entries = json.load(stream)["manifests"]
    for entry in entries:
        if reference in (entry["digest"], entry["annotations"]["org.opencontainers.image.ref.name"]):
            return dict(entry)
    return None


def _blob(layout: ImageLayout, digest: str, media_type: str) -> Optional[Answer]:
    path = os.path.join(layout.directory, "blobs", *digest.split(":"))
    if not os.path.exists(path):
        return None
    with open(path, "rb") as stream:
        return Answer(200, [("Content-Type", media_type), ("Docker-Content-Digest", digest)], stream.read())


class _Handler(LoopbackHandler):
    server: RecordingServer

    def do_any(self) -> None:
        body = self.request_body()
        heard = Heard(self.command, self.path, list(self.headers.items()), body, self.client_address[1])
        self.server.heard.append(heard)
        answer = self.server.answering(heard) or registry_error(404, "NAME_UNKNOWN", "nothing here")
        self.close_connection = answer.status == 0 or answer.cut is not None
        if answer.status == 0:
            return
        self.begin_answer(answer.status, answer.headers, str(len(answer.body)))
        if self.command == "HEAD":
            return
        body = answer.body if answer.cut is None else answer.body[: answer.cut]
        for begin in range(0, len(body), _PIECE):
            time.sleep(answer.pause)
            self.wfile.write(body[begin : begin + _PIECE])

    do_GET = do_HEAD = do_POST = do_any
