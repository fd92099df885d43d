# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb mount: the root file system of a container, reachable at a path or no longer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from .._report import Reporter
from .._storage.catalog import UnknownContainer
from .._storage.driver import MountRequest, StoreDriver
from .._storage.layout import Layout
from .._storage.mounting import MountState, mount, mount_state, unmount
from .._storage.records import ContainerRecord, LayerRecord
from .containers import container_called, container_facts
from .mount_plan import NOT_MOUNTED, mount_facts, predict_mount, predict_unmount
from .outcome import Outcome
from .recover import recovered_catalog

if TYPE_CHECKING:
    from .._storage.mount_owners import MountOwners


def mount_container(
    layout: Layout,
    driver: StoreDriver,
    name: str,
    reporter: Reporter,
    *,
    read_only: bool,
    may_be_volatile: bool,
    check_mode: bool,
) -> Outcome:
    """The container ``name`` mounted, with exactly one count of ours.

    ``may_be_volatile`` says whether a container that its maker calls volatile is mounted as such.

    Raises UnknownContainer, OwnersUnsupported, and ReadOnlyConflict where it is mounted the other way already.
    """
    catalog = recovered_catalog(layout, driver, check_mode=check_mode)
    record = container_called(catalog, name)
    if record is None:
        raise UnknownContainer("no such container in the store", subject=name)
    owners_of = _owners(layout, driver, record)
    before = mount_state(layout, catalog, record.id, record.layer)
    request = MountRequest(
        read_only,
        tuple(record.flags.get("MountOpts") or ()),
        str(record.flags.get("MountLabel") or ""),
        may_be_volatile and record.flags.get("Volatile") is True,
    )
    if check_mode:
        driver.ensure_usable()
        layer = catalog.layer(record.layer)
        if owners_of and layer and not before.mount_point:
            owners_of(layer)
        wanted = driver.read_only(request)
        after, changed = predict_mount(layout, record.id, record.layer, before, read_only=wanted)
        return _outcome(layout, record, before, after, changed)
    after, changed = mount(layout, driver, record.id, record.layer, request, owners_of)
    if changed:
        reporter.step("mounted", record.id, path=after.mount_point, count=after.mount_count, read_only=read_only)
    return _outcome(layout, record, before, after, changed)


def unmount_container(
    layout: Layout, driver: StoreDriver, name: str, reporter: Reporter, *, force: bool, check_mode: bool
) -> Outcome:
    """Our mount of the container ``name`` given back; with ``force`` everybody's. An unknown container is unmounted."""
    catalog = recovered_catalog(layout, driver, check_mode=check_mode)
    record = container_called(catalog, name)
    if record is None:
        return Outcome(False, {**mount_facts(NOT_MOUNTED), "container": None})
    before = mount_state(layout, catalog, record.id, record.layer)
    if check_mode:
        after, changed = predict_unmount(layout, record.id, record.layer, before, force=force)
        return _outcome(layout, record, before, after, changed)
    after, changed = unmount(layout, driver, record.id, record.layer, force=force)
    if changed:
        reporter.step("unmounted", record.id, count=after.mount_count)
    return _outcome(layout, record, before, after, changed)


def _owners(
    layout: Layout, driver: StoreDriver, record: ContainerRecord
) -> Callable[[LayerRecord], MountOwners] | None:
    """What tells the owners of the container's files where it has ID maps. Raises OwnersUnsupported when it is called."""
    if not record.uidmap and not record.gidmap:
        return None
    from .._model.id_map import IdMaps
    from .._storage.owners import Owners

    return partial(Owners(layout, driver).at_mount, record.id, IdMaps.from_json(record.uidmap, record.gidmap))


def _outcome(layout: Layout, record: ContainerRecord, before: MountState, after: MountState, changed: bool) -> Outcome:
    facts = {**mount_facts(after), "container": container_facts(layout, record, after)}
    return Outcome(changed, facts, mount_facts(before), mount_facts(after))
