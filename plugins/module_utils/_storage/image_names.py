# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Who has which name: an image's names as one change under the lock of the images.

A name belongs to one image at a time; giving it to another takes it away from the first, whose history keeps it. The
rules are those of ``updateNames`` and ``addNameToHistory`` in containers/storage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from .catalog import UnknownImage
from .edit import open_for_change
from .layout import Layout
from .records import ImageRecord


class ImageList(Protocol):
    """Image records that can be gone through and replaced one by one."""

    def __iter__(self) -> Iterator[ImageRecord]: ...

    def replace(self, record: ImageRecord) -> None:
        """Puts ``record`` in the place of the one with its ID."""


def change_names(
    layout: Layout, image_id: str, choose: Callable[[Sequence[ImageRecord]], Iterable[str]]
) -> ImageRecord:
    """Gives the image the names that ``choose`` makes of all image records as they are then, and returns its record.

    Other images lose these names. Nothing is written where that is so already. Raises UnknownImage, HostError, and what
    ``choose`` raises; then nothing changed.
    """
    with open_for_change(layout, images=True) as tables:
        images = tuple(tables.images)
        record = tables.images.get(image_id)
        if record is None:
            raise UnknownImage("no such image in the store", subject=image_id)
        record = assign_names(tables.images, record, choose(images))
        tables.save_images()
        return record


def add_names(layout: Layout, image_id: str, names: Sequence[str]) -> ImageRecord:
    """Gives the image these names, before all that it has by then, takes them from other images, and returns its record.

    Nothing is written where that is so already. Raises UnknownImage and HostError.
    """

    def choose(images: Sequence[ImageRecord]) -> list[str]:
        return [*names, *(name for image in images if image.id == image_id for name in image.names)]

    return change_names(layout, image_id, choose)


def assign_names(images: ImageList, record: ImageRecord, names: Iterable[str]) -> ImageRecord:
    """Makes ``names`` the names of ``record``, in this order, and takes them from all other images; nothing is saved.

    Each name is put in front of the history in its turn, so the last one ends up first there, as upstream.
    """
    wanted = list(dict.fromkeys(names))
    for other in list(images):
        if other.id != record.id and not set(other.names).isdisjoint(wanted):
            images.replace(other.changed(names=[name for name in other.names if name not in wanted]))
    history = list(record.names_history)
    for name in wanted:
        history = [name, *(old for old in history if old != name)]
    if wanted == list(record.names):
        return record
    changed = record.changed(names=wanted, names_history=history)
    images.replace(changed)
    return changed
