# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The contents of layers against what they were when they were stored: the slow part of a check.

The archive of a layer is put together again from its headers and its tree, which proves the bytes of every file; owners,
modes and times do not take part in that, so they are compared with the headers, and the tree must hold nothing else.
Upstream compares the mounted stack of layers instead and takes directories without a header for changed ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from .._errors import DataError, HostError
from .._host.os_errors import PermissionDenied, reporting
from .._layer.compression import CorruptLayer
from .._layer.tar_header import UnsafeLayer
from .._layer.tar_reader import TarReader
from .._layer.tar_split import DamagedTarSplit
from .._model.digest import Digest
from .catalog import Catalog
from .check_copy import CopyCheck
from .check_tree import TreeCheck
from .diff import ReassemblyFailed, reassemble
from .driver import StoreDriver
from .edit import Tables
from .layout import Layout
from .problem import LAYER, Doing, Evidence, Mend, Problem
from .records import LayerRecord

UNREADABLE = "layer_unreadable"
SIZE_WRONG = "layer_size_wrong"

_SHOWN = 3


def content_problems(
    evidence: Evidence, skip: Iterable[str], *, compare_trees: bool, compare_owners: bool
) -> Iterator[tuple[LayerRecord, Problem]]:
    """What is wrong with the contents of the layers that came from an archive, but for those in ``skip``.

    No lock is needed or held: whoever uses the answers looks whether the record is still the same. ``compare_trees`` is
    for trees that are stored as the archives say. Raises HostError.
    """
    # A lower layer in another store only matters for archives with content that is not in their own tree.
    known = evidence.catalog
    catalog = Catalog(
        layers=tuple(layer if known.layer(layer.parent or "") else layer.changed(parent="") for layer in known.layers)
    )
    skipped = set(skip)
    for layer in evidence.catalog.layers:
        if layer.diff_digest and not layer.incomplete and layer.id not in skipped:
            trees = compare_trees and not layer.uidmap and not layer.gidmap

            def tree_check(layer: LayerRecord = layer, trees: bool = trees) -> TreeCheck | None:
                return _tree_check(evidence.layout, layer, compare_owners) if trees else None

            for problem in _layer_problems(evidence.layout, catalog, catalog.layer(layer.id) or layer, tree_check):
                yield layer, problem


def _tree_check(layout: Layout, layer: LayerRecord, owners: bool) -> TreeCheck:
    """What compares the tree of a layer with its archive and, where trees are whole, with the one below."""
    tree = layout.diff(layer.id)
    if layout.stacked:
        from .check_masked import MaskedTreeCheck, is_masked

        if is_masked(tree):
            return MaskedTreeCheck(tree, owners, not layer.toc_digest)
        return TreeCheck(tree, owners, not layer.toc_digest)
    homes = (layout, *(layout.of(store) for store in layout.additional))
    found = [home.diff(layer.parent) for home in homes if layer.parent and os.path.isdir(home.diff(layer.parent))]
    return CopyCheck(tree, found[0] if found else None, owners, not layer.toc_digest)


def _layer_problems(
    layout: Layout, catalog: Catalog, layer: LayerRecord, tree_check: Callable[[], TreeCheck | None]
) -> Iterator[Problem]:
    damaged = (LAYER, layer.id)
    try:
        with reporting("read the tree below layer", layer.id):
            tree = tree_check()
        size, found = _read_all(reassemble(layout, catalog, layer), layer, tree)
        with reporting("read the tree of layer", layer.id):
            differences = tree.differences() if tree else []
    except DataError as error:
        yield Problem("layer_digest_invalid", layer.id, str(error), damaged=damaged)
        return
    except PermissionDenied:
        # That says something of this process, and nothing of the layer.
        raise
    except HostError as error:
        kind = _kind_of(error)
        yield Problem(kind, layer.id, str(error) if kind == UNREADABLE else error.message, damaged=damaged)
        return
    if found != layer.diff_digest:
        message = f"its archive has the digest {found} and not {layer.diff_digest}"
        yield Problem("layer_content_changed", layer.id, message, damaged=damaged)
        return
    if layer.diff_size is not None and layer.diff_size >= 0 and size != layer.diff_size:
        message = f"its archive is right, but has {size} bytes and not {layer.diff_size} as recorded"
        mend = Mend("write the true size into the record", _size_writer(layer.id, size))
        yield Problem(SIZE_WRONG, layer.id, message, mend)
    if differences:
        more = f" and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
        message = f"files are not as its archive says: {'; '.join(differences[:_SHOWN])}{more}"
        yield Problem("layer_tree_changed", layer.id, message, damaged=damaged)


def _kind_of(error: HostError) -> str:
    """The kind of problem for which the archive could not be had; the last one is that of a failing disk."""
    if isinstance(error, (ReassemblyFailed, DamagedTarSplit)):
        return "tar_split_damaged" if "tar-split" in error.message else "layer_content_changed"
    return UNREADABLE


def _read_all(chunks: Iterator[bytes], layer: LayerRecord, tree: TreeCheck | None) -> tuple[int, str]:
    """Size and digest of the archive; its members are shown to ``tree``. Raises DataError for a record without a digest."""
    hasher = Digest.parse(layer.diff_digest).hasher()
    size = 0

    def passing() -> Iterator[bytes]:
        nonlocal size
        for chunk in chunks:
            hasher.update(chunk)
            size += len(chunk)
            yield chunk

    stream = passing()
    if tree is not None:
        try:
            reader = TarReader(stream)
            for member in reader:
                tree.expect(member)
            reader.drain()
        except (CorruptLayer, UnsafeLayer):
            # Other tools may have stored what this engine would refuse; the digest alone decides then.
            tree.give_up()
    for _chunk in stream:
        pass
    return size, f"{layer.diff_digest.partition(':')[0]}:{hasher.hexdigest()}"


def _size_writer(layer_id: str, size: int) -> Doing:
    def write(tables: Tables, _layout: Layout, _driver: StoreDriver) -> None:
        layer = tables.layers.get(layer_id)
        if layer is not None:
            tables.layers.replace(layer.changed(diff_size=size))
            tables.save_layers()

    return write
