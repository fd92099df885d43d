# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The tar archive of a stored layer, byte for byte as it was pulled, from its tar-split file and its tree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

from .._errors import DataError, HostError
from .._host.os_errors import reporting
from .._host.rooted_tree import RootedTree
from .._layer.compression import Compression, decompressed
from .._layer.crc64 import Crc64
from .._layer.tar_split import DamagedTarSplit, FileEntry, Segment, read_tar_split
from .catalog import Catalog
from .layout import Layout
from .overlay_links import read_lowers
from .records import LayerRecord

_CHUNK = 256 * 1024


class ReassemblyFailed(HostError):
    """The archive of a layer cannot be had from the store: a file is gone or changed, or its headers are lost."""

    code = "layer_damaged"


def reassemble(layout: Layout, catalog: Catalog, layer: LayerRecord) -> Iterator[bytes]:
    """The uncompressed archive of ``layer`` in chunks of at most a few hundred KiB.

    Content is taken from the layer's tree or, where a later change moved it there, from the nearest layer below that
    has a file of the name. Each file is checked against its CRC-64; only the digest of the whole proves the rest, and
    comparing it with the diff ID is left to the caller. Raises ReassemblyFailed, StoreDamaged and HostError while
    iterating.
    """
    with ExitStack() as opened:
        trees = _Trees(layout, catalog, layer, opened)
        try:
            for record in _records(layout.of(layer.store).tar_split(layer.id)):
                if isinstance(record, Segment):
                    yield record.data
                elif record.size:
                    yield from _content(trees, record)
        except (DataError, DamagedTarSplit) as error:
            raise ReassemblyFailed(f"the tar-split file is damaged: {error}", subject=layer.id) from error


class _Trees:
    """The trees of a layer and of those below, nearest first, each opened when it is first looked into."""

    def __init__(self, layout: Layout, catalog: Catalog, layer: LayerRecord, opened: ExitStack) -> None:
        self.layer_id = layer.id
        self._opened = opened
        self._waiting = [
            tree for below in catalog.layer_chain(layer.id) for tree in _generations(layout.of(below.store), below)
        ]
        self._trees: list[RootedTree] = []

    def open_file(self, name: bytes) -> int:
        """A descriptor of the file. Raises ReassemblyFailed where no tree has it."""
        position = 0
        while position < len(self._trees) or self._waiting:
            if position == len(self._trees):
                self._trees.append(self._opened.enter_context(RootedTree(self._waiting.pop())))
            descriptor = self._trees[position].open_file(name)
            if descriptor is not None:
                return descriptor
            position += 1
        raise ReassemblyFailed(f"the file {os.fsdecode(name)} of the layer is missing", subject=self.layer_id)


def _generations(layout: Layout, layer: LayerRecord) -> list[str]:
    """The tree of the layer, and below it those that changes of its ID maps left, the oldest first.

    Such a change copies no file whose owner stays. It is in the layer that was copied, which lies below for the driver alone.
    """
    found = [layout.diff(layer.id)]
    if layout.stacked and (layer.uidmap or layer.gidmap):
        while os.path.isdir(layout.older_diff(layer.id, len(found))):
            found.append(layout.older_diff(layer.id, len(found)))
        template = [os.path.realpath(f"{layout.driver_home}/{entry}") for entry in read_lowers(layout, layer.id)[:1]]
        found += filter(os.path.isdir, template)
    return found[::-1]


def _records(path: str) -> Iterator[Segment | FileEntry]:
    compression, text = decompressed(_read(path))
    if compression is not Compression.GZIP:
        # An empty file among them: a machine that lost power may have kept the name alone.
        raise ReassemblyFailed("the tar-split file is not compressed with gzip", subject=path)
    return read_tar_split(text)


def _read(path: str) -> Iterator[bytes]:
    with reporting("read", path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield from _chunks(descriptor)
        finally:
            os.close(descriptor)


def _content(trees: _Trees, entry: FileEntry) -> Iterator[bytes]:
    """The bytes of one member; what follows them is refused before it is given out."""
    name = os.fsdecode(entry.name)
    descriptor = trees.open_file(entry.name)
    try:
        crc = Crc64()
        left = entry.size
        with reporting(f"read {name} of layer", trees.layer_id):
            for chunk in _chunks(descriptor):
                left -= len(chunk)
                if left < 0:
                    break
                crc.update(chunk)
                yield chunk
        if left or crc.digest() != entry.crc:
            raise ReassemblyFailed(f"the file {name} of the layer was changed", subject=trees.layer_id)
    finally:
        os.close(descriptor)


def _chunks(descriptor: int) -> Iterator[bytes]:
    while True:
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            return
        yield chunk
