# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Changes of the signatures that an image is kept with; image_signatures tells how they lie in the store.

One thing is done otherwise than there: containers/image forgets the sizes of other manifests, whose signatures are then
lost. An image that has two names with a manifest each would never come to rest that way.
"""

from __future__ import annotations

from .._model.json_text import go_json
from .catalog import UnknownImage
from .edit import open_for_change
from .image_data import discard_items, with_items, write_items
from .image_signatures import (
    DEFAULT_MANIFEST,
    SIZES,
    SIZES_BY_MANIFEST,
    ManifestSignatures,
    metadata_object,
    sizes_by_manifest,
)
from .layout import Layout
from .records import ImageRecord


def with_signatures(record: ImageRecord, signed: ManifestSignatures) -> ImageRecord:
    """The record with just these signatures of that manifest; those of other manifests stay."""
    default = record.big_data_digests.get(DEFAULT_MANIFEST) == str(signed.manifest)
    items = signed.items(default=default)
    written = [key for key, _data in items]
    dropped = [key for key in signed.keys(default=default) if key not in written]
    record = with_items(record, items, dropped)
    return record.changed(metadata=_metadata(record.metadata, signed, default=default))


def replace_signatures(layout: Layout, image_id: str, signed: ManifestSignatures) -> ImageRecord:
    """Gives the image of the store just these signatures of that manifest, and returns its record.

    Nothing is written where that is so already. Raises UnknownImage and HostError.
    """
    with open_for_change(layout, images=True) as tables:
        before = tables.images.get(image_id)
        if before is None:
            raise UnknownImage("no such image in the store", subject=image_id)
        record = with_signatures(before, signed)
        default = before.big_data_digests.get(DEFAULT_MANIFEST) == str(signed.manifest)
        write_items(layout, image_id, signed.items(default=default))
        if record != before:
            tables.images.replace(record)
        tables.save_images()
        discard_items(layout, before, record)
        return record


def _metadata(before: str, signed: ManifestSignatures, *, default: bool) -> str:
    values = metadata_object(before)
    sizes = [len(blob) for blob in signed.blobs]
    by_manifest = {key: value for key, value in sizes_by_manifest(values).items() if key != str(signed.manifest)}
    if sizes or signed.noted:
        by_manifest[str(signed.manifest)] = sizes
    own = sizes if default else values.get(SIZES)
    known = {SIZES: own or None, SIZES_BY_MANIFEST: dict(sorted(by_manifest.items())) or None}
    others = {key: value for key, value in values.items() if key not in known}
    return go_json({**{key: value for key, value in known.items() if value is not None}, **others})
