# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A web server on loopback that says what a test tells it to say: manifests, blobs and other files, whatever they hold.

docker-registry refuses most of the odd things that registries in the field serve; this one looks at nothing.
"""

from __future__ import annotations

import hashlib
from typing import Any, Optional

from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.loopback_server import (
    LoopbackHandler,
    LoopbackServer,
)


class StaticRegistry(LoopbackServer):
    """What is served while its context is open: pages by path, each a media type and bytes; and what was asked, path and headers.

    Of paths that start with one of ``private`` it asks for a name and a password, any will do.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.private: tuple[str, ...] = ()
        self.pages: dict[str, tuple[str, bytes]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

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


class _Handler(LoopbackHandler):
    server: StaticRegistry

    def do_any(self) -> None:
        registry = self.server
        registry.asked.append((self.path, dict(self.headers.items())))
        if self.path.startswith(registry.private or "?") and "Authorization" not in self.headers:
            self.answer(401, [("WWW-Authenticate", 'Basic realm="tests"')])
            return
        media_type, body = registry.pages.get(self.path, ("", b""))
        found = self.path in registry.pages or self.path == "/v2/"
        self.answer(200 if found else 404, [("Content-Type", media_type)] if media_type else [], body)

    do_GET = do_HEAD = do_any
