# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The short names of layers in the overlay driver's home, and the list of the layers below each.

``l/<name>`` is a symbolic link to the ``diff`` of a layer, ``<layer>/link`` holds the name, and ``<layer>/lower`` the links
of all layers below, nearest first, as ``l/<name>`` joined by colons. The links can be lost with the power, since nothing
syncs them; they are made again from the files, and the files from the links, as upstream does at each mount.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import suppress

from .._errors import HostError
from .._host.atomic_files import read_file, replace_file
from .._host.os_errors import reporting
from .._host.remove_tree import remove_tree
from .json_record import StoreDamaged
from .layout import Layout

# What the kernel stacks ("OVL_MAX_STACK"), and what newer versions of containers/storage allow.
MAX_LOWERS = 500

_NAME_LENGTH = 26


class TooManyLayers(HostError):
    """More layers lie on each other than the kernel can mount."""

    code = "too_many_layers"


def new_link(layout: Layout, layer_id: str) -> None:
    """Gives a layer a short name of its own. Raises HostError.

    The file with the name comes first, other than upstream: a tool that removes a half-made layer finds the link by it.
    """
    while True:
        name = base64.b32encode(os.urandom(17)).decode("ascii")[:_NAME_LENGTH]
        _write(layout.link_file(layer_id), name.encode("ascii"))
        with reporting("link the layer at", layout.link(name)):
            try:
                os.symlink(_target(layout, layer_id), layout.link(name))
            except FileExistsError:
                continue
        return


def remove_link(layout: Layout, layer_id: str) -> None:
    """Takes the short name of a layer away; nothing to do where it has none. Raises HostError."""
    name = _link_name(layout, layer_id)
    for found in [name] if name else [name for name, linked in _links(layout) if linked == layer_id]:
        with reporting("unlink", layout.link(found)), suppress(FileNotFoundError):
            os.unlink(layout.link(found))


def lowers_on(layout: Layout, parent: str, *, may_restore: bool = True) -> tuple[str, ...]:
    """The ``lower`` entries of a layer whose parent is ``parent``: its link and then its own lowers.

    With ``may_restore`` a lost link is made again; nothing may be written in an additional store.

    Raises TooManyLayers, StoreDamaged where the parent is not in the driver's home, and HostError.
    """
    name = _link_name(layout, parent)
    if not name and may_restore:
        restore_links(layout)
        name = _link_name(layout, parent)
    if not name:
        raise StoreDamaged("the layer has a record, but the driver has no tree for it", subject=parent)
    lowers = (os.path.relpath(layout.link(name), layout.driver_home), *read_lowers(layout, parent))
    ensure_stackable(parent, lowers)
    return lowers


def ensure_stackable(layer_id: str, lowers: Sequence[str]) -> None:
    """Raises TooManyLayers naming the layer where the kernel cannot stack as many."""
    if len(lowers) > MAX_LOWERS:
        raise TooManyLayers(
            "too many layers lie on each other",
            subject=layer_id,
            wanted=f"at most {MAX_LOWERS}",
            found=str(len(lowers)),
        )


def read_lowers(layout: Layout, layer_id: str) -> tuple[str, ...]:
    """The ``lower`` entries of a layer, nearest first; none for a base layer. Raises HostError."""
    data = _read(layout.lower_file(layer_id))
    return tuple(entry for entry in os.fsdecode(data).strip().split(":") if entry)


def write_lowers(layout: Layout, layer_id: str, lowers: tuple[str, ...]) -> None:
    """Writes the ``lower`` entries of a layer. Raises HostError."""
    _write(layout.lower_file(layer_id), os.fsencode(":".join(lowers)))


def link_of(layout: Layout, layer_id: str) -> str | None:
    """The short name of a layer when both its file and its link are there and agree, else None. Raises HostError."""
    name = _link_name(layout, layer_id)
    return name if name and _linked_layer(layout, name) == layer_id else None


