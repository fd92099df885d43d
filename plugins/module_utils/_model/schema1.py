# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Docker's image manifest of schema 1 as a value: layers without sizes, and configs in the text of a history (deprecated since 2015)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .digest import Digest


@dataclass(frozen=True)
class Schema1Layer:
    """One entry of history and the blob that belongs to it.

    ``compatibility`` is the text of its ``v1Compatibility``, ``facts`` what that holds. The blob of an ``empty`` layer has
    no content and is not part of the image's file system.
    """

    blob: Digest
    compatibility: str
    facts: Mapping[str, Any] = field(hash=False)
    empty: bool

    @property
    def id(self) -> str:
        """The ID that Docker gave the layer: a name, no hash of anything."""
        return str(self.facts["id"])

    @property
    def parent(self) -> str:
        """The ID of the layer below, empty for the base."""
        return str(self.facts.get("parent") or "")


@dataclass(frozen=True)
class Schema1Manifest:
    """A schema 1 manifest beside the bytes it came in.

    ``history`` has the base first, the empty layers included, and the newest entry of those with the same ID left out.
    ``name`` and ``tag`` are what the image was once pushed as; they prove nothing. ``digest`` is that of the signed text,
    which other tools know the manifest by; of an unsigned one, that of the bytes.
    """

    raw: bytes
    media_type: str
    digest: Digest
    name: str
    tag: str
    architecture: str
    history: tuple[Schema1Layer, ...]

    @property
    def layers(self) -> tuple[Digest, ...]:
        """The compressed digests of the layers that have content, base first. Their sizes are not known."""
        return tuple(layer.blob for layer in self.history if not layer.empty)

    @property
    def newest(self) -> Schema1Layer:
        """The entry that carries the config of the image."""
        return self.history[-1]
