# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Names of tar members: their shortest form, and how they are shown in a message."""

from __future__ import annotations

import posixpath
import re

# An empty component, `.` or `..`: what makes a name differ from its shortest form.
_UNCLEAN = re.compile(rb"(?:^|/)\.{0,2}(?:/|$)")


def clean_name(name: bytes) -> bytes:
    """The shortest name for the same place, as Go's path.Clean gives it.

    ``a/b`` for ``./a//c/../b/``, and ``.`` for nothing. A leading slash stays, and so does each ``..`` that leads
    out of a relative name.
    """
    trimmed = name[:-1] if name.endswith(b"/") else name
    if trimmed.startswith(b"./"):
        trimmed = trimmed[2:]
    if trimmed[:1] not in b"./" and b"/." not in trimmed and b"//" not in name:
        # Most names, told without a regular expression.
        return trimmed
    if not _UNCLEAN.search(trimmed):
        return trimmed
    # POSIX gives two slashes at the start a meaning of their own, which Go and Linux do not.
    return posixpath.normpath(b"/" + name.lstrip(b"/") if name.startswith(b"/") else name)


def readable(name: bytes) -> str:
    """``name`` as text for a message: escapes stand for what is not UTF-8 or cannot be printed."""
    text = name.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else repr(text)[1:-1]
