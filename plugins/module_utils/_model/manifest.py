# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The manifest of a single image: its config and its layers (OCI image-spec manifest.md; Docker schema 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .descriptor import Descriptor
from .digest import Digest


@dataclass(frozen=True)
class Manifest:
    """A parsed manifest beside the bytes it came in, which are what its digest and any copy of it are made of."""

    raw: bytes
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def digest(self) -> Digest:
        """sha256 of the bytes received."""
        return Digest.of(self.raw)

    @property
    def image_id(self) -> str:
        """The image ID in a store: the hash of the config (containers/storage)."""
        return self.config.digest.hex
