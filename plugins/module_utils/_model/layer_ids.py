# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The IDs of layers in a store, which cover a layer's content and all below it (containers/image storage transport)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .digest import Digest


def layer_id(parent: str | None, diff_id: Digest) -> str:
    """The ID of the layer with ``diff_id`` on the layer ``parent``: 64 hexadecimal digits.

    A base layer is named by its diff ID. This is not the chain ID of the OCI specification, which hashes other text.
    """
    if parent is None:
        return diff_id.hex
    return hashlib.sha256(f"{parent}+{diff_id.hex}".encode("ascii")).hexdigest()


def layer_chain(diff_ids: Sequence[Digest]) -> tuple[str, ...]:
    """The IDs of an image's layers, base first."""
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append(layer_id(chain[-1] if chain else None, diff_id))
    return tuple(chain)
