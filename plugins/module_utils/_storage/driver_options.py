# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the options of all drivers have in common: their form, and the kinds of their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .._errors import HostError

# Go's strconv.ParseBool.
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")
# RAMInBytes of docker/go-units.
_SIZE = re.compile(r"(?P<number>[0-9]+\.?[0-9]*|\.[0-9]+) ?(?P<unit>|b|[kmgtp](|b|ib))", re.ASCII)
_UNITS = "kmgtp"


class InvalidDriverOption(HostError):
    """A driver option that the driver does not know, or whose value it cannot read."""

    code = "invalid_config"


def split_option(option: str, prefixes: Sequence[str]) -> tuple[str, str]:
    """The key of a text ``key=value`` in lower case, without any of ``prefixes``, and the value. Raises InvalidDriverOption."""
    key, equals, value = option.partition("=")
    if not equals:
        raise InvalidDriverOption("a driver option must have the form key=value", subject=option)
    key = key.strip().lower()
    for prefix in prefixes:
        if key.startswith(prefix):
            return key[len(prefix) :], value.strip()
    return key, value.strip()


def image_stores(value: str, option: str) -> tuple[str, ...]:
    """The graph roots of additional stores in a list with commas. Raises InvalidDriverOption."""
    return tuple(_absolute(store, option) for store in value.split(",") if store)


def sync_word(value: str, option: str) -> bool:
    """Whether layers are synced before their records are complete. Raises InvalidDriverOption."""
    if value not in ("", "none", "filesystem"):
        raise InvalidDriverOption(
            "the way to sync is unknown", subject=option, wanted="none or filesystem", found=value
        )
    return value == "filesystem"


def ignores_chown_errors(options: Iterable[str]) -> bool:
    """Whether the owners that files cannot have are to be done without. Raises InvalidDriverOption."""
    found = False
    for option in options:
        key, value = split_option(option, ())
        if key.rpartition(".")[2] == "ignore_chown_errors":
            found = boolean(value, option)
    return found


def boolean(value: str, option: str) -> bool:
    """A boolean as Go reads it. Raises InvalidDriverOption."""
    if value not in _TRUE + _FALSE:
        raise InvalidDriverOption("the value is not a boolean", subject=option, wanted="true or false", found=value)
    return value in _TRUE


def size_in_bytes(value: str, option: str) -> int:
    """Bytes, as Go reads a size such as 10G. Raises InvalidDriverOption."""
    found = _SIZE.fullmatch(value.lower())
    if found is None:
        raise InvalidDriverOption("the value is not a size", subject=option, wanted="such as 10G", found=value)
    unit = found["unit"][:1]
    return int(float(found["number"]) * 1024 ** (_UNITS.index(unit) + 1 if unit and unit in _UNITS else 0))


def _absolute(path: str, option: str) -> str:
    if not path.startswith("/"):
        raise InvalidDriverOption("an additional image store must be an absolute path", subject=option, found=path)
    return path.rstrip("/") or "/"
