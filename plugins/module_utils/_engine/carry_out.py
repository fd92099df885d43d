# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Does what a removal says, under the locks of all that it touches."""

from __future__ import annotations

import os
from collections.abc import Callable

from .._host.mountinfo import mounts_below
from .._host.remove_tree import InUse
from .._report import Reporter
from .._storage.catalog import Catalog, MountCount
from .._storage.containers import delete_container
from .._storage.driver import StoreDriver
from .._storage.edit import Tables, open_for_change
from .._storage.image_names import assign_names
from .._storage.layout import Layout
from .._storage.mount_marker import has_marker
from .._storage.mounting import mount_state, unmount
from .._storage.records import ImageRecord
from .._storage.remains import remove_remains
from .._storage.remove_image import delete_images
from .describe import read_image
from .lineage import Lineage
from .removal import Removal

# Plans on the records as they are; whether containers may go is the second argument.
Planner = Callable[[Removal, bool], None]


def plan_on(layout: Layout, catalog: Catalog, planner: Planner, *, containers: bool) -> Removal:
    """What ``planner`` takes away from the store as ``catalog`` shows it. Only reads."""

    # One look at the table of mounts tells of nearly all layers that they are not mounted.
    points = {entry.mount_point for entry in mounts_below(layout.driver_home)} if layout.stacked else set()

    def mount_of(layer_id: str) -> str | None:
        if layout.stacked and (not points or os.path.realpath(layout.merged(layer_id)) not in points):
            return None
        return mount_state(layout, catalog, layer_id, layer_id).mount_point

    def held_at(image: ImageRecord) -> str | None:
        if not image.layer or mount_of(image.layer) is None:
            return None
        state = mount_state(layout, catalog, image.id, image.layer)
        return state.mount_point if state.mounted_here else None

    removal = Removal(catalog, Lineage(lambda record: read_image(layout, catalog, record).config), mount_of, held_at)
    planner(removal, containers)
    return removal


def carry_out(
    layout: Layout, driver: StoreDriver, catalog: Catalog, planner: Planner, reporter: Reporter, *, check_mode: bool
) -> Removal:
    """What ``planner`` takes away from the store, done unless ``check_mode`` is set.

    Containers go first, each by itself. Then everything is planned once more on the records under the locks, and done:
    whoever made a container meanwhile keeps its image. Raises what ``planner`` raises, InUse for an image that was mounted
    meanwhile, and HostError.
    """
    planned = plan_on(layout, catalog, planner, containers=True)
    if check_mode or not (planned.untagged or planned.deleted):
        return planned
    for container in planned.containers:
        delete_container(layout, driver, container)
        reporter.step("deleted", container.id, kind="container", image=container.image)
    _release(layout, driver, catalog, planned, reporter)
    with open_for_change(layout, layers=True, mounts=True, images=True, containers=True) as tables:
        remove_remains(tables, layout, driver)
        current = _catalog_of(tables)
        done = plan_on(layout, current, planner, containers=False)
        _ensure_given_back(layout, current, done)
        _untag(tables, done, reporter)
        freed = delete_images(tables, layout, driver, done.deleted)
        for image_id in done.deleted:
            reporter.step("deleted", image_id, kind="image", layers=len(freed.get(image_id, ())))
    done.containers = planned.containers
    return done


def _release(layout: Layout, driver: StoreDriver, catalog: Catalog, planned: Removal, reporter: Reporter) -> None:
    """Takes the mounts away that are of the images that go, and gives back our counts of those that they share."""
    mounts = [(image_id, layer_id, True) for image_id, layer_id in planned.mounts]
    # Who was killed while he mounted has a marker, and perhaps no more than the mount of the driver's home.
    mounts += [
        (image.id, image.layer, image.layer in planned.layers)
        for image in catalog.images
        if image.id in planned.deleted and has_marker(layout, image.id)
    ]
    for image_id, layer_id, force in mounts:
        _state, changed = unmount(layout, driver, image_id, layer_id, force=force)
        if changed:
            reporter.step("unmounted", layer_id, image=image_id)


def _ensure_given_back(layout: Layout, catalog: Catalog, removal: Removal) -> None:
    """Raises InUse for an image that is mounted and whose layer stays: nobody could give that count back afterwards."""
    for image in catalog.images:
        if image.id not in removal.deleted or image.layer in removal.layers or not image.layer:
            continue
        state = mount_state(layout, catalog, image.id, image.layer)
        if state.mounted_here or (image.id, image.layer) in removal.mounts:
            raise InUse("the image was mounted meanwhile", subject=image.id, found=state.mount_point or "a count")


def _untag(tables: Tables, removal: Removal, reporter: Reporter) -> None:
    """Takes names from the images that stay."""
    for image in removal.images:
        record = tables.images.get(image.id)
        if record is not None and record.names != image.names:
            assign_names(tables.images, record, image.names)
    tables.save_images()
    for name, image_id in removal.untagged:
        reporter.step("untagged", image_id, name=name)


def _catalog_of(tables: Tables) -> Catalog:
    return Catalog(
        layers=tuple(tables.layers),
        images=tuple(tables.images),
        containers=tuple(tables.containers),
        mount_counts={record.id: MountCount(record.path, record.count) for record in tables.mounts if record.count > 0},
    )
