# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb mount: the root file system of a container, reachable at a path or no longer."""

from __future__ import annotations

from typing import Any

from .._errors import HostError
from .._report import Reporter
from .._storage.catalog import read_catalog
from .._storage.layout import Layout
from .._storage.mounting import MountState, ensure_same_mode, mount, mount_state, unmount
from .._storage.overlay import OverlayDriver
from .._storage.records import ContainerRecord
from .containers import container_facts
from .outcome import Outcome
from .remove import knows_container


class MappedContainer(HostError):
    """The container shifts user IDs, which this engine cannot mount."""

    code = "id_maps_unsupported"


def mount_container(
    layout: Layout, driver: OverlayDriver, name: str, reporter: Reporter, *, read_only: bool, check_mode: bool
) -> Outcome:
    """The container ``name`` mounted, with exactly one count of ours.

    Raises UnknownContainer, MappedContainer, and ReadOnlyConflict where it is mounted the other way already.
    """
    catalog = read_catalog(layout)
    record = catalog.container(name)
    if record.uidmap or record.gidmap:
        raise MappedContainer("containers with ID maps cannot be mounted yet", subject=name)
    before = mount_state(layout, catalog, record.id, record.layer)
    mount_options = tuple(record.flags.get("MountOpts") or ())
    if check_mode:
        driver.ensure_native()
        return _mount_predicted(layout, record, before, driver.read_only(read_only, mount_options))
    after, changed = mount(
        layout,
        driver,
        record.id,
        record.layer,
        read_only=read_only,
        mount_options=mount_options,
        mount_label=str(record.flags.get("MountLabel") or ""),
    )
    if changed:
        reporter.step("mounted", record.id, path=after.mount_point, count=after.mount_count, read_only=read_only)
    return _outcome(layout, record, before, after, changed)


def unmount_container(
    layout: Layout, driver: OverlayDriver, name: str, reporter: Reporter, *, force: bool, check_mode: bool
) -> Outcome:
    """Our mount of the container ``name`` given back; with ``force`` everybody's. An unknown container is unmounted."""
    catalog = read_catalog(layout)
    record = knows_container(catalog, name)
    if record is None:
        nothing = {"mount_point": None, "mount_count": 0, "mounted_here": False, "container": None}
        return Outcome(False, nothing)
    before = mount_state(layout, catalog, record.id, record.layer)
    if check_mode:
        return _unmount_predicted(layout, record, before, force)
    after, changed = unmount(layout, driver, record.id, record.layer, force=force)
    if changed:
        reporter.step("unmounted", record.id, count=after.mount_count)
    return _outcome(layout, record, before, after, changed)


def _mount_predicted(layout: Layout, record: ContainerRecord, before: MountState, read_only: bool) -> Outcome:
    ensure_same_mode(record.id, before, read_only)
    if before.mounted_here and before.mount_point:
        return _outcome(layout, record, before, before, False)
    # A count of ours that outlived its mount is taken over.
    count = before.mount_count if before.mounted_here else before.mount_count + 1
    after = MountState(layout.merged(record.layer), count, True, read_only)
    return _outcome(layout, record, before, after, True)


def _unmount_predicted(layout: Layout, record: ContainerRecord, before: MountState, force: bool) -> Outcome:
    changed = (before.mount_count > 0 or before.mount_point is not None) if force else before.mounted_here
    if not changed:
        return _outcome(layout, record, before, before, False)
    left = 0 if force else max(before.mount_count - 1, 0)
    after = MountState(before.mount_point if left else None, left, False, before.read_only if left else None)
    return _outcome(layout, record, before, after, True)


def _outcome(layout: Layout, record: ContainerRecord, before: MountState, after: MountState, changed: bool) -> Outcome:
    facts = {**_side(after), "container": container_facts(layout, record, after)}
    return Outcome(changed, facts, _side(before), _side(after))


def _side(state: MountState) -> dict[str, Any]:
    return {
        "mount_point": state.mount_point,
        "mount_count": state.mount_count,
        "mounted_here": state.mounted_here,
    }
