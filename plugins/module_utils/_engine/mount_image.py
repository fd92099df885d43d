# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb mount for images: the files of an image, readable at a path or no longer.

As ``podman image mount`` does it: the top layer of the image is mounted read-only, and images that share that layer
share its mount and its counts. The vfs driver knows no read-only mounts; there the files are as writable as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._errors import UsageError
from .._report import Reporter
from .._storage.catalog import Catalog, ReadOnlyImage, UnknownContainer, UnknownImage, read_catalog
from .._storage.driver import MountRequest, StoreDriver
from .._storage.layout import Layout
from .._storage.mounting import MountState, mount, mount_state, unmount
from .._storage.records import ImageRecord
from .describe import describe_image, read_image
from .mount_plan import NOT_MOUNTED, mount_facts, predict_mount, predict_unmount
from .names import find_image, knows_image
from .outcome import Outcome
from .recover import recovered_catalog

if TYPE_CHECKING:
    from .._config.short_names import ShortNames

# In upstream's driver these options of its own keep an image's mount from having those of storage.conf. They make it
# read-only, where the driver has such mounts.
_REQUEST = MountRequest(options=("ro",))


class NothingToMount(UsageError):
    """The image has no layer: it is a manifest list, or is empty."""

    code = "nothing_to_mount"


def mount_image(
    layout: Layout,
    driver: StoreDriver,
    name: str,
    short_names: Callable[[], ShortNames],
    reporter: Reporter,
    *,
    check_mode: bool,
) -> Outcome:
    """The image ``name`` mounted, read-only where the driver can do that, with exactly one count of ours.

    Raises UnknownImage, AmbiguousName, NothingToMount, ReadOnlyImage for an image of an additional store (as podman 4.3),
    and ReadOnlyConflict where another tool mounted its layer writable.
    """
    catalog = recovered_catalog(layout, driver, check_mode=check_mode)
    record = find_image(catalog, name, short_names)
    if not record.layer:
        raise NothingToMount("the image has no layer that could be mounted", subject=name, found=record.id)
    # A chain with a gap is told of before anything is done.
    top = catalog.layer_chain(record.layer)[-1]
    if top.store:
        raise ReadOnlyImage(
            "the image lies in an additional image store and cannot be mounted itself: mount a container of it",
            subject=name,
            found=top.store,
        )
    before = mount_state(layout, catalog, record.id, record.layer)
    if check_mode:
        driver.ensure_usable()
        wanted = driver.read_only(_REQUEST)
        after, changed = predict_mount(layout, record.id, record.layer, before, read_only=wanted)
        return _outcome(layout, catalog, record, before, after, changed)
    try:
        after, changed = mount(layout, driver, record.id, record.layer, _REQUEST)
    except UnknownContainer as error:
        raise UnknownImage("the image was deleted meanwhile", subject=name, found=record.id) from error
    if changed and all(image.id != record.id for image in read_catalog(layout).images):
        # Deleted between the look and the lock; its layer, which another image has too, would stay mounted for nobody.
        unmount(layout, driver, record.id, record.layer, force=False)
        raise UnknownImage("the image was deleted meanwhile", subject=name, found=record.id)
    if changed:
        reporter.step("mounted", record.id, path=after.mount_point, count=after.mount_count, read_only=after.read_only)
    return _outcome(layout, catalog, record, before, after, changed)


def unmount_image(
    layout: Layout,
    driver: StoreDriver,
    name: str,
    short_names: Callable[[], ShortNames],
    reporter: Reporter,
    *,
    force: bool,
    check_mode: bool,
) -> Outcome:
    """Our mount of the image ``name`` given back; with ``force`` everybody's. An unknown image is unmounted.

    Raises AmbiguousName.
    """
    catalog = recovered_catalog(layout, driver, check_mode=check_mode)
    record = knows_image(catalog, name, short_names)
    if record is None:
        return Outcome(False, {**mount_facts(NOT_MOUNTED), "image": None})
    if not record.layer:
        return _outcome(layout, catalog, record, NOT_MOUNTED, NOT_MOUNTED, False)
    before = mount_state(layout, catalog, record.id, record.layer)
    if check_mode:
        after, changed = predict_unmount(layout, record.id, record.layer, before, force=force)
        return _outcome(layout, catalog, record, before, after, changed)
    after, changed = unmount(layout, driver, record.id, record.layer, force=force)
    if changed:
        reporter.step("unmounted", record.id, count=after.mount_count)
    return _outcome(layout, catalog, record, before, after, changed)


def _outcome(
    layout: Layout, catalog: Catalog, record: ImageRecord, before: MountState, after: MountState, changed: bool
) -> Outcome:
    image = describe_image(layout, catalog, read_image(layout, catalog, record))
    return Outcome(changed, {**mount_facts(after), "image": image}, mount_facts(before), mount_facts(after))
