# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The options of the btrfs driver, as storage.conf, ``STORAGE_OPTS`` and command lines spell them.

Upstream: ``parseOptions`` in ``drivers/btrfs/btrfs.go``. Both options that there are limit the size of containers by quotas of
the file system, which this engine does not set.
"""

from __future__ import annotations

from collections.abc import Iterable

from .driver_options import InvalidDriverOption, size_in_bytes, split_option

_PREFIX = "btrfs."
# The least size that a container may be given, and the size that each gets: the latter is unknown to podman 4 and 5.
_LIMITS = ("min_space", "size")


def first_limit(options: Iterable[str]) -> str:
    """The first option, as it was given, that limits the size of containers; empty where none does. Raises InvalidDriverOption."""
    found = ""
    for option in options:
        key, value = split_option(option, (_PREFIX,))
        if not option.strip().lower().startswith(_PREFIX) or key not in (*_LIMITS, "mountopt"):
            raise InvalidDriverOption("the btrfs driver has no such option", subject=option)
        if key == "mountopt":
            raise InvalidDriverOption("the btrfs driver knows no mount options", subject=option)
        size_in_bytes(value, option)
        found = found or option
    return found
