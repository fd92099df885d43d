# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb create: a container, a writable instance of an image, by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

from .._host.machine import in_user_namespace
from .._model.id_map import UNMAPPED, IdMaps
from .._model.json_text import go_json
from .._report import Reporter
from .._storage.catalog import Catalog, read_catalog
from .._storage.containers import NewContainer, create_container, delete_container
from .._storage.driver import StoreDriver
from .._storage.layout import Layout
from .._storage.prepare import prepare_store
from .._storage.records import ContainerRecord, ImageRecord
from .containers import container_called, describe_container
from .names import find_image
from .outcome import Outcome
from .recover import recovered_catalog
from .remove import ensure_free, release

if TYPE_CHECKING:
    from .._config.short_names import ShortNames
    from .._model.user_namespace import AutoUserNamespace
    from .._storage.container_base import Base
    from .._storage.edit import Tables
    from .auto_user_ns import IdChooser

NEVER = "never"
ON_IMAGE_CHANGE = "on_image_change"
ALWAYS = "always"


@dataclass(frozen=True)
class ContainerRequest:
    """A container that shall be there.

    ``name`` is its identity (None: a new container each time). ``metadata`` is stored as it is (None: what podman writes).
    None for labels, options and maps means that nothing is asked of an existing container. With ``auto`` the maps are chosen.
    """

    image: str
    name: Optional[str]
    recreate: str = NEVER
    metadata: Optional[str] = None
    mount_label: Optional[str] = None
    process_label: Optional[str] = None
    mount_opts: Optional[tuple[str, ...]] = None
    maps: Optional[IdMaps] = None
    auto: Optional[AutoUserNamespace] = None
    force: bool = False


@dataclass(frozen=True)
class Host:
    """The store to work on, the clock, and what this host says about short names.

    ``ids`` gives what chooses the ID maps of a container that gets them automatically.
    """

    layout: Layout
    driver: StoreDriver
    seconds: Callable[[], int]
    short_names: Callable[[], ShortNames]
    ids: Optional[Callable[[AutoUserNamespace, Catalog, ImageRecord], IdChooser]] = None


def create(request: ContainerRequest, host: Host, reporter: Reporter, *, check_mode: bool) -> Outcome:
    """The container of ``request``, created where it is absent and replaced where ``recreate`` says so.

    A difference that is left alone is listed in ``differences`` and warned of. Raises UnknownImage, NameInUse,
    NoSubordinateIds, NoFreeIds, UserNamespaceTooLarge, MapOutsideRanges, and ContainerMounted where a container to be replaced
    is mounted and ``force`` is not given.
    """
    catalog = recovered_catalog(host.layout, host.driver, check_mode=check_mode)
    image = find_image(catalog, request.image, host.short_names)
    present = container_called(catalog, request.name) if request.name else None
    if present is None:
        _ensure_possible(request, host)
        return _created(request, host, catalog, image, reporter, check_mode)
    differences = _differences(request, image, present)
    if _must_replace(request.recreate, image, present):
        _ensure_possible(request, host)
        return _replaced(request, host, catalog, image, present, differences, reporter, check_mode)
    for difference in differences:
        reporter.warn(f"container {request.name} stays as it is, though {difference['what']} differs")
    facts = describe_container(host.layout, catalog, present)
    side = {"container": _side(present)}
    return Outcome(False, {"container": facts, "differences": differences}, side, side)


def _ensure_possible(request: ContainerRequest, host: Host) -> None:
    """Returns when this process can make the container."""
    host.driver.ensure_usable()
    if request.maps and in_user_namespace():
        from .namespace_ids import ensure_has

        ensure_has(request.maps)


def _created(
    request: ContainerRequest,
    host: Host,
    catalog: Catalog,
    image: ImageRecord,
    reporter: Reporter,
    check_mode: bool,
) -> Outcome:
    before: dict[str, Any] = {"container": None}
    chooser = _chooser(request, host, catalog, image)
    if check_mode:
        maps = chooser.choose(catalog.containers) if chooser else request.maps
        return Outcome(True, _predicted(request, image, maps, []), before, _predicted_side(request, image))
    record = _write(request, host, image, chooser, reporter)
    facts = describe_container(host.layout, read_catalog(host.layout), record)
    return Outcome(True, {"container": facts, "differences": []}, before, {"container": _side(record)})


def _replaced(
    request: ContainerRequest,
    host: Host,
    catalog: Catalog,
    image: ImageRecord,
    present: ContainerRecord,
    differences: list[dict[str, Any]],
    reporter: Reporter,
    check_mode: bool,
) -> Outcome:
    before = {"container": _side(present)}
    ensure_free(host.layout, catalog, present, request.force)
    chooser = _chooser(request, host, catalog, image)
    if check_mode:
        # Those of the container that goes are free by then.
        others = [record for record in catalog.containers if record.id != present.id]
        maps = chooser.choose(others) if chooser else request.maps
        return Outcome(True, _predicted(request, image, maps, differences), before, _predicted_side(request, image))
    release(host.layout, host.driver, present, reporter)
    delete_container(host.layout, host.driver, present)
    reporter.step("deleted", present.id, name=request.name)
    record = _write(request, host, image, chooser, reporter)
    facts = describe_container(host.layout, read_catalog(host.layout), record)
    return Outcome(True, {"container": facts, "differences": differences}, before, {"container": _side(record)})


def _chooser(request: ContainerRequest, host: Host, catalog: Catalog, image: ImageRecord) -> IdChooser | None:
    return host.ids(request.auto, catalog, image) if request.auto and host.ids else None


