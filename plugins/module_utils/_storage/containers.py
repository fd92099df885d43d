# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Making and deleting containers: a record, a writable layer on the top layer of an image, and a directory.

Containers are always written to the plain record files. Older podman does not look into the files for volatile
containers and deletes an image from under a container that is recorded there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._errors import HostError, StrataError, UsageError
from .._host.locks import exclusive
from .._host.remove_tree import InUse, remove_tree
from .._model.times import now_text
from .catalog import Catalog, UnknownImage, read_additional
from .driver import TreeDriver
from .edit import Tables, open_for_change
from .layout import Layout
from .mounted import mounted
from .prepare import make_directory
from .records import ContainerRecord, LayerRecord
from .remains import FOR_CONTAINER, remove_remains
from .remove_layer import INCOMPLETE, remove_layers

if TYPE_CHECKING:
    from .._model.id_map import IdMaps
    from .container_base import Base


class NameInUse(UsageError):
    """Another container has the name."""

    code = "name_in_use"


class LayerInUse(HostError):
    """Another layer is built on the layer that was to be deleted."""

    code = "layer_in_use"


@dataclass(frozen=True)
class NewContainer:
    """A container to be made.

    ``top_layer`` is the top layer of the image as the caller knows it. ``metadata`` gets the ID of the new container
    and returns the text to store. Labels are SELinux's, empty where it is not used. ``choose_maps``, where given, tells the ID
    maps in place of ``maps``, from the records of all containers, of which none is made or deleted meanwhile. With maps
    ``base_for`` tells what the container's layer is built on: see ``mapped_layers``.
    """

    image_id: str
    top_layer: str | None
    name: str | None
    metadata: Callable[[str], str]
    mount_label: str = ""
    process_label: str = ""
    mount_opts: tuple[str, ...] = ()
    maps: IdMaps | None = None
    choose_maps: Callable[[Iterable[ContainerRecord]], IdMaps] | None = None
    base_for: Callable[[Tables, Catalog, IdMaps, str], Base] | None = None


def create_container(layout: Layout, driver: TreeDriver, new: NewContainer) -> ContainerRecord:
    """Makes the container and returns its record.

    After an error nothing of it is left. Raises NameInUse, UnknownImage when the image or its top layer is no longer
    what the caller knows, UnmappedOwner, HostError, and what ``choose_maps`` raises.
    """
    # Before our own locks: those of additional stores come before that of the images.
    others = read_additional(layout)
    with (
        _range_lock(layout, new),
        open_for_change(layout, layers=True, mounts=True, images=True, containers=True) as tables,
    ):
        remove_remains(tables, layout, driver)
        _check_name(tables, new.name)
        _check_image(tables, others, new)
        maps = new.choose_maps(tables.containers) if new.choose_maps else new.maps
        layer_id = random_id(record.id for record in tables.layers)
        container_id = random_id(record.id for record in tables.containers)
        try:
            base = new.base_for(tables, others, maps, container_id) if maps and new.base_for else None
            _add_layer(tables, driver, new, base, layer_id, container_id)
            make_directory(layout.container_userdata(container_id))
            record = _record(new, maps, layer_id, container_id)
            tables.containers.add(record)
            tables.save_containers()
        except Exception:
            _undo(tables, layout, driver, layer_id, container_id)
            raise
        # The container is there, whatever happens now; a flag that stays is removed by the next change.
        with suppress(StrataError):
            _set_flags(tables, layer_id, {})
        return record


def delete_container(layout: Layout, driver: TreeDriver, record: ContainerRecord) -> None:
    """Deletes the container with its layer and directories; nothing to do where it is gone already.

    The layer goes first and the record last, so a kill leaves a container that can be deleted again. Raises InUse while
    it is mounted, LayerInUse, and HostError.
    """
    with open_for_change(layout, layers=True, mounts=True, images=True, containers=True) as tables:
        remove_remains(tables, layout, driver)
        current = tables.containers.get(record.id)
        if current is None:
            return
        _check_unused(tables, layout, current)
        remove_container(tables, layout, driver, current)


def remove_container(tables: Tables, layout: Layout, driver: TreeDriver, record: ContainerRecord) -> None:
    """Removes the container of ``tables``, whose locks are all held, with its layer and directories.

    Nothing is built on its layer any more. A mount of it goes too. Raises HostError.
    """
    tables.mounts.remove(record.layer)
    tables.save_mounts()
    if tables.layers.get(record.layer) is not None:
        remove_layers(tables, layout, driver, [record.layer])
    remove_tree(layout.container_dir(record.id))
    remove_tree(layout.container_run_dir(record.id))
    remove_tree(layout.mount_marker(record.id))
    tables.containers.remove(record.id)
    tables.save_containers()


