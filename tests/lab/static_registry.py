# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A web server on loopback that says what a test tells it to say: manifests, blobs and other files, whatever they hold.

docker-registry refuses most of the odd things that registries in the field serve; this one looks at nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Optional


@dataclass
class StaticRegistry:
    """What is served below ``host``: pages by path, each a media type and bytes; and what was asked, path and headers.

    Of paths that start with one of ``private`` it asks for a name and a password, any will do.
    """

    host: str
    private: tuple[str, ...] = ()
    pages: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def add_blob(self, repository: str, data: bytes, media_type: str, *, served: bool = True) -> dict[str, Any]:
        """Serves ``data`` as a blob of ``repository`` and returns its descriptor; without ``served`` only the latter."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if served:
            self.pages[f"/v2/{repository}/blobs/{digest}"] = ("application/octet-stream", data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def add_manifest(
        self, repository: str, raw: bytes, media_type: str, tag: str = "", *, digest: Optional[str] = None
    ) -> dict[str, Any]:
        """Serves ``raw`` as a manifest by its digest, and as ``tag`` if given; returns its descriptor."""
        name = digest or f"sha256:{hashlib.sha256(raw).hexdigest()}"
        for reference in filter(None, (name, tag)):
            self.pages[f"/v2/{repository}/manifests/{reference}"] = (media_type, raw)
        return {"mediaType": media_type, "digest": name, "size": len(raw)}

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def reference(self, name: str) -> str:
        return f"{self.host}/{name}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    registry: StaticRegistry


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        registry = self.server.registry
        registry.asked.append((self.path, dict(self.headers.items())))
        refused = self.path.startswith(registry.private or "?") and "Authorization" not in self.headers
        media_type, body = ("", b"") if refused else registry.pages.get(self.path, ("", b""))
        found = self.path in registry.pages or self.path == "/v2/"
        self.send_response(401 if refused else 200 if found else 404)
        if refused:
            self.send_header("WWW-Authenticate", 'Basic realm="tests"')
        if media_type:
            self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing: the requests are in ``asked``."""


@contextmanager
def running_static_registry() -> Iterator[StaticRegistry]:
    """A registry that serves nothing yet."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.registry = StaticRegistry(f"127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
