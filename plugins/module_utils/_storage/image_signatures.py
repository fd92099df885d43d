# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The signatures that an image is kept with, as containers/image keeps them (``storage/storage_dest.go``, ``storage_src.go``).

All signatures of a manifest are one big data item, end to end: ``signature-<hex>`` for the manifest of that digest, and
``signatures`` for the one that the image is read by. How long each is stands in the metadata of the record, in
``signatures-sizes`` by manifest and in ``signature-sizes``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from .._model.digest import Digest
from .._model.json_text import BadJson, parse_json
from .json_record import StoreDamaged
from .records import ImageRecord

SIZES = "signature-sizes"
SIZES_BY_MANIFEST = "signatures-sizes"
_DEFAULT_ITEM = "signatures"
DEFAULT_MANIFEST = "manifest"


@dataclass(frozen=True)
class ManifestSignatures:
    """The signatures of one manifest, as blobs in their order. With ``noted`` the record says so even where there are none."""

    manifest: Digest
    blobs: tuple[bytes, ...] = ()
    noted: bool = False

    @property
    def item(self) -> str:
        """The key of the big data item."""
        return f"signature-{self.manifest.hex}"

    def items(self, *, default: bool) -> tuple[tuple[str, bytes], ...]:
        """The big data items to write; ``default`` tells that the image is read by this manifest."""
        together = b"".join(self.blobs)
        first = ((_DEFAULT_ITEM, together),) if default and self.blobs else ()
        return (*first, (self.item, together)) if self.blobs or self.noted else ()

    def keys(self, *, default: bool) -> tuple[str, ...]:
        """The keys of all items that these signatures may have."""
        return (_DEFAULT_ITEM, self.item) if default else (self.item,)


def stored_signatures(record: ImageRecord, manifest: Digest, read: Callable[[str], bytes | None]) -> tuple[bytes, ...]:
    """The signatures that the image has under its manifest ``manifest``, as blobs; ``read`` gives a big data item.

    Raises StoreDamaged where sizes and content do not fit together.
    """
    metadata = metadata_object(record.metadata)
    key, sizes = ManifestSignatures(manifest).item, sizes_by_manifest(metadata).get(str(manifest))
    if sizes is None and record.big_data_digests.get(DEFAULT_MANIFEST) == str(manifest):
        # A record that was made before there were several manifests.
        key, sizes = _DEFAULT_ITEM, metadata.get(SIZES)
    if not sizes:
        return ()
    lengths = _lengths(sizes)
    content = read(key)
    if content is None or lengths is None or sum(lengths) != len(content):
        raise StoreDamaged(
            "the sizes of the stored signatures do not fit their content",
            subject=f"image {record.id}",
            wanted=str(sizes),
            found="no content" if content is None else f"{len(content)} bytes in all",
        )
    return tuple(content[end - length : end] for end, length in zip(accumulate(lengths), lengths))


def metadata_object(metadata: str) -> dict[str, Any]:
    """The metadata of a record as an object; an empty one for text of another tool."""
    try:
        value = parse_json(metadata.encode("utf-8", "replace"), "metadata")
    except BadJson:
        return {}
    return value if isinstance(value, dict) else {}


def sizes_by_manifest(metadata: dict[str, Any]) -> dict[str, Any]:
    """The sizes of the signatures, by the digest of their manifest."""
    value = metadata.get(SIZES_BY_MANIFEST)
    return value if isinstance(value, dict) else {}


def _lengths(sizes: Any) -> list[int] | None:
    """The sizes, None where they are none."""
    if not isinstance(sizes, list) or not all(isinstance(size, int) and size >= 0 for size in sizes):
        return None
    return sizes