def _write(
    request: ContainerRequest, host: Host, image: ImageRecord, chooser: IdChooser | None, reporter: Reporter
) -> ContainerRecord:
    prepare_store(host.layout)
    record = create_container(
        host.layout,
        host.driver,
        NewContainer(
            image_id=image.id,
            top_layer=image.layer or None,
            name=request.name,
            metadata=lambda container_id: _metadata(request, image, container_id, host.seconds()),
            mount_label=request.mount_label or "",
            process_label=request.process_label or "",
            mount_opts=request.mount_opts or (),
            maps=request.maps or UNMAPPED,
            choose_maps=chooser.choose if chooser else None,
            base_for=_base_for(host, image) if request.maps or chooser else None,
        ),
    )
    reporter.step("created", record.id, name=request.name, image=image.id, layer=record.layer)
    return record


def _base_for(host: Host, image: ImageRecord) -> Callable[[Tables, Catalog, IdMaps, str], Base]:
    """What tells what a container of the image is built on where it has ID maps."""
    from .._storage.mapped_layers import MappedLayers
    from .._storage.owners import Owners

    owners = Owners(host.layout, host.driver)

    def base_for(tables: Tables, others: Catalog, maps: IdMaps, container_id: str) -> Base:
        return MappedLayers(tables, others, owners).base_for(image.id, maps, container_id)

    return base_for


def _metadata(request: ContainerRequest, image: ImageRecord, container_id: str, seconds: int) -> str:
    """The metadata of the record: the caller's, or the JSON that podman writes for a container of its own."""
    if request.metadata is not None:
        return request.metadata
    name = image.names[0] if image.names else ""
    return go_json(
        {
            "image-name": name,
            "image-id": image.id,
            "name": request.name or container_id[:12],
            "created-at": seconds,
        }
    )


def _must_replace(recreate: str, image: ImageRecord, present: ContainerRecord) -> bool:
    return recreate == ALWAYS or (recreate == ON_IMAGE_CHANGE and present.image != image.id)


def _differences(request: ContainerRequest, image: ImageRecord, present: ContainerRecord) -> list[dict[str, Any]]:
    """What was asked for and is otherwise in the container that is there; only what was asked for is compared."""
    pairs: list[tuple[str, Any, Any]] = [("image_id", image.id, present.image)]
    if request.metadata is not None:
        pairs.append(("metadata", request.metadata, present.metadata))
    if request.mount_label is not None:
        pairs.append(("mount_label", request.mount_label, present.flags.get("MountLabel", "")))
    if request.process_label is not None:
        pairs.append(("process_label", request.process_label, present.flags.get("ProcessLabel", "")))
    if request.mount_opts is not None:
        pairs.append(("mount_opts", list(request.mount_opts), list(present.flags.get("MountOpts") or [])))
    if request.maps is not None:
        found = IdMaps.from_json(present.uidmap, present.gidmap)
        pairs.append(("uid_map", _json(request.maps)[0], _json(found)[0]))
        pairs.append(("gid_map", _json(request.maps)[1], _json(found)[1]))
    if request.auto is not None:
        pairs.append(("userns", str(request.auto), _as_auto(request.auto, present)))
    return [{"what": what, "wanted": wanted, "found": found} for what, wanted, found in pairs if wanted != found]


def _as_auto(auto: AutoUserNamespace, present: ContainerRecord) -> str:
    """How the container that is there could have been asked for: as ``auto`` where it may be one of these."""
    maps = IdMaps.from_json(present.uidmap, present.gidmap)
    if not maps.whole:
        return "host"
    size = sum(entry.size for entry in maps.uids if entry not in auto.additional.uids)
    has_all = {*auto.additional.uids} <= {*maps.uids} and {*auto.additional.gids} <= {*maps.gids}
    wanted = auto.size is None or size == auto.size - _covered(auto)
    return (
        str(auto)
        if has_all and wanted
        else " ".join(["uid_map", *map(str, maps.uids), "gid_map", *map(str, maps.gids)])
    )


def _covered(auto: AutoUserNamespace) -> int:
    """How many of the IDs below its size the container has by additional maps."""
    ends = ((entry.container_id, entry.container_id + entry.size) for entry in auto.additional.uids)
    return sum(max(0, min(end, auto.size or 0) - start) for start, end in ends)


def _json(maps: IdMaps) -> tuple[list[dict[str, int]], list[dict[str, int]]]:
    return [entry.to_json() for entry in maps.uids], [entry.to_json() for entry in maps.gids]


def _predicted(
    request: ContainerRequest, image: ImageRecord, maps: IdMaps | None, differences: list[dict[str, Any]]
) -> dict[str, Any]:
    uid_map, gid_map = _json(maps or UNMAPPED)
    flags: dict[str, Any] = {"MountLabel": request.mount_label or "", "ProcessLabel": request.process_label or ""}
    if request.mount_opts:
        flags["MountOpts"] = list(request.mount_opts)
    return {
        "container": {
            "id": None,
            "names": [request.name] if request.name else [],
            "image_id": image.id,
            "layer_id": None,
            "metadata": request.metadata,
            "big_data": [],
            "created": None,
            "uid_map": uid_map,
            "gid_map": gid_map,
            "flags": flags,
            "path": None,
            "mount_point": None,
            "mount_count": 0,
        },
        "differences": differences,
    }


def _side(record: ContainerRecord) -> dict[str, Any]:
    return {"name": record.names[0] if record.names else None, "image_id": record.image}


def _predicted_side(request: ContainerRequest, image: ImageRecord) -> dict[str, Any]:
    return {"container": {"name": request.name, "image_id": image.id}}