def random_id(taken: Iterable[str]) -> str:
    """A new ID of 64 hexadecimal digits.

    Its short form of twelve digits is never a decimal number, which podman would take for something else.
    """
    used = set(taken)
    while True:
        text = os.urandom(32).hex()
        if not text[:12].isdecimal() and text not in used:
            return text


def _check_name(tables: Tables, name: str | None) -> None:
    for record in tables.containers:
        if name and name in record.names:
            raise NameInUse("a container with this name exists", subject=name, found=record.id)


def _check_image(tables: Tables, others: Catalog, new: NewContainer) -> None:
    image = tables.images.get(new.image_id) or next((one for one in others.images if one.id == new.image_id), None)
    if image is None or image.layer != (new.top_layer or ""):
        raise UnknownImage("the image was deleted meanwhile", subject=new.image_id)
    if new.top_layer and not (tables.layers.get(new.top_layer) or others.layer(new.top_layer)):
        raise UnknownImage("the top layer of the image is not in the store", subject=new.image_id, wanted=new.top_layer)


def _range_lock(layout: Layout, new: NewContainer) -> AbstractContextManager[object]:
    """The lock under which all tools choose ranges of IDs; none where the container has no maps, as upstream."""
    return exclusive(layout.userns_lock) if new.maps or new.choose_maps else nullcontext()


def _add_layer(
    tables: Tables, driver: TreeDriver, new: NewContainer, base: Base | None, layer_id: str, container_id: str
) -> None:
    parent = base.parent if base else new.top_layer
    layer = LayerRecord.of(
        id=layer_id,
        names=_layer_names(tables, new.name),
        parent=parent,
        mountlabel=new.mount_label,
        created=now_text(time.time_ns()),
        flags={INCOMPLETE: True},
        uidmap=[entry.to_json() for entry in base.maps.uids] if base else [],
        gidmap=[entry.to_json() for entry in base.maps.gids] if base else [],
    )
    tables.layers.add(layer)
    tables.save_layers()
    driver.create_writable(layer_id, parent)
    if base and base.change:
        base.change(layer_id)
    driver.flush()
    _set_flags(tables, layer_id, {FOR_CONTAINER: container_id})


def _layer_names(tables: Tables, name: str | None) -> list[str]:
    """The name that podman gives the layer of a container, unless some layer has it."""
    wanted = f"{name}-layer"
    if not name or any(wanted in layer.names for layer in tables.layers):
        return []
    return [wanted]


def _set_flags(tables: Tables, layer_id: str, flags: dict[str, Any]) -> None:
    layer = tables.layers.get(layer_id)
    if layer is None:
        return
    tables.layers.replace(layer.changed(flags=flags))
    try:
        tables.save_layers()
    except Exception:
        # As it still is on the disk: what says "incomplete" there can be taken back without room for another write.
        tables.layers.replace(layer)
        raise


def _record(new: NewContainer, maps: IdMaps | None, layer_id: str, container_id: str) -> ContainerRecord:
    flags: dict[str, Any] = {"MountLabel": new.mount_label}
    if new.mount_opts:
        flags["MountOpts"] = list(new.mount_opts)
    flags["ProcessLabel"] = new.process_label
    return ContainerRecord.of(
        id=container_id,
        names=[new.name] if new.name else [],
        image=new.image_id,
        layer=layer_id,
        metadata=new.metadata(container_id),
        created=now_text(time.time_ns()),
        uidmap=[entry.to_json() for entry in maps.uids] if maps else [],
        gidmap=[entry.to_json() for entry in maps.gids] if maps else [],
        flags=flags,
    )


def _check_unused(tables: Tables, layout: Layout, record: ContainerRecord) -> None:
    recorded = tables.mounts.get(record.layer)
    # A count may be left over from a crash; only a mount that is there keeps the container.
    if recorded is not None and mounted(layout, record.layer, recorded.count, recorded.path) is not None:
        raise InUse("the container is mounted", subject=record.id, found=recorded.path)
    for layer in tables.layers:
        if layer.parent == record.layer:
            raise LayerInUse("a layer is built on the container's layer", subject=record.id, found=layer.id)


def _undo(tables: Tables, layout: Layout, driver: TreeDriver, layer_id: str, container_id: str) -> None:
    """Takes back what a failed creation did, as far as that works; the flags of the layer tell the next process."""
    with suppress(StrataError):
        remove_tree(layout.container_dir(container_id))
    with suppress(StrataError):
        remove_layers(tables, layout, driver, [layer_id])
