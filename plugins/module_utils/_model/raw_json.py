# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""JSON values in the very text that they were written in, as Go's json.RawMessage keeps them.

A config that is put together from parts of another document has the digest that the other tools compute only if no
number and no escape in those parts is written anew.
"""

from __future__ import annotations

import re
from json.decoder import JSONDecoder, scanstring  # type: ignore[attr-defined]

from .json_text import go_escaped

# A string, which is kept as it is, or white space between tokens, which is not.
_STRING_OR_SPACE = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+')
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = JSONDecoder()


def raw_members(text: str) -> dict[str, str]:
    """The text of the value of each key of the object in ``text``, which ``parse_json`` must have accepted."""
    members: dict[str, str] = {}
    position = _skip(text, _skip(text, 0) + 1)
    while text[position] == '"':
        key, position = scanstring(text, position + 1, True)
        # One further for the colon.
        start = _skip(text, _skip(text, position) + 1)
        _value, end = _DECODER.raw_decode(text, start)
        members[key] = text[start:end]
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return members


def compacted(raw: str) -> str:
    """``raw`` as Go writes a RawMessage: without white space between tokens, and with its escapes of < > & U+2028 U+2029."""
    return go_escaped(_STRING_OR_SPACE.sub(lambda match: match.group(1) or "", raw))


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position
