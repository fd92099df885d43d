# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The big data items of an image: how its record lists them, and their files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from contextlib import suppress

from .._host.atomic_files import read_file, replace_file
from .._host.os_errors import reporting
from .._host.remove_tree import remove_tree
from .._model.digest import Digest
from .._model.manifest_digest import digested_bytes
from .layout import Layout
from .leftovers import unfinished
from .prepare import make_directory
from .records import ImageRecord

Items = Iterable[tuple[str, bytes]]


def with_items(record: ImageRecord, items: Items, dropped: Collection[str] = ()) -> ImageRecord:
    """The record with ``items`` (keys and bytes) in place of those it has of these keys, and without ``dropped``."""
    names = [name for name in record.big_data_names if name not in dropped]
    sizes = {key: size for key, size in record.big_data_sizes.items() if key not in dropped}
    digests = {key: digest for key, digest in record.big_data_digests.items() if key not in dropped}
    for key, data in items:
        if key not in names:
            names.append(key)
        sizes[key] = len(data)
        # A manifest digest and a plain one are the same for all but the signed manifests of schema 1.
        digests[key] = str(Digest.of(digested_bytes(data) if key.startswith("manifest") else data))
    return record.changed(
        big_data_names=names,
        big_data_sizes=dict(sorted(sizes.items())),
        big_data_digests=dict(sorted(digests.items())),
    )


def write_items(layout: Layout, image_id: str, items: Items) -> None:
    """Writes the files of the items where they differ; what a killed process left half-written goes. Raises HostError."""
    make_directory(layout.image_dir(image_id))
    for path in unfinished(layout.image_dir(image_id)):
        remove_tree(path)
    for key, data in items:
        path = layout.image_item(image_id, key)
        if read_file(path) != data:
            replace_file(path, data)


def discard_items(layout: Layout, before: ImageRecord, after: ImageRecord) -> None:
    """Deletes the files of the items that the record ``after`` lists no longer. Raises HostError."""
    for key in before.big_data_names:
        if key in after.big_data_names:
            continue
        path = layout.image_item(before.id, key)
        with reporting("delete", path), suppress(FileNotFoundError):
            os.unlink(path)
