# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What a pull is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._errors import StrataError
from .._model.reference import Reference
from .platform_choice import PlatformChoice

ALWAYS = "always"
NEWER = "newer"
MISSING = "missing"
NEVER = "never"


@dataclass(frozen=True)
class PullRequest:
    """One image to be pulled.

    ``name`` is its full reference; ``extra_names`` are given to the image besides. ``policy`` is one of ``always``,
    ``newer``, ``missing``, ``never``. With ``remove_signatures`` the image is kept without its signatures.
    """

    name: Reference
    extra_names: tuple[Reference, ...]
    policy: str
    choice: PlatformChoice
    remove_signatures: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that the image shall have."""
        return tuple(dict.fromkeys([str(self.name), *map(str, self.extra_names)]))


@dataclass(frozen=True)
class PresentImage:
    """An image of the store, known by its ID, that shall have further names."""

    image_id: str
    extra_names: tuple[Reference, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that the image shall have; those that it has otherwise are not asked about."""
        return tuple(dict.fromkeys(map(str, self.extra_names)))


@dataclass(frozen=True)
class Pulled:
    """What one pull did: the facts of the image, and the two sides of the difference."""

    changed: bool
    image: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


def failed_image(name: str, error: StrataError, fetched: int) -> dict[str, Any]:
    """The entry of an image that could not be pulled: the keys of one that could, null but for names, bytes and error."""
    unknown = (
        "id",
        "digest",
        "top_layer",
        "read_only",
        "size",
        "created",
        "platform",
        "plan",
        "source",
        "credentials",
        "accepted_by",
    )
    entry: dict[str, Any] = dict.fromkeys(unknown)
    return {
        **entry,
        "names": [name],
        "digests": [],
        "layers": [],
        "verified": [],
        "bytes_downloaded": fetched,
        "error": error.facts(),
    }