def dangling_links(layout: Layout, layers: Container[str]) -> list[str]:
    """The names in the directory of links that lead neither to a directory nor to one of ``layers``. Raises HostError."""
    found = []
    for name in sorted(_listed(layout.driver_links)):
        layer_id = _linked_layer(layout, name)
        if layer_id is None or (layer_id not in layers and not os.path.lexists(layout.driver_layer(layer_id))):
            found.append(name)
    return found


def relink(layout: Layout, layer_id: str, children: Iterable[str]) -> None:
    """Gives a layer its short name back: that of its file or its link, else the one by which ``children`` know it.

    Only when all of these are lost it gets a new one. Raises HostError.
    """
    restore_links(layout)
    if link_of(layout, layer_id) is not None:
        return
    for child in children:
        name = os.path.basename(next(iter(read_lowers(layout, child)), ""))
        if name and not os.path.lexists(layout.link(name)):
            _write(layout.link_file(layer_id), os.fsencode(name))
            restore_links(layout)
            return
    new_link(layout, layer_id)


def lowers_of(layout: Layout, below: Iterable[str]) -> tuple[str, ...] | None:
    """The ``lower`` entries that lead to the layers ``below``, nearest first; None where one has no whole link."""
    names = [link_of(layout, layer_id) for layer_id in below]
    if None in names:
        return None
    return tuple(os.path.relpath(layout.link(name), layout.driver_home) for name in names if name)


def restore_links(layout: Layout) -> None:
    """Makes every link that is missing or leads elsewhere, and every ``link`` file that is missing. Raises HostError."""
    for layer_id in _layers(layout):
        name = _link_name(layout, layer_id)
        if name and _linked_layer(layout, name) != layer_id:
            with reporting("link the layer at", layout.link(name)):
                if os.path.lexists(layout.link(name)):
                    os.unlink(layout.link(name))
                os.symlink(_target(layout, layer_id), layout.link(name))
    for name, layer_id in _links(layout):
        if os.path.isdir(layout.driver_layer(layer_id)) and not _link_name(layout, layer_id):
            _write(layout.link_file(layer_id), os.fsencode(name))


def _layers(layout: Layout) -> Iterator[str]:
    return (name for name in _listed(layout.driver_home) if os.path.isdir(layout.diff(name)))


def _links(layout: Layout) -> Iterator[tuple[str, str]]:
    """The name of each link and the ID of the layer that it leads to."""
    for name in _listed(layout.driver_links):
        layer_id = _linked_layer(layout, name)
        if layer_id is not None:
            yield name, layer_id


def _listed(directory: str) -> list[str]:
    with reporting("list", directory):
        try:
            return os.listdir(directory)
        except FileNotFoundError:
            return []


def _linked_layer(layout: Layout, name: str) -> str | None:
    try:
        target = os.readlink(layout.link(name))
    except OSError:
        return None
    layer_id = os.path.basename(os.path.dirname(target))
    return layer_id if target == _target(layout, layer_id) else None


def _link_name(layout: Layout, layer_id: str) -> str | None:
    """The content of the ``link`` file, None where it is missing or, after a power cut, cannot be a name."""
    name = os.fsdecode(_read(layout.link_file(layer_id))).strip()
    return name if name and name.strip(".") and "/" not in name and "\0" not in name else None


def _read(path: str) -> bytes:
    """What a file of the driver's holds, nothing where there is none. Raises HostError where there is one that cannot be read."""
    try:
        return read_file(path) or b""
    except HostError:
        # A directory in its place, for one, is as good as nothing.
        if os.path.isfile(path):
            raise
        return b""


def _write(path: str, data: bytes) -> None:
    if os.path.isdir(path):
        # No file can take the place of a directory.
        remove_tree(path)
    replace_file(path, data, mode=0o644, sync=False)


def _target(layout: Layout, layer_id: str) -> str:
    return os.path.relpath(layout.diff(layer_id), layout.driver_links)
