# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Base64 in untrusted texts, as Go's base64.StdEncoding reads it."""

from __future__ import annotations

import base64
import re

# RFC 4648 section 4, padded. The decoder of the standard library accepts more, and what more depends on its version.
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)


def decoded(text: str) -> bytes | None:
    """The bytes that ``text`` is the base64 of, in the standard alphabet with padding; None where it is that of none.

    Line breaks inside are fine.
    """
    joined = text.replace("\r", "").replace("\n", "")
    return base64.b64decode(joined) if _BASE64.fullmatch(joined) else None
