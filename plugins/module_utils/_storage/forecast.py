# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The records of a store as a commit would leave them, made by the rules of the commit itself and written nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .catalog import Catalog
from .commit import NewImage, empty_record, with_data
from .image_names import assign_names
from .image_signatures import ManifestSignatures
from .records import ImageRecord, LayerRecord
from .signature_edit import with_signatures


def after_commit(catalog: Catalog, layers: Iterable[LayerRecord], image: NewImage) -> Catalog:
    """``catalog`` with the new ``layers``, and with ``image`` under its names, as commit_image() would make it."""
    images = _Images(catalog)
    present = images.get(image.image_id)
    record = with_data(present or empty_record(image), image)
    images.replace(record)
    assign_names(images, record, (*image.names, *record.names))
    new = {layer.id: layer for layer in layers}
    left = [layer for layer in catalog.layers if layer.id not in new]
    return replace(catalog, layers=(*left, *new.values()), images=images.all())


def after_naming(catalog: Catalog, image_id: str, names: Iterable[str]) -> Catalog:
    """``catalog`` with the image under exactly these names, as change_names() would give them."""
    images = _Images(catalog)
    record = images.get(image_id)
    if record is not None:
        assign_names(images, record, names)
    return replace(catalog, images=images.all())


def after_signing(catalog: Catalog, image_id: str, signed: ManifestSignatures) -> Catalog:
    """``catalog`` with just these signatures of the image's manifest, as replace_signatures() would give them."""
    images = _Images(catalog)
    record = images.get(image_id)
    if record is not None:
        images.replace(with_signatures(record, signed))
    return replace(catalog, images=images.all())


class _Images:
    """The image records of a catalog, as a list that can be changed."""

    def __init__(self, catalog: Catalog) -> None:
        self._records = {record.id: record for record in catalog.images if not record.store}
        self._others = [record for record in catalog.images if record.store]

    def __iter__(self) -> Iterator[ImageRecord]:
        return iter(list(self._records.values()))

    def all(self) -> tuple[ImageRecord, ...]:
        """The images of the store, and behind them those of additional stores, which nobody changes."""
        return (*self._records.values(), *self._others)

    def get(self, image_id: str) -> ImageRecord | None:
        return self._records.get(image_id)

    def replace(self, record: ImageRecord) -> None:
        self._records[record.id] = record
