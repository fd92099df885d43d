# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The options of the overlay driver, as storage.conf, ``STORAGE_OPTS`` and command lines spell them.

They arrive as ``key=value``, the key with the driver's name and a dot in front or without. Upstream: ``parseOptions`` in
``drivers/overlay/overlay.go``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .driver_options import InvalidDriverOption, boolean, image_stores, size_in_bytes, split_option, sync_word

_PREFIXES = ("overlay.", "overlay2.", ".")
_STORES = ("imagestore", "additionalimagestore", "additionalimagestores")
_LARGEST = (1 << 64) - 1
_MASKS = {"shared": 0o755, "private": 0o700}


@dataclass(frozen=True)
class OverlayOptions:
    """The driver options as values.

    ``mount_options`` are the single words of ``mountopt``; ``image_stores`` the graph roots of additional stores. ``limit``
    is the first option, as it was given, that limits the size of a container, and ``unsupported`` the first that asks for
    something else that this engine cannot do; both are else empty. ``mount_program`` is the path of the program that
    mounts layers in place of the kernel, empty for none; ``force_mask`` the mode of every file, None for each its own.
    """

    mount_options: tuple[str, ...] = ()
    image_stores: tuple[str, ...] = ()
    skip_mount_home: bool = False
    sync: bool = False
    mount_program: str = ""
    force_mask: int | None = None
    limit: str = ""
    unsupported: str = ""


def parse_options(options: Iterable[str]) -> OverlayOptions:
    """The options of ``key=value`` texts, the later of two winning; additional stores add up.

    Options that need what this engine has not are noted, not refused, so that such a store can be looked at.
    Raises InvalidDriverOption.
    """
    found = OverlayOptions()
    for option in options:
        key, value = split_option(option, _PREFIXES)
        if key == "mountopt":
            found = replace(found, mount_options=tuple(word for word in value.split(",") if word))
        elif key in _STORES:
            stores = image_stores(value, option)
            found = replace(found, image_stores=found.image_stores + stores)
        elif key == "skip_mount_home":
            found = replace(found, skip_mount_home=boolean(value, option))
        elif key == "ignore_chown_errors":
            # It allows errors to be ignored; root meets none, so there is nothing to do but to check the word.
            boolean(value, option)
        elif key == "mount_program":
            found = replace(found, mount_program=value)
        elif key == "force_mask":
            found = replace(found, force_mask=_mask(value, option))
        elif key == "sync":
            found = replace(found, sync=sync_word(value, option))
        elif key in ("size", "inodes"):
            if (size_in_bytes if key == "size" else _count)(value, option):
                found = replace(found, limit=found.limit or option)
        elif _wants_more(key, value, option):
            found = replace(found, unsupported=found.unsupported or option)
    return found


def _wants_more(key: str, value: str, option: str) -> bool:
    """Whether the option asks for what this engine has not. Raises InvalidDriverOption for one that overlay has not."""
    if key == "use_composefs":
        return boolean(value, option)
    if key == "additionallayerstore":
        return value != ""
    if key == "override_kernel_check":
        return False
    raise InvalidDriverOption("the overlay driver has no such option", subject=option)


def _count(value: str, option: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value) <= _LARGEST):
        raise InvalidDriverOption("the value is not a count", subject=option, wanted="a number", found=value)
    return int(value)


def _mask(value: str, option: str) -> int:
    if value in _MASKS:
        return _MASKS[value]
    if not re.fullmatch(r"[-+]?[0-7]+", value, re.ASCII):
        raise InvalidDriverOption(
            "the value is not a mask", subject=option, wanted="shared, private or an octal number", found=value
        )
    return int(value, 8) & 0o777
