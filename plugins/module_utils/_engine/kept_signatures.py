# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The signatures that a pull keeps with an image, and what that changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._model.digest import Digest
from .._model.schema1 import Schema1Manifest
from .._storage.image_signatures import ManifestSignatures

if TYPE_CHECKING:
    from .._model.manifest import Manifest
    from .._model.signature import Signature


@dataclass(frozen=True)
class SignatureChange:
    """Whether the signatures of an image change, and the two sides of the difference: the digest of each signature."""

    changed: bool = False
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


def signatures_to_keep(manifest: Manifest | Schema1Manifest, signatures: Sequence[Signature]) -> ManifestSignatures:
    """The signatures as the store has them. Of schema 1, which only old tools pull, these note that there are none."""
    blobs = tuple(signature.blob for signature in signatures)
    return ManifestSignatures(manifest.digest, blobs, noted=isinstance(manifest, Schema1Manifest))


def signature_change(stored: tuple[bytes, ...] | None, wanted: ManifestSignatures) -> SignatureChange:
    """From what is ``stored``, None where that is damaged, to what shall be there."""
    if stored == wanted.blobs:
        return SignatureChange()
    name = f"signatures of {wanted.manifest}"
    before = None if stored is None else [str(Digest.of(blob)) for blob in stored]
    return SignatureChange(True, {name: before}, {name: [str(Digest.of(blob)) for blob in wanted.blobs]})
