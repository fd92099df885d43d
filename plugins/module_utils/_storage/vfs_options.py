# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The options of the vfs driver, as storage.conf, ``STORAGE_OPTS`` and command lines spell them.

Upstream: ``Init`` in ``drivers/vfs/driver.go``, and ``sync`` since 1.63. It has no option for mounts, and none for sizes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .driver_options import InvalidDriverOption, boolean, image_stores, split_option, sync_word

_PREFIXES = ("vfs.", ".")


@dataclass(frozen=True)
class VfsOptions:
    """The driver options as values; ``image_stores`` are the graph roots of additional stores."""

    image_stores: tuple[str, ...] = ()
    sync: bool = False


def parse_vfs_options(options: Iterable[str]) -> VfsOptions:
    """The options of ``key=value`` texts, the later of two winning; additional stores add up. Raises InvalidDriverOption."""
    found = VfsOptions()
    for option in options:
        key, value = split_option(option, _PREFIXES)
        if not option.strip().lower().startswith(_PREFIXES):
            # Other than overlay this driver insists on one.
            key = ""
        if key == "imagestore":
            found = replace(found, image_stores=found.image_stores + image_stores(value, option))
        elif key == "ignore_chown_errors":
            # Root meets none of these errors, so there is nothing to do but to check the word.
            boolean(value, option)
        elif key == "sync":
            found = replace(found, sync=sync_word(value, option))
        else:
            raise InvalidDriverOption("the vfs driver has no such option", subject=option)
    return found
