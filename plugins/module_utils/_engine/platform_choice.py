# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which platform a person wants an image for, and whether an image serves that."""

from __future__ import annotations

from dataclasses import dataclass

from .._model.platform import Platform


@dataclass(frozen=True)
class PlatformChoice:
    """The platform that is wanted; ``explicit`` when a person asked for it, ``allow_other`` to take a single image of another."""

    platform: Platform
    explicit: bool = False
    allow_other: bool = False


def fits(platform: Platform, choice: PlatformChoice) -> bool:
    """Whether an image of ``platform`` serves ``choice``.

    Operating system and architecture must be the same; the variant counts only where a person named one. An image that
    does not say what it is for serves anyone, as in podman.
    """
    wanted = choice.platform
    if platform.os and platform.os != wanted.os:
        return False
    if platform.architecture and platform.architecture != wanted.architecture:
        return False
    if choice.explicit and wanted.variant and platform.variant:
        return platform in wanted.acceptable()
    return True
