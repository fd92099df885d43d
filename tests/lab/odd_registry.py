# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry with one image and one odd habit, as registries, proxies and caches in the field have them."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.loopback_server import (
    LoopbackHandler,
    LoopbackServer,
)

from .scripted_registry import ScriptedImage, digest_of, make_image, small_layer

NAME = "team/app"
TAG = "1"


class OddRegistry(LoopbackServer):
    """Serves its ``image`` while its context is open; ``habit`` may answer a request instead, and says whether it did."""

    def __init__(self, habit: Callable[[OddHandler], bool], text: str) -> None:
        super().__init__(OddHandler)
        self.habit = habit
        self.image = make_image([small_layer(text), small_layer(f"{text}, upper")])
        self.pages = _pages(self.image)

    @property
    def name(self) -> str:
        """The name of the image."""
        return self.reference(f"{NAME}:{TAG}")


class OddHandler(LoopbackHandler):
    """Answers the requests of one connection, and counts them in ``count``."""

    server: OddRegistry

    def setup(self) -> None:
        super().setup()
        self.count = 0

    def do_any(self) -> None:
        self.count += 1
        if not self.server.habit(self):
            self.serve(self.path)

    do_GET = do_HEAD = do_any

    @property
    def is_ping(self) -> bool:
        return self.path == "/v2/"

    def serve(self, path: str) -> None:
        """Answers as a registry should."""
        found = self.server.pages.get(path)
        kind, body = found or ("application/json", b"{}")
        self.answer(200 if found or self.is_ping else 404, [("Content-Type", kind)], body)

    def serve_packed(self) -> None:
        """Answers with the body compressed, in chunks, whatever the client accepts."""
        kind, body = self.server.pages[self.path]
        packed = gzip.compress(body)
        self.begin_answer(
            200, [("Content-Type", kind), ("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked")], None
        )
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed))


def _pages(image: ScriptedImage) -> dict[str, tuple[str, bytes]]:
    manifests = {f"/v2/{NAME}/manifests/{name}" for name in (TAG, digest_of(image.manifest))}
    blobs = {f"/v2/{NAME}/blobs/{digest_of(blob)}": blob for blob in (image.config, *image.layers)}
    return {
        **dict.fromkeys(manifests, (image.media_type, image.manifest)),
        **{path: ("application/octet-stream", blob) for path, blob in blobs.items()},
    }
