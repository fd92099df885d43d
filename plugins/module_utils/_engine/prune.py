# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb prune: the images that nothing uses gone, with their layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from .._report import Reporter
from .._storage.driver import StoreDriver
from .._storage.layout import Layout
from .._storage.records import ImageRecord
from .carry_out import carry_out
from .outcome import Outcome
from .prune_filters import created_before, cutoff, has_labels, matches_name
from .recover import recovered_catalog
from .removal import Removal


@dataclass(frozen=True)
class PruneRequest:
    """What may go: images without a name, or ``all`` that no container uses; of these those that pass every filter.

    ``labels`` must all be there. ``until`` is a time before which the image was made (None: any). An image with a name that
    matches a pattern of ``keep`` stays.
    """

    all: bool = False
    labels: Sequence[str] = ()
    until: Optional[str] = None
    keep: Sequence[str] = ()


def prune_images(
    layout: Layout, driver: StoreDriver, request: PruneRequest, reporter: Reporter, *, now: int, check_mode: bool
) -> Outcome:
    """The store without the images that ``request`` lets go; ``now`` is in nanoseconds since the epoch.

    What a container uses stays, and what is mounted. The rules are those of ``podman image prune``, which too takes the
    nameless images that a pruned one was built on. Raises InvalidFilter and HostError.
    """
    moment = None if request.until is None else cutoff(request.until, now)

    def planner(removal: Removal, _containers: bool) -> None:
        play_prune(removal, request, moment)

    catalog = recovered_catalog(layout, driver, check_mode=check_mode)
    removal = carry_out(layout, driver, catalog.own(), planner, reporter, check_mode=check_mode)
    facts = {
        "deleted": removal.deleted,
        "untagged": [name for name, _image_id in removal.untagged],
        "space_reclaimed": removal.size,
    }
    before, after = removal.sides()
    return Outcome(bool(removal.deleted), facts, {"images": before["images"]}, {"images": after["images"]})


def play_prune(removal: Removal, request: PruneRequest, moment: int | None) -> None:
    """Takes images until none is left that may go: one may become nameless and childless only when another is gone."""
    while True:
        going = [image for image in removal.images if _may_go(removal, image, request, moment)]
        if not going:
            return
        for image in going:
            # Those before it may have taken it along, or left to it alone a layer that is mounted.
            if removal.image(image.id) is not None and _may_go(removal, image, request, moment):
                removal.delete(image, containers=False, mounted=False)


def _may_go(removal: Removal, image: ImageRecord, request: PruneRequest, moment: int | None) -> bool:
    if removal.users(image) or matches_name(image.names, request.keep):
        return False
    if moment is not None and not created_before(image.created, moment):
        return False
    if not (request.all or removal.dangling(image)):
        return False
    # The config is read only for those that ask for its labels.
    if request.labels and not has_labels(removal.labels(image), request.labels):
        return False
    return removal.mount_point(image) is None
