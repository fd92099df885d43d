# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb remove for images: names taken away, and with the last one the image and what nobody else uses of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .._errors import UsageError
from .._report import Reporter
from .._storage.catalog import Catalog, UnknownImage
from .._storage.driver import StoreDriver
from .._storage.layout import Layout
from .carry_out import carry_out
from .names import ensure_changeable, match_image
from .outcome import Outcome
from .recover import recovered_catalog
from .removal import Removal

if TYPE_CHECKING:
    from .._config.short_names import ShortNames


class SeveralNames(UsageError):
    """The image has several names, and was asked for by its ID or digest."""

    code = "several_names"


def remove_images(
    layout: Layout,
    driver: StoreDriver,
    names: Sequence[str],
    short_names: Callable[[], ShortNames],
    reporter: Reporter,
    *,
    force: bool,
    check_mode: bool,
) -> Outcome:
    """The images that ``names`` ask for without these names; one that loses its last name is deleted.

    The rules are those of ``podman rmi``; unlike there, nothing at all is done when one of the images has to stay. What is
    not in the store is fine. Raises SeveralNames, ImageInUse, ImageMounted, ContainerMounted, AmbiguousName and ReadOnlyImage.
    """
    catalog = recovered_catalog(layout, driver, check_mode=check_mode)
    wanted = [found for found in (meant(catalog, text, short_names) for text in names) if found]

    def planner(removal: Removal, containers: bool) -> None:
        for image_id, name in wanted:
            take(removal, image_id, name, force=force, containers=containers)

    removal = carry_out(layout, driver, catalog.own(), planner, reporter, check_mode=check_mode)
    facts = {
        "deleted": removal.deleted,
        "untagged": [name for name, _image_id in removal.untagged],
        "containers": [container.id for container in removal.containers],
    }
    before, after = removal.sides()
    return Outcome(bool(removal.deleted or removal.untagged), facts, before, after)


def take(removal: Removal, image_id: str, name: str | None, *, force: bool, containers: bool) -> None:
    """Takes ``name`` from the image, or the image itself: by its last name, or by ID or digest (``name`` is None)."""
    image = removal.image(image_id)
    if image is None or (name is not None and name not in image.names):
        return
    if name is not None and len(image.names) > 1:
        removal.untag(image, name)
        return
    if len(image.names) > 1 and not force:
        raise SeveralNames(
            "the image has several names: ask for each of them, or set force",
            subject=image.id,
            found=", ".join(image.names),
        )
    removal.delete(image, containers=force and containers, mounted=force)


def meant(catalog: Catalog, text: str, short_names: Callable[[], ShortNames]) -> tuple[str, str | None] | None:
    """The ID of the image that ``text`` asks for with the name by which it does, None for an ID or digest.

    None where the store has no such image. Raises AmbiguousName, ReadOnlyImage, and what ``short_names`` raises.
    """
    try:
        match = match_image(catalog, text, short_names)
    except UnknownImage:
        return None
    ensure_changeable(match.image, text)
    return match.image.id, str(match.name) if match.name else None
