# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb tag: further names for an image of the store."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from .._errors import UsageError
from .._model.reference import ImageIdGiven
from .._report import Reporter
from .._storage.catalog import Catalog
from .._storage.image_names import change_names
from .._storage.layout import Layout
from .._storage.records import ImageRecord
from .describe import describe_image, read_image
from .names import ensure_changeable, find_image, local_name
from .outcome import Outcome
from .recover import recovered_catalog

if TYPE_CHECKING:
    from .._config.short_names import ShortNames

MOVE = "move"
KEEP = "keep"
FAIL = "fail"

_DIGEST = "sha256:"
_IMAGE_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


class NameTaken(UsageError):
    """Another image has the name, and the task said that it must not be taken away."""

    code = "name_taken"


class TargetHasDigest(UsageError):
    """A name with a digest says what an image contains and cannot be given to an image."""

    code = "target_has_digest"


def tag_image(
    layout: Layout,
    name: str,
    targets: Sequence[str],
    short_names: Callable[[], ShortNames],
    reporter: Reporter,
    *,
    existing: str,
    check_mode: bool,
) -> Outcome:
    """The image ``name`` with the further names ``targets``, behind those it has.

    ``existing`` says what becomes of a name that another image has: it moves, stays there, or is an error. Raises
    UnknownImage, AmbiguousName, InvalidReference, TargetHasDigest, ReadOnlyImage and NameTaken; then no name is given.
    """
    wanted = target_names(targets)
    catalog = recovered_catalog(layout, None, check_mode=check_mode)
    image = find_image(catalog, name, short_names)
    ensure_changeable(image, name)
    images = catalog.own().images
    new = names_to_give(images, image.id, wanted, existing)
    before = _holders(images, wanted)
    after = {**before, **dict.fromkeys(new, image.id)}
    if not new:
        record = image
    elif check_mode:
        record = image.changed(names=[*image.names, *new])
    else:
        record = change_names(layout, image.id, lambda images: _all_names(images, image.id, wanted, existing))
        for given in new:
            reporter.step("tagged", image.id, name=given, taken_from=before[given])
    facts = describe_image(layout, catalog, read_image(layout, catalog, record))
    return Outcome(bool(new), {"image": facts}, {"names": before}, {"names": after})


def target_names(targets: Iterable[str]) -> list[str]:
    """The full names that ``targets`` stand for, each once; an unqualified one belongs to ``localhost``, as in podman.

    Raises InvalidReference, and for an image ID or a name with a digest ImageIdGiven and TargetHasDigest.
    """
    names: dict[str, None] = {}
    for target in targets:
        if _IMAGE_ID.fullmatch(target):
            raise ImageIdGiven("this is an image ID, and a name is needed", subject=target)
        reference = None if target.startswith(_DIGEST) else local_name(target)
        if reference is None or reference.digest is not None:
            raise TargetHasDigest(
                "an image cannot be given a name with a digest", subject=target, wanted="repository[:tag]"
            )
        names[str(reference)] = None
    return list(names)


def names_to_give(images: Iterable[ImageRecord], image_id: str, wanted: Iterable[str], existing: str) -> list[str]:
    """Those of the names ``wanted`` that the image lacks and shall have. Raises NameTaken."""
    new = []
    for name, holder in _holders(images, wanted).items():
        if holder == image_id or (holder is not None and existing == KEEP):
            continue
        if holder is not None and existing == FAIL:
            raise NameTaken("another image has this name", subject=name, found=holder)
        new.append(name)
    return new


def _all_names(images: Sequence[ImageRecord], image_id: str, wanted: Sequence[str], existing: str) -> list[str]:
    own = [name for image in images if image.id == image_id for name in image.names]
    return own + names_to_give(images, image_id, wanted, existing)


def _holders(images: Iterable[ImageRecord], names: Iterable[str]) -> dict[str, str | None]:
    """For each name the ID of the image that has it, None where there is none."""
    catalog = Catalog(images=tuple(images))
    holders = {name: catalog.image_named(name) for name in names}
    return {name: image.id if image else None for name, image in holders.items()}
