# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The file names under which containers/storage keeps the big data items of images, containers and layers.

The rule is ``makeBigDataBaseName`` of containers/storage: a plain key is its own file name, any other is encoded.
"""

from __future__ import annotations

import base64

from .._errors import DataError

_PLAIN = frozenset(".0123456789abcdefghijklmnopqrstuvwxyz")


class InvalidKey(DataError):
    """No file can hold a big data item of this key."""

    code = "invalid_key"


def file_name(key: str) -> str:
    """The base name of the file that holds the item ``key``.

    A key of dots, digits and small letters is the name itself; any other is ``=`` and the base64 of its UTF-8 form.
    Upstream never looks at the last character, so a key that is odd only there stays as it is. Raises InvalidKey for an
    empty key and for one whose name would not be a file in the item's own directory; the other tools cannot store those
    either.
    """
    name = key if set(key[:-1]) <= _PLAIN else _encoded(key)
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise InvalidKey("a big data item cannot have this key", subject=repr(key))
    return name


def _encoded(key: str) -> str:
    # Standard base64, slash included: a key that brings one forth cannot be stored by anybody.
    return "=" + base64.b64encode(key.encode("utf-8", "replace")).decode("ascii")
