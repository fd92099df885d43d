# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb remove: a container and its writable layer gone, its image untouched."""

from __future__ import annotations

from .._errors import HostError
from .._report import Reporter
from .._storage.catalog import Catalog
from .._storage.containers import delete_container
from .._storage.driver import StoreDriver
from .._storage.layout import Layout
from .._storage.mounting import mount_state, unmount
from .._storage.records import ContainerRecord
from .containers import container_called, describe_container
from .outcome import Outcome
from .recover import recovered_catalog


class ContainerMounted(HostError):
    """The container is mounted, and the task did not say that this does not matter."""

    code = "container_mounted"


def remove_container(
    layout: Layout, driver: StoreDriver, name: str, reporter: Reporter, *, force: bool, check_mode: bool
) -> Outcome:
    """The container ``name`` (or ID) deleted; nothing to do where there is none.

    Raises ContainerMounted for a mounted container unless ``force`` is given, as podman does.
    """
    catalog = recovered_catalog(layout, driver, check_mode=check_mode)
    record = container_called(catalog, name)
    if record is None:
        return Outcome(False, {"container": None}, {"container": None}, {"container": None})
    ensure_free(layout, catalog, record, force)
    facts = describe_container(layout, catalog, record)
    before = {"container": {"name": name, "image_id": record.image}}
    if not check_mode:
        release(layout, driver, record, reporter)
        delete_container(layout, driver, record)
        reporter.step("deleted", record.id, name=name)
    return Outcome(True, {"container": facts}, before, {"container": None})


def ensure_free(layout: Layout, catalog: Catalog, record: ContainerRecord, force: bool) -> None:
    """Raises ContainerMounted when the container is mounted and ``force`` is not set."""
    state = mount_state(layout, catalog, record.id, record.layer)
    # Counts alone may have outlived a crash; what is mounted is what the kernel says.
    if state.mount_point and not force:
        raise ContainerMounted(
            "the container is mounted: unmount it first, or set force",
            subject=record.names[0] if record.names else record.id,
            found=f"{state.mount_count} mounts at {state.mount_point}",
        )


def release(layout: Layout, driver: StoreDriver, record: ContainerRecord, reporter: Reporter) -> None:
    """Takes every mount of the container away."""
    _state, changed = unmount(layout, driver, record.id, record.layer, force=True)
    if changed:
        reporter.step("unmounted", record.id)
